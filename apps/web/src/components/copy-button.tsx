import { useEffect, useState } from 'react';
import { copyText } from '../clipboard.ts';

interface CopyButtonProps {
  readonly text: string;
  /** What is copied, for those who hear the page: `digest of file.deb`. */
  readonly what: string;
  readonly children?: string;
}

/** Copies a text and says whether that worked. */
export function CopyButton({ text, what, children }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<'copied' | 'failed' | null>(null);
  useEffect(() => {
    if (outcome === null) return undefined;
    const timer = setTimeout(() => {
      setOutcome(null);
    }, 2_000);
    return () => {
      clearTimeout(timer);
    };
  }, [outcome]);
  const said = outcome === 'copied' ? 'Copied' : outcome === 'failed' ? 'Select and copy it by hand' : '';
  return (
    <>
      <button
        type="button"
        className="no-print inline-flex min-h-7 min-w-7 items-center justify-center gap-1.5 rounded-sm px-1 align-middle text-sm text-soft hover:bg-accent-wash hover:text-accent"
        onClick={() => {
          void copyText(text).then((copied) => {
            setOutcome(copied ? 'copied' : 'failed');
          });
        }}
      >
        <svg aria-hidden="true" viewBox="0 0 16 16" width="14" height="14" fill="none" stroke="currentColor">
          {outcome === 'copied' ? (
            <path d="M3 8.5 6.5 12 13 4.5" strokeWidth="1.6" />
          ) : (
            <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" strokeWidth="1.2" />
          )}
        </svg>
        {children ?? null}
        <span className="sr-only">{children === undefined ? `Copy ${what}` : ` (${what})`}</span>
      </button>
      <span role="status" className={outcome === 'failed' ? 'text-sm text-refuse' : 'sr-only'}>
        {said}
      </span>
    </>
  );
}
