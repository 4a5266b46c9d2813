import { useQuery } from '@tanstack/react-query';
import { apiUrl } from '../api-client.ts';
import { formatByteSize } from '../formats/byte-size.ts';
import { bodyQuery } from './checked-body-query.ts';
import { Digest } from './digest.tsx';
import { ProblemNotice } from './problem-notice.tsx';

interface CheckedBodyProps {
  readonly digest: string;
  /** `reason of the withdrawal`. */
  readonly what: string;
  /** Prose is set as text, the rest as source. */
  readonly prose?: boolean;
}

/** A public body that a statement names: fetched, its digest checked in this page, and only then shown, as plain text. */
export function CheckedBody({ digest, what, prose = false }: CheckedBodyProps) {
  const { data, error } = useQuery(bodyQuery(digest));
  if (error !== null) return <ProblemNotice error={error} />;
  if (data === undefined) return <p className="late text-soft">Fetching the {what}…</p>;
  if (!data.matches)
    return (
      <div role="alert" className="border border-refuse bg-refuse-wash p-5">
        <p className="font-semibold text-refuse">
          What the centre sent is not the {what} that the statement names, so it is not shown.
        </p>
        <p className="mt-1">
          The statement names <code className="break-all">{digest}</code>; the bytes that arrived have{' '}
          <code className="break-all">{data.sha256}</code>. Keep both and ask the operator.
        </p>
      </div>
    );
  return (
    <div>
      {data.text === null ? (
        <p className="text-soft">This body is not text. Download it to look at it.</p>
      ) : prose ? (
        <p className="measure font-serif text-lg whitespace-pre-wrap [overflow-wrap:anywhere]">{data.text}</p>
      ) : (
        <pre
          tabIndex={0}
          aria-label={what}
          className="max-h-96 overflow-y-auto border border-line bg-raised p-4 text-sm whitespace-pre-wrap [overflow-wrap:anywhere]"
        >
          <code>{readable(data.text)}</code>
        </pre>
      )}
      <p className="mt-3 text-sm text-soft">
        {formatByteSize(data.sizeBytes)},{' '}
        <a className="link" href={apiUrl('body', { params: { sha256: digest } })} download>
          download
        </a>
        . Its digest was checked in this page: <Digest value={digest} of={what} />
      </p>
    </div>
  );
}

/** JSON is indented for reading; anything else is shown as it is. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
