import { Link } from '@tanstack/react-router';
import type { CommitmentList } from '@vitrine/api';
import { formatCount } from '../formats/byte-size.ts';

/** Said where not all promises are on the page, with the way to the others; nothing where they are. */
export function PartOfPromises({
  list: { commitments, count, next },
  after,
  parameter = 'after',
}: {
  readonly list: CommitmentList;
  readonly after: string | undefined;
  /** Its name in the address. */
  readonly parameter?: 'after' | 'promises.after';
}) {
  if (after === undefined && next === null) return null;
  return (
    <p className="mb-6 text-soft">
      {formatCount(commitments.length)} of {formatCount(count)} promises.{' '}
      {after === undefined ? null : (
        <Link to="." search={(now) => ({ ...now, [parameter]: undefined })} className="link mr-3">
          From the first
        </Link>
      )}
      {next === null ? null : (
        <Link to="." search={(now) => ({ ...now, [parameter]: String(next) })} className="link">
          The following ones
        </Link>
      )}
    </p>
  );
}
