import { hexDump } from '../formats/hex-dump.ts';

/** More is for a hex editor: the whole leaf can be saved. */
const SHOWN_MAX_BYTES = 16 * 1024;

/** Bytes in hex and as text, eight a line, which fits a phone. */
export function HexView({ bytes, what }: { readonly bytes: Uint8Array; readonly what: string }) {
  const shown = bytes.subarray(0, SHOWN_MAX_BYTES);
  return (
    <>
      <pre
        tabIndex={0}
        aria-label={`${what} in hex`}
        className="max-h-96 overflow-auto border border-line bg-raised p-3 text-[0.75rem] leading-5 sm:p-4 sm:text-sm"
      >
        <code>
          {hexDump(shown, 8)
            .map(({ offset, hex, text }) => `${offset.slice(4)}  ${hex.join(' ').padEnd(23)}  ${text}`)
            .join('\n')}
        </code>
      </pre>
      {bytes.length > shown.length ? (
        <p className="mt-2 text-sm text-soft">
          The first {SHOWN_MAX_BYTES} of {bytes.length} bytes.
        </p>
      ) : null}
    </>
  );
}
