/** HTTP: what is said to the vendor at this centre, and what was said at any. The signature is the authentication. */
import type { ReadDb } from '../projection/schema.ts';
import type { Router } from '../router.ts';
import type { Intake } from './commands.ts';

const DEFAULT_LIMIT = 50;

export function addIntakeRoutes(
  router: Router,
  { intake, read }: { readonly intake: Intake; readonly read: ReadDb },
): void {
  router.on('submit', ({ body }) => intake.submit(body));
  router.on('submissionBody', async ({ params }) => ({ bytes: await intake.body(params.digest) }));
  router.on('submissions', async ({ query }) => {
    const limit = query.limit ?? DEFAULT_LIMIT;
    const before = query.before ?? Number.MAX_SAFE_INTEGER;
    // By the head that anchored them: whatever one head made known is on one page, so that no page cuts it in two.
    const heads = await read
      .selectFrom('submissions')
      .select('head_index')
      .distinct()
      .where('head_index', '<', before)
      .orderBy('head_index', 'desc')
      .limit(limit + 1)
      .execute();
    const shown = heads.slice(0, limit).map(({ head_index: index }) => index);
    const oldest = shown.at(-1);
    if (oldest === undefined) return { submissions: [], next: null };
    const rows = await read
      .selectFrom('submissions')
      .selectAll()
      .where('head_index', '>=', oldest)
      .where('head_index', '<', before)
      .orderBy('head_index', 'desc')
      .orderBy('entry_index', 'desc')
      .execute();
    return {
      submissions: rows.map((row) => ({
        digest: row.digest,
        origin: row.origin,
        index: row.entry_index,
        headIndex: row.head_index,
        registeredAt: row.registered_at,
        signer: row.signer,
        kind: row.kind,
        product: row.product,
        access: row.access,
        body: row.body,
      })),
      next: heads.length > limit ? oldest : null,
    };
  });
}
