import type { ReactNode } from 'react';

export interface Fact {
  readonly term: string;
  readonly value: ReactNode;
}

/** A list of terms and what they are, set like the label beside an exhibit. */
export function Facts({
  facts,
  narrow = false,
}: {
  readonly facts: readonly Fact[];
  readonly narrow?: boolean;
}) {
  return (
    <dl className="border-t border-line">
      {facts.map(({ term, value }) => (
        <div
          key={term}
          className={`grid grid-cols-1 gap-x-6 border-b border-line py-2.5 ${narrow ? 'sm:grid-cols-[7.5rem_minmax(0,1fr)]' : 'sm:grid-cols-[11rem_minmax(0,1fr)]'}`}
        >
          <dt className="text-sm leading-7 text-soft">{term}</dt>
          <dd className="min-w-0 leading-7">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
