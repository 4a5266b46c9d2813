/** HTTP: publishing (with a session), and everything that anyone may read of releases. */
import { CentreError } from '../error.ts';
import { isPublic, isSecret } from '../projection/bodies.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { WordIndex } from '../projection/word-index.ts';
import type { Router } from '../router.ts';
import type { Vault } from '../vault/vault.ts';
import type { ReleaseCommands } from './commands.ts';
import { getArtifact, getProduct, getRelease, listProducts, search } from './queries.ts';

export function addReleaseRoutes(
  router: Router,
  {
    commands,
    read,
    words,
    vault,
  }: { commands: ReleaseCommands; read: ReadDb; words: WordIndex; vault: Vault },
): void {
  router.on('products', ({ query }) => listProducts(read, query));
  router.on('product', ({ params, query }) => getProduct(read, params.product, query));
  router.on('release', ({ params }) => getRelease(read, params.product, params.version));
  router.on('search', ({ query }) => search(read, words, query));
  router.on('artifact', async ({ params }) =>
    getArtifact(read, params.sha256, await vault.has(params.sha256)),
  );
  router.on('artifactContent', async ({ params }) => {
    // Only what a release names: a source file's digest must not be answered, not even with "no such artifact held".
    const { namedBy } = await getArtifact(read, params.sha256, true);
    if (await isSecret(read, params.sha256))
      throw new CentreError('not-found', 'The object that the artifact names is not given out.');
    const { sizeBytes, stream } = await vault.get(params.sha256);
    return { bytes: stream, sizeBytes, fileName: namedBy[0]?.name ?? params.sha256 };
  });
  router.on('body', async ({ params }) => {
    if (!(await isPublic(read, params.sha256)))
      throw new CentreError(
        'not-found',
        `No admitted statement names a public body with the SHA-256 ${params.sha256}.`,
      );
    const { sizeBytes, stream } = await vault.get(params.sha256);
    return { bytes: stream, sizeBytes };
  });
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
