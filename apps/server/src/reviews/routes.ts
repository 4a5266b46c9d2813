/** HTTP: what everybody may know of reviews. Anyone may read of them. */
import { CentreError } from '../error.ts';
import type { LogView } from '../log/log.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Router } from '../router.ts';
import {
  findEngagement,
  findOpinion,
  findOrganisation,
  listEngagements,
  listOpinions,
  listOrganisations,
} from './queries.ts';

const PAGE = 50;

export function addReviewRoutes(
  router: Router,
  { root, read }: { readonly root: LogView; readonly read: ReadDb },
): void {
  // No view reads this server's clock: the time is that of the published checkpoint.
  const publishedMs = (): number => root.published.cosignedAt * 1000;

  router.on('organisations', ({ query: { after, limit = PAGE } }) =>
    listOrganisations(read, publishedMs(), { after, limit }),
  );
  router.on('organisation', async ({ params: { id } }) =>
    known(await findOrganisation(read, publishedMs(), id), `There is no organisation ${id}.`),
  );
  router.on('engagements', ({ query: { after, limit = PAGE, organisation } }) =>
    listEngagements(read, publishedMs(), { after, limit, organisation }),
  );
  router.on('engagement', async ({ params: { id }, query: { after, limit = PAGE } }) =>
    known(await findEngagement(read, publishedMs(), id, { after, limit }), `There is no engagement ${id}.`),
  );
  router.on('opinions', ({ query: { after, limit = PAGE, product, release } }) =>
    listOpinions(read, publishedMs(), { after, limit, product, release }),
  );
  router.on('opinion', async ({ params: { id } }) =>
    known(await findOpinion(read, publishedMs(), id), `There is no opinion ${id}.`),
  );
}

function known<Found>(found: Found | undefined, otherwise: string): Found {
  if (found === undefined) throw new CentreError('not-found', otherwise);
  return found;
}
