/** HTTP: the commitments, how each stands. Anyone may read of them. */
import { CentreError } from '../error.ts';
import type { LogView } from '../log/log.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Router } from '../router.ts';
import { findCommitment, listCommitments } from './queries.ts';

const PAGE_COMMITMENTS = 100;

export function addCommitmentRoutes(
  router: Router,
  { root, read }: { readonly root: LogView; readonly read: ReadDb },
): void {
  // No view reads this server's clock: the time is that of the published checkpoint.
  const publishedMs = (): number => root.published.cosignedAt * 1000;

  router.on('commitments', ({ query: { after, limit = PAGE_COMMITMENTS } }) =>
    listCommitments(read, publishedMs(), { after, limit }),
  );

  router.on('commitment', async ({ params: { id } }) => {
    const found = await findCommitment(read, id, publishedMs());
    if (found === undefined) throw new CentreError('not-found', `There is no commitment “${id}”.`);
    return found;
  });
}
