/** HTTP: by which centres are compared: the digest of what they show. */
import { CentreError } from '../error.ts';
import { type ReadDb, SEMANTICS } from '../projection/schema.ts';
import type { Router } from '../router.ts';

/** The digest of the view at the published root size, or at one that was published before. */
export function addViewDigestRoute(router: Router, { read }: { readonly read: ReadDb }): void {
  router.on('viewDigest', async ({ query }) => {
    const progress = await read
      .selectFrom('progress')
      .select(['root_size', 'judged_from'])
      .executeTakeFirstOrThrow();
    const rootSize = query.rootSize ?? progress.root_size;
    const row =
      rootSize < progress.judged_from
        ? undefined
        : await read
            .selectFrom('view_digests')
            .select('digest')
            .where('root_size', '=', rootSize)
            .executeTakeFirst();
    if (row === undefined)
      throw new CentreError(
        'root-size-not-kept',
        `The view at root size ${rootSize} has no digest here: this centre shows ${progress.root_size} entries` +
          (progress.judged_from === 0
            ? '.'
            : `, and since entry ${progress.judged_from - 1} revoked a key as compromised, those before it are judged anew.`),
      );
    return { rootSize, semantics: SEMANTICS, digest: row.digest };
  });
}
