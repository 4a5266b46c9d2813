/** HTTP: publishing (with a session), and everything that anyone may read of releases. */
import { CentreError } from '../error.ts';
import { isPublic, isSecret } from '../projection/bodies.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { WordIndex } from '../projection/word-index.ts';
import type { BytesResponse, RouteInput, Router } from '../router.ts';
import { VaultError } from '../vault/vault.ts';
import type { Vault } from '../vault/vault.ts';
import type { ReleaseCommands } from './commands.ts';
import { getArtifact, getProduct, getRelease, listProducts, search } from './queries.ts';

export function addReleaseRoutes(
  router: Router,
  { read, words, vault }: { read: ReadDb; words: WordIndex; vault: Vault },
): void {
  router.on('products', ({ query }) => listProducts(read, query));
  router.on('product', ({ params, query }) => getProduct(read, params.product, query));
  router.on('release', ({ params }) => getRelease(read, params.product, params.version));
  router.on('search', ({ query }) => search(read, words, query));
  router.on('artifact', async ({ params }) =>
    getArtifact(read, params.sha256, await vault.has(params.sha256)),
  );
  router.on('artifactContent', async ({ params, range }) => {
    // Only what a release names: a source file's digest must not be answered, not even with "no such artifact held".
    const { namedBy } = await getArtifact(read, params.sha256, true);
    if (await isSecret(read, params.sha256))
      throw new CentreError('not-found', 'The object that the artifact names is not given out.');
    const content = await contentOf(vault, params.sha256, range);
    return { ...content, fileName: namedBy[0]?.name ?? params.sha256 };
  });
  router.on('body', async ({ params, range }) => {
    if (!(await isPublic(read, params.sha256)))
      throw new CentreError(
        'not-found',
        `No admitted statement names a public body with the SHA-256 ${params.sha256}.`,
      );
    return contentOf(vault, params.sha256, range);
  });
}

/** Only where the logs are written. */
export function addPublicationRoutes(router: Router, commands: ReleaseCommands): void {
  router.on('openPublication', ({ caller, body }) => commands.open(caller, body));
  router.on('missingObjects', async ({ caller, params, body }) => ({
    missing: await commands.missing(caller, params.id, body),
  }));
  router.on('putObjects', ({ caller, params, query, body }) =>
    commands.putObjects(caller, params.id, { ...query, stream: body }),
  );
  router.on('upload', ({ caller, params, query }) =>
    commands.openUpload(caller, params.id, { sha256: params.sha256, ...query }),
  );
  router.on('continueUpload', ({ caller, params, query, body }) =>
    commands.continueUpload(caller, params.id, { sha256: params.sha256, ...query, stream: body }),
  );
  router.on('commitPublication', async ({ caller, params, body }) => ({
    statements: await commands.commit(caller, params.id, body.envelopes),
  }));
}

/** An object, or the part of it that is asked for. @throws VaultError as `Vault.get` */
async function contentOf(
  vault: Vault,
  sha256: string,
  range: RouteInput<'body'>['range'],
): Promise<BytesResponse> {
  const status = await vault.status(sha256);
  if (range === undefined || status.state !== 'stored') {
    const { sizeBytes, stream } = await vault.get(sha256);
    return { bytes: stream, sizeBytes };
  }
  const { start } = range;
  const end = Math.min(range.end ?? status.sizeBytes, status.sizeBytes);
  if (start >= end)
    throw new VaultError('range-not-satisfiable', `The object ends at ${status.sizeBytes}, before ${start}.`);
  const { stream } = await vault.get(sha256, { start, end });
  return { bytes: stream, sizeBytes: end - start, part: { start, wholeBytes: status.sizeBytes } };
}
