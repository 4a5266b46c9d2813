/** Attacks on a running centre by those who hold a key of it, and by those who hold none: what one product’s publisher may learn of or do to another’s. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiError } from '@vitrine/api';
import {
  artifactStatement,
  formatArtifactList,
  formatPublicKey,
  formatStatement,
  keyAddStatement,
  payloadDigestOf,
  releaseStatement,
  signStatement,
  withdrawalStatement,
} from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { formatManifest, manifestOf, snapshotRootOf } from '@vitrine/source';
import {
  objectStream,
  prepareRelease,
  publish,
  sha256,
  signerOf,
  startCentre,
  text,
} from './running-centre.ts';
import type { RunningCentre } from './running-centre.ts';

let centre: RunningCentre;
beforeAll(async () => {
  centre = await startCentre();
});
afterAll(async () => {
  await centre.dispose();
});

async function code(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ApiError) return error.problem?.code ?? error.code;
    throw error;
  }
  return undefined;
}

function newSigner(): Signer {
  return signerOf(String(generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })));
}

/** A new key that may publish one product. */
async function publisherOf(product: string): Promise<Signer> {
  const key = newSigner();
  const add = keyAddStatement({
    log: `${centre.name}/keys`,
    key: formatPublicKey(key),
    roles: [{ role: 'publisher', products: [product] }],
  });
  await centre.api.call('registerStatements', {
    body: { log: 'keys', envelopes: [text(await signStatement(add, [centre.signer]))], bodies: [] },
  });
  return key;
}

async function open(token: string, product: string, version: string) {
  return centre.api.call('openPublication', {
    token,
    body: { product, version, snapshotSecret: randomBytes(32).toString('hex') },
  });
}

const statements = (
  envelopes: readonly string[],
  bodies: readonly Uint8Array[],
  log: 'statements' | 'keys',
) =>
  centre.api.call('registerStatements', {
    body: {
      log,
      envelopes: [...envelopes],
      bodies: bodies.map((body) => Buffer.from(body).toString('base64')),
    },
  });

