import type { ReactNode, ToggleEvent } from 'react';

interface DisclosureProps {
  readonly summary: ReactNode;
  readonly children: ReactNode;
  readonly open?: boolean;
  readonly onOpen?: () => void;
}

/** What stands one click below. */
export function Disclosure({ summary, children, open = false, onOpen }: DisclosureProps) {
  return (
    <details
      className="group border-b border-line"
      open={open}
      onToggle={(event: ToggleEvent<HTMLDetailsElement>) => {
        if (event.newState === 'open') onOpen?.();
      }}
    >
      <summary className="flex min-h-12 list-none items-center gap-3 py-2.5 hover:text-accent">
        <svg
          aria-hidden="true"
          viewBox="0 0 16 16"
          width="12"
          height="12"
          className="shrink-0 text-soft transition-transform group-open:rotate-90"
        >
          <path d="M5 2l6 6-6 6" fill="none" stroke="currentColor" strokeWidth="1.6" />
        </svg>
        <span className="min-w-0">{summary}</span>
      </summary>
      <div className="pt-1 pb-6 sm:pl-6">{children}</div>
    </details>
  );
}
