import { useState } from 'react';
import { shortenDigest } from '../formats/shortened-digest.ts';
import { CopyButton } from './copy-button.tsx';

interface DigestProps {
  readonly value: string;
  /** What it is the digest of. */
  readonly of: string;
}

/** A digest, shortened; pressing it shows all of it, and a button copies it. */
export function Digest({ value, of }: DigestProps) {
  const [full, setFull] = useState(false);
  return (
    <span className={full ? '' : 'sm:whitespace-nowrap print:whitespace-normal'}>
      {full ? (
        <code className="break-all select-all">{value}</code>
      ) : (
        <button
          type="button"
          className="min-h-6 rounded-sm decoration-dotted sm:whitespace-nowrap print:hidden underline-offset-4 hover:underline"
          title={value}
          onClick={() => {
            setFull(true);
          }}
        >
          <code>{shortenDigest(value)}</code>
          <span className="sr-only">, show the whole digest of {of}</span>
        </button>
      )}{' '}
      {full ? null : <code className="hidden break-all print:inline">{value}</code>}
      <CopyButton text={value} what={`digest of ${of}`} />
    </span>
  );
}