describe('the confidential source of another product', () => {
  const confidential = 'the recipe that nobody else may read\n';
  let manifestDigest: string;
  let manifestText: Uint8Array;
  let thief: Signer;
  let token: string;
  beforeAll(async () => {
    const victim = await publish(centre, {
      product: 'victim',
      version: '1',
      source: { 'secret/recipe.txt': confidential },
      artifacts: { 'victim.bin': Buffer.from('the victim’s program') },
    });
    const manifest = victim.objects[1];
    if (manifest === undefined) throw new Error('the manifest was not prepared');
    manifestText = manifest;
    manifestDigest = sha256(manifest);
    thief = await publisherOf('thief');
    token = await centre.token(thief);
  });

  test('does not become public because a release names its digests as notes, list or artifact', async () => {
    const { id, snapshotSecret } = await open(token, 'thief', '1');
    // The digest of the victim’s manifest stands in the victim’s release, for everybody to read.
    const stolen = await prepareRelease(
      centre,
      snapshotSecret,
      {
        product: 'thief',
        version: '1',
        source: { a: 'a' },
        artifacts: {},
        documents: { notes: { digest: manifestDigest } },
      },
      thief,
    );
    await centre.api.call('putObjects', { token, params: { id }, body: objectStream(stolen.objects) });
    expect(
      await code(
        centre.api.call('commitPublication', {
          token,
          params: { id },
          body: { envelopes: [...stolen.envelopes] },
        }),
      ),
    ).toBe('publication-incomplete');
    expect(await code(centre.api.call('body', { params: { sha256: manifestDigest } }))).toBe('not-found');
  });

  test('does not become public because an artifact has its digest', async () => {
    const { id, snapshotSecret } = await open(token, 'thief', '2');
    const wanted = { name: 'loot', sha256: sha256(confidential), sizeBytes: Buffer.byteLength(confidential) };
    const list = formatArtifactList([wanted]);
    const manifest = manifestOf(Buffer.from(snapshotSecret, 'hex'), [
      { path: 'a', mode: '100644', sizeBytes: 1, digest: sha256('a') },
    ]);
    const names = { log: `${centre.name}/statements`, product: 'thief', version: '2' };
    const release = releaseStatement({
      ...names,
      source: {
        root: Buffer.from(snapshotRootOf(manifest)).toString('hex'),
        files: 1,
        manifest: sha256(formatManifest(manifest)),
      },
      artifacts: { count: 1, list: sha256(list) },
    });
    const artifact = artifactStatement(wanted, {
      ...names,
      release: payloadDigestOf(formatStatement(release)),
      sizeBytes: wanted.sizeBytes,
    });
    await centre.api.call('putObjects', {
      token,
      params: { id },
      body: objectStream([Buffer.from('a'), formatManifest(manifest), list]),
    });
    const envelopes = await Promise.all(
      [release, artifact].map(async (statement) => text(await signStatement(statement, [thief]))),
    );
    expect(
      await code(centre.api.call('commitPublication', { token, params: { id }, body: { envelopes } })),
    ).toBe('publication-incomplete');
    expect(await code(centre.api.call('artifactContent', { params: { sha256: wanted.sha256 } }))).toBe(
      'not-found',
    );
  });

  test('does not become public because a withdrawal names its digest as the reason', async () => {
    const input = { product: 'thief', version: '3', source: { a: 'a' }, artifacts: {} };
    const { id, snapshotSecret } = await open(token, 'thief', '3');
    const own = await prepareRelease(centre, snapshotSecret, input, thief);
    await centre.api.call('putObjects', { token, params: { id }, body: objectStream(own.objects) });
    await centre.api.call('commitPublication', {
      token,
      params: { id },
      body: { envelopes: [...own.envelopes] },
    });
    const withdrawal = withdrawalStatement({
      log: `${centre.name}/statements`,
      product: 'thief',
      version: '3',
      release: own.digest,
      reason: { digest: sha256(confidential) },
    });
    const envelope = text(await signStatement(withdrawal, [thief]));
    expect(await code(statements([envelope], [], 'statements'))).toBe('body-missing');
    expect(await code(centre.api.call('body', { params: { sha256: sha256(confidential) } }))).toBe(
      'not-found',
    );
  });

  test('is not known to be there: neither by asking what is missing, nor by opening an upload', async () => {
    const { id } = await open(token, 'thief', '4');
    const unknown = sha256('nobody has this');
    const known = sha256(confidential);
    expect(
      (
        await centre.api.call('missingObjects', {
          token,
          params: { id },
          body: { digests: [known, unknown, manifestDigest] },
        })
      ).missing,
    ).toEqual([known, unknown, manifestDigest]);
    const upload = (digest: string, sizeBytes: number) =>
      centre.api.call('upload', { token, params: { id, sha256: digest }, query: { sizeBytes } });
    for (const sizeBytes of [Buffer.byteLength(confidential), 7]) {
      expect(await upload(known, sizeBytes)).toEqual({ offsetBytes: 0, complete: false });
    }
  });

  test('may be sent by whoever has it too, in a stream or as an upload, and is then held for that product', async () => {
    const { id } = await open(token, 'thief', '5');
    const digests = [sha256(confidential), sha256('the victim’s program')];
    const missing = async () =>
      (await centre.api.call('missingObjects', { token, params: { id }, body: { digests } })).missing;
    await centre.api.call('putObjects', {
      token,
      params: { id },
      body: objectStream([Buffer.from('the victim’s program')]),
    });
    expect(await missing()).toEqual([sha256(confidential)]);
    const address = { params: { id, sha256: sha256(confidential) }, token };
    const sizeBytes = Buffer.byteLength(confidential);
    const begin = () => centre.api.call('upload', { ...address, query: { sizeBytes } });
    await begin();
    expect(
      await code(
        centre.api.call('continueUpload', {
          ...address,
          query: { sizeBytes, offsetBytes: 0 },
          body: new Blob(['x'.repeat(sizeBytes)]),
        }),
      ),
    ).toBe('digest-mismatch');
    expect(await missing()).toEqual([sha256(confidential)]);
    await begin();
    expect(
      await centre.api.call('continueUpload', {
        ...address,
        query: { sizeBytes, offsetBytes: 0 },
        body: new Blob([confidential]),
      }),
    ).toEqual({ offsetBytes: sizeBytes, complete: true });
    expect(await begin()).toEqual({ offsetBytes: sizeBytes, complete: true });
    expect(await missing()).toEqual([]);
  });

  test('stays secret where the thief is the product’s own publisher, who may write and not read', async () => {
    const { id, snapshotSecret } = await open(await centre.token(), 'victim', '2');
    const stolen = await prepareRelease(centre, snapshotSecret, {
      product: 'victim',
      version: '2',
      source: { a: 'a' },
      artifacts: {},
      documents: { notes: { digest: manifestDigest } },
    });
    const rootToken = await centre.token();
    await centre.api.call('putObjects', {
      token: rootToken,
      params: { id },
      body: objectStream([...stolen.objects, manifestText]),
    });
    await centre.api.call('commitPublication', {
      token: rootToken,
      params: { id },
      body: { envelopes: [...stolen.envelopes] },
    });
    expect(await code(centre.api.call('body', { params: { sha256: manifestDigest } }))).toBe('not-found');
  });
});
