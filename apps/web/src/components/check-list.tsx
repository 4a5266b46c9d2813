import type { ReactNode } from 'react';

export interface ShownCheck {
  readonly name: string;
  /** Null: neither shown nor refuted. */
  readonly ok: boolean | null;
  readonly reason: ReactNode;
  readonly below?: ReactNode;
}

/** Holds, does not hold, or neither, as a sign that words beside it repeat. */
export function ResultSign({ ok }: { readonly ok: boolean | null }) {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 20 20"
      width="20"
      height="20"
      className={`shrink-0 ${ok === true ? 'text-accent' : ok === false ? 'text-refuse' : 'text-soft'}`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
    >
      {ok === true ? <path d="M4 10.5 8.2 15 16 5.5" /> : null}
      {ok === false ? <path d="M5 5l10 10M15 5L5 15" /> : null}
      {ok === null ? <path d="M4 10h12" /> : null}
    </svg>
  );
}

/** Checks, each with its result in words, its reason, and what lies below. */
export function CheckList({ checks }: { readonly checks: readonly ShownCheck[] }) {
  return (
    <ul className="border-t border-line">
      {checks.map(({ name, ok, reason, below }) => (
        <li key={name} className="flex gap-3 border-b border-line py-3">
          <span className="mt-1">
            <ResultSign ok={ok} />
          </span>
          <div className="min-w-0 flex-1">
            <p>
              <span className="font-semibold">{name}</span>
              <span className="sr-only">
                {ok === true ? ': holds.' : ok === false ? ': does not hold.' : ': not shown.'}
              </span>
            </p>
            <div className="[overflow-wrap:anywhere]">{reason}</div>
            {below}
          </div>
        </li>
      ))}
    </ul>
  );
}
