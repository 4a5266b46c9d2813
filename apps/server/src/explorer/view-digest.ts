/** HTTP: by which centres are compared: the digest of what they show. */
import { CentreError } from '../error.ts';
import { type ReadDb, SEMANTICS } from '../projection/schema.ts';
import type { Router } from '../router.ts';

/** The digest of what is shown at a root size, or at the newest one; undefined where it is not kept. */
export async function readViewDigest(
  read: ReadDb,
  rootSize?: number,
): Promise<{ readonly rootSize: number; readonly semantics: number; readonly digest: string } | undefined> {
  const progress = await read
    .selectFrom('progress')
    .select(['root_size', 'judged_from'])
    .executeTakeFirstOrThrow();
  const at = rootSize ?? progress.root_size;
  if (at < progress.judged_from) return undefined;
  const row = await read
    .selectFrom('view_digests')
    .select('digest')
    .where('root_size', '=', at)
    .executeTakeFirst();
  return row === undefined ? undefined : { rootSize: at, semantics: SEMANTICS, digest: row.digest };
}

/** The digest of the view at the published root size, or at one that was published before. */
export function addViewDigestRoute(router: Router, { read }: { readonly read: ReadDb }): void {
  router.on('viewDigest', async ({ query }) => {
    const known = await readViewDigest(read, query.rootSize);
    if (known !== undefined) return known;
    const progress = await read
      .selectFrom('progress')
      .select(['root_size', 'judged_from'])
      .executeTakeFirstOrThrow();
    throw new CentreError(
      'root-size-not-kept',
      `The view at root size ${query.rootSize ?? progress.root_size} has no digest here: this centre shows ${progress.root_size} entries` +
        (progress.judged_from === 0
          ? '.'
          : `, and since entry ${progress.judged_from - 1} revoked a key as compromised, those before it are judged anew.`),
    );
  });
}
