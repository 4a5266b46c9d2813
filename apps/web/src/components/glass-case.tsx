import type { ReactNode } from 'react';

/** The vitrine itself: two panes of glass on a plinth. What is examined stands in it. */
export function GlassCase({
  children,
  lit = false,
}: {
  readonly children: ReactNode;
  readonly lit?: boolean;
}) {
  return (
    <div className="relative pb-3">
      <div
        className={`border p-1.5 transition-colors ${lit ? 'border-accent bg-accent-wash' : 'border-accent/60 bg-raised'}`}
      >
        <div className="border border-line">{children}</div>
      </div>
      <div aria-hidden="true" className="absolute inset-x-4 bottom-1.5 h-1.5 border-x border-accent/60" />
      <div aria-hidden="true" className="absolute -inset-x-1.5 bottom-0 border-t-2 border-accent/60" />
    </div>
  );
}
