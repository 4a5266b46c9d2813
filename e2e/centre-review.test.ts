/** Attacks on a running centre by those who hold a key of it, and by those who hold none: what one product’s publisher may learn of or do to another’s. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  artifactStatement,
  disposalStatement,
  formatArtifactList,
  formatDisposalList,
  formatPublicKey,
  formatStatement,
  keyAddStatement,
  keyRevokeStatement,
  keyRotateStatement,
  payloadDigestOf,
  releaseStatement,
  signStatement,
  withdrawalStatement,
} from '@vitrine/statements';
import type { KeyRevokeStatement, KeyRotateStatement, Signer } from '@vitrine/statements';
import { formatManifest, manifestOf, snapshotRootOf } from '@vitrine/source';
import {
  bin,
  code,
  newSigner,
  objectStream,
  prepareRelease,
  publish,
  sendObjects,
  sha256,
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
    await sendObjects(centre, token, id, stolen);
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
    await sendObjects(centre, token, id, {
      objects: [Buffer.from('a'), formatManifest(manifest), list],
      secretObjects: 2,
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
    await sendObjects(centre, token, id, own);
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
          body: { visibility: 'secret', digests: [known, unknown, manifestDigest] },
        })
      ).missing,
    ).toEqual([known, unknown, manifestDigest]);
    const upload = (digest: string, sizeBytes: number) =>
      centre.api.call('upload', {
        token,
        params: { id, sha256: digest },
        query: { visibility: 'secret', sizeBytes },
      });
    for (const sizeBytes of [Buffer.byteLength(confidential), 7]) {
      expect(await upload(known, sizeBytes)).toEqual({ offsetBytes: 0, complete: false });
    }
  });

  test('may be sent by whoever has it too, in a stream or as an upload, and is then held for that product', async () => {
    const { id } = await open(token, 'thief', '5');
    const digests = [sha256(confidential), sha256('the victim’s program')];
    const missing = async () =>
      (
        await centre.api.call('missingObjects', {
          token,
          params: { id },
          body: { visibility: 'public', digests },
        })
      ).missing;
    await centre.api.call('putObjects', {
      token,
      params: { id },
      query: { visibility: 'public' },
      body: objectStream([Buffer.from('the victim’s program')]),
    });
    expect(await missing()).toEqual([sha256(confidential)]);
    const address = { params: { id, sha256: sha256(confidential) }, token };
    const sizeBytes = Buffer.byteLength(confidential);
    const begin = () => centre.api.call('upload', { ...address, query: { visibility: 'public', sizeBytes } });
    await begin();
    expect(
      await code(
        centre.api.call('continueUpload', {
          ...address,
          query: { visibility: 'public', sizeBytes, offsetBytes: 0 },
          body: new Blob(['x'.repeat(sizeBytes)]),
        }),
      ),
    ).toBe('digest-mismatch');
    expect(await missing()).toEqual([sha256(confidential)]);
    await begin();
    expect(
      await centre.api.call('continueUpload', {
        ...address,
        query: { visibility: 'public', sizeBytes, offsetBytes: 0 },
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
    await sendObjects(centre, rootToken, id, { ...stolen, objects: [...stolen.objects, manifestText] });
    await centre.api.call('commitPublication', {
      token: rootToken,
      params: { id },
      body: { envelopes: [...stolen.envelopes] },
    });
    expect(await code(centre.api.call('body', { params: { sha256: manifestDigest } }))).toBe('not-found');
  });
});

describe('the confidential source of one’s own product', () => {
  const confidential = 'a recipe that its publisher may deposit and nobody may read\n';
  const known = sha256(confidential);
  const unknown = sha256('no file of that product');
  let thief: Signer;
  let token: string;
  beforeAll(async () => {
    await publish(centre, {
      product: 'own',
      version: '1',
      source: { 'secret/recipe.txt': confidential },
      artifacts: { 'own.bin': Buffer.from('own program') },
    });
    // Who came by a key of the product, and by nothing that the vault keeps.
    thief = await publisherOf('own');
    token = await centre.token(thief);
  });

  /** Says a release that names the digest as `as`, sends all that the thief can have of it, and commits. */
  async function commitNaming(
    version: string,
    digest: string,
    as: 'artifact' | 'notes' | 'provenance' | 'sbom',
  ) {
    const { id, snapshotSecret } = await open(token, 'own', version);
    const loot = { name: 'loot', sha256: digest, sizeBytes: Buffer.byteLength(confidential) };
    const list = formatArtifactList(as === 'artifact' ? [loot] : []);
    const manifest = manifestOf(Buffer.from(snapshotSecret, 'hex'), [
      { path: 'a', mode: '100644', sizeBytes: 1, digest: sha256('a') },
    ]);
    const names = { log: `${centre.name}/statements`, product: 'own', version };
    const release = releaseStatement({
      ...names,
      source: {
        root: Buffer.from(snapshotRootOf(manifest)).toString('hex'),
        files: 1,
        manifest: sha256(formatManifest(manifest)),
      },
      artifacts: { count: as === 'artifact' ? 1 : 0, list: sha256(list) },
      ...(as === 'notes' || as === 'provenance' ? { [as]: { digest } } : {}),
      ...(as === 'sbom' ? { sbom: { format: 'cyclonedx', digest } } : {}),
    });
    const artifact = artifactStatement(loot, {
      ...names,
      release: payloadDigestOf(formatStatement(release)),
      sizeBytes: loot.sizeBytes,
    });
    await sendObjects(centre, token, id, {
      objects: [Buffer.from('a'), formatManifest(manifest), list],
      secretObjects: 2,
    });
    const envelopes = await Promise.all(
      (as === 'artifact' ? [release, artifact] : [release]).map(async (statement) =>
        text(await signStatement(statement, [thief])),
      ),
    );
    const commit = () => centre.api.call('commitPublication', { token, params: { id }, body: { envelopes } });
    return { id, commit };
  }

  test.each(['artifact', 'notes', 'provenance', 'sbom'] as const)(
    'does not become public because a release names its digest as %s, nor does the answer tell that it is there',
    async (as) => {
      const answers = await Promise.all(
        [known, unknown].map(async (digest) => {
          const { commit } = await commitNaming(`${as}-${digest.slice(0, 8)}`, digest, as);
          return commit().then(
            () => 'registered',
            (error: unknown) => String(error).replaceAll(digest, 'DIGEST'),
          );
        }),
      );
      expect(answers[0]).toContain('not arrived');
      expect(answers[0]).toBe(answers[1]);
      for (const route of ['artifactContent', 'body', 'artifact'] as const)
        expect(await code(centre.api.call(route, { params: { sha256: known } }))).toBe('not-found');
    },
  );

  test('is not known to be there by asking what must be sent as public', async () => {
    const { id } = await open(token, 'own', 'asked');
    const asked = { visibility: 'public' as const, digests: [unknown, known, sha256('own program')] };
    expect((await centre.api.call('missingObjects', { token, params: { id }, body: asked })).missing).toEqual(
      [unknown, known],
    );
    for (const sizeBytes of [Buffer.byteLength(confidential), 7])
      expect(
        await centre.api.call('upload', {
          token,
          params: { id, sha256: known },
          query: { visibility: 'public', sizeBytes },
        }),
      ).toEqual({ offsetBytes: 0, complete: false });
  });

  test('nor while it is being sent: an upload as public neither shows nor finishes one as secret', async () => {
    const { id } = await open(token, 'own', 'half');
    const bytes = Buffer.concat([randomBytes(131_072), Buffer.alloc(10)]);
    const address = { token, params: { id, sha256: sha256(bytes) } };
    const at = (visibility: 'secret' | 'public') =>
      centre.api.call('upload', { ...address, query: { visibility, sizeBytes: bytes.length } });
    const go = (visibility: 'secret' | 'public', offsetBytes: number, end?: number) =>
      centre.api.call('continueUpload', {
        ...address,
        query: { visibility, sizeBytes: bytes.length, offsetBytes },
        body: new Blob([bytes.subarray(offsetBytes, end)]),
      });
    await at('secret');
    expect(await go('secret', 0, 131_072)).toEqual({ offsetBytes: 131_072, complete: false });
    expect(await at('public')).toEqual({ offsetBytes: 0, complete: false });
    // The tail is zeros that anybody guesses.
    expect(await code(go('public', 131_072))).toBe('upload-offset-mismatch');
    expect(await at('secret')).toEqual({ offsetBytes: 131_072, complete: false });
    expect(await go('secret', 131_072)).toEqual({ offsetBytes: bytes.length, complete: true });
    expect(await at('public')).toEqual({ offsetBytes: 0, complete: false });
    expect(await go('public', 0)).toEqual({ offsetBytes: bytes.length, complete: true });
  });

  test('becomes public when whoever has its bytes sends them as public; after that nobody sends them again', async () => {
    const { id, commit } = await commitNaming('opened', known, 'artifact');
    expect(await code(commit())).toBe('publication-incomplete');
    await centre.api.call('putObjects', {
      token,
      params: { id },
      query: { visibility: 'public' },
      body: objectStream([Buffer.from(confidential)]),
    });
    await commit();
    const content = await centre.api.call('artifactContent', { params: { sha256: known } });
    expect(await content.text()).toBe(confidential);
    expect(await code(commit())).toBeUndefined();
    const later = await commitNaming('opened-again', known, 'artifact');
    expect(await code(later.commit())).toBeUndefined();
  });
});

describe('those without a key', () => {
  const json = { 'content-type': 'application/json' };

  test('store nothing: a body that no statement of the request names is refused', async () => {
    const key = newSigner();
    const unsigned = keyAddStatement({
      log: `${centre.name}/keys`,
      key: formatPublicKey(key),
      roles: [{ role: 'publisher', products: ['*'] }],
    });
    const before = await vaultObjects();
    const junk = randomBytes(100_000);
    expect(await code(statements([text(await signStatement(unsigned, [key]))], [junk], 'keys'))).toBe(
      'invalid-request',
    );
    // A withdrawal that stands in the log, sent again by somebody who read it there.
    const { digest } = await publish(centre, {
      product: 'old',
      version: '1',
      source: { a: 'a' },
      artifacts: {},
    });
    const reason = Buffer.from('superseded\n');
    const withdrawal = withdrawalStatement({
      log: `${centre.name}/statements`,
      product: 'old',
      version: '1',
      release: digest,
      reason: { digest: sha256(reason) },
    });
    const envelope = text(await signStatement(withdrawal, [centre.signer]));
    await statements([envelope], [reason], 'statements');
    const after = await vaultObjects();
    expect(after).toBeGreaterThan(before);
    expect(await code(statements([envelope], [reason, junk], 'statements'))).toBe('invalid-request');
    expect((await statements([envelope], [reason], 'statements')).statements).toMatchObject([
      { duplicate: true },
    ]);
    expect(await vaultObjects()).toBe(after);
  });

  test('are refused before their body is read', async () => {
    const response = await fetch(`${centre.url}/api/publications/${crypto.randomUUID()}/commit`, {
      method: 'POST',
      headers: json,
      body: '{'.repeat(1000),
    });
    expect(response.status).toBe(401);
  });

  test('HEAD of a large artifact says its size and does not read it', async () => {
    const program = randomBytes(20_000_000);
    const token = await centre.token();
    const { id, snapshotSecret } = await open(token, 'large', '1');
    const prepared = await prepareRelease(centre, snapshotSecret, {
      product: 'large',
      version: '1',
      source: { a: 'a' },
      artifacts: { 'large.bin': program },
    });
    const objects = prepared.objects.filter((bytes) => bytes !== program);
    await sendObjects(centre, token, id, { ...prepared, objects });
    const address = { token, params: { id, sha256: sha256(program) } };
    await centre.api.call('upload', {
      ...address,
      query: { visibility: 'public', sizeBytes: program.length },
    });
    await centre.api.call('continueUpload', {
      ...address,
      query: { visibility: 'public', sizeBytes: program.length, offsetBytes: 0 },
      body: new Blob([program]),
    });
    await centre.api.call('commitPublication', {
      token,
      params: { id },
      body: { envelopes: [...prepared.envelopes] },
    });
    const url = `${centre.url}/api/artifacts/${sha256(program)}/content`;
    for (let count = 0; count < 3; count += 1) {
      const head = await fetch(url, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(head.headers.get('content-length')).toBe(String(program.length));
    }
    expect(sha256(new Uint8Array(await (await fetch(url)).arrayBuffer()))).toBe(sha256(program));
  });
});

/** How many objects the vault of the folder holds, as its index says. */
async function vaultObjects(): Promise<number> {
  const metrics = await (await fetch(`${centre.url}/metrics`)).text();
  return Number(/^vitrine_vault_objects (\d+)$/m.exec(metrics)?.[1]);
}

describe('a release that stands', () => {
  test('is not registered again under the signature of another key', async () => {
    const input = {
      product: 'twice',
      version: '1',
      source: { a: 'a' },
      artifacts: { 'a.bin': Buffer.from('a') },
    };
    await publish(centre, input);
    const other = await publisherOf('twice');
    const token = await centre.token(other);
    const { id, snapshotSecret } = await open(token, 'twice', '1');
    const again = await prepareRelease(centre, snapshotSecret, input, other);
    const before = await centre.api.call('log', { params: { log: 'statements' } });
    expect(
      await code(
        centre.api.call('commitPublication', {
          token,
          params: { id },
          body: { envelopes: [...again.envelopes] },
        }),
      ),
    ).toBe('release-exists');
    const after = await centre.api.call('log', { params: { log: 'statements' } });
    expect(after.durableSize).toBe(before.durableSize);
  });
});

describe('SIGTERM', () => {
  test('ends within seconds while an upload hangs, and answers what can be answered', async () => {
    const other = await startCentre();
    try {
      const token = await other.token();
      const { id } = await other.api.call('openPublication', {
        token,
        body: { product: 'p', version: '1', snapshotSecret: 'ab'.repeat(32) },
      });
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
      const path = `/api/publications/${id}/uploads/${'c'.repeat(64)}`;
      await fetch(`${other.url}${path}?visibility=secret&sizeBytes=1000000`, { headers });
      const { port } = new URL(other.url);
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        `PUT ${path}?visibility=secret&sizeBytes=1000000&offsetBytes=0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/octet-stream\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(70_000)}`,
      );
      await once(socket, 'drain').catch(() => undefined);
      const published = publish(other, {
        product: 'late',
        version: '1',
        source: { a: 'a' },
        artifacts: { 'late.bin': Buffer.from('late') },
      });
      await published;
      expect(await other.stop()).toBe(0);
      socket.destroy();
      await other.restart();
      await other.checkLogs();
    } finally {
      await other.dispose();
    }
  });
});

describe('a folder that was put together from parts', () => {
  const release = (version: string) => ({
    product: 'parts',
    version,
    source: { a: version },
    artifacts: { 'a.bin': Buffer.from(version) },
  });
  const readModels = (of: string): string => join(of, 'read-models');
  let other: RunningCentre;
  beforeAll(async () => {
    other = await startCentre();
  });
  afterAll(async () => {
    await other.dispose();
  });
  const versions = async () =>
    (await other.api.call('product', { params: { product: 'parts' } })).releases.map(
      ({ version }) => version,
    );

  test('read models of a longer log, or of another branch, are not believed', async () => {
    await publish(other, release('1'));
    await other.stop();
    const backup = `${other.dir}.backup`;
    cpSync(other.dir, backup, { recursive: true });
    await other.restart();
    await publish(other, release('2'));
    await publish(other, release('3'));
    await other.stop();
    const newer = `${other.dir}.newer`;
    cpSync(other.dir, newer, { recursive: true });
    const restore = (): void => {
      rmSync(other.dir, { recursive: true });
      cpSync(backup, other.dir, { recursive: true });
    };
    restore();
    rmSync(readModels(other.dir), { recursive: true });
    cpSync(readModels(newer), readModels(other.dir), { recursive: true });
    await other.restart();
    expect(await versions()).toEqual(['1']);
    // Another history of the same length.
    await publish(other, release('other-2'));
    await publish(other, release('other-3'));
    await other.stop();
    rmSync(readModels(other.dir), { recursive: true });
    cpSync(readModels(newer), readModels(other.dir), { recursive: true });
    await other.restart();
    expect(await versions()).toEqual(['other-3', 'other-2', '1']);
  });

  test('read models that are no database are made anew', async () => {
    await other.stop();
    for (const file of readdirSync(readModels(other.dir)))
      writeFileSync(join(readModels(other.dir), file), randomBytes(8192));
    await other.restart();
    expect(await versions()).toEqual(['other-3', 'other-2', '1']);
  });

  test('without the local state nothing registered is lost, and publishing goes on', async () => {
    await other.stop();
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(other.dir, `local-state.sqlite${suffix}`), { force: true });
    await other.restart();
    expect(await versions()).toEqual(['other-3', 'other-2', '1']);
    await publish(other, release('4'));
    expect(await versions()).toEqual(['4', 'other-3', 'other-2', '1']);
  });

  test('with another vault key, a missing key or another name the server says so and does not start', async () => {
    await other.stop();
    const refusal = async (): Promise<string> => {
      const child = spawn(bin, ['serve', '--data', other.dir, '--listen', '127.0.0.1:0'], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let errors = '';
      child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
      await once(child, 'close');
      expect(child.exitCode).toBe(2);
      return errors.split('\n').findLast((line) => line.startsWith('vitrine:')) ?? errors;
    };
    const changed = async (file: string, text: string | undefined): Promise<string> => {
      const path = join(other.dir, file);
      const before = readFileSync(path);
      if (text === undefined) rmSync(path);
      else writeFileSync(path, text);
      const said = await refusal();
      writeFileSync(path, before);
      return said;
    };
    const key = readFileSync(join(other.dir, 'keys/vault.age'), 'utf8');
    expect(
      await changed('keys/vault.age', key.replace(/vault-key [0-9a-f]{8}/, 'vault-key 00000000')),
    ).toMatch(/key/);
    expect(await changed('keys/vault.age', undefined)).toContain('vault.age cannot be read');
    expect(await changed('keys/log-statements.pem', undefined)).toContain('log-statements.pem is missing');
    expect(await changed('keys/anchor.pem', undefined)).toContain('anchor.pem is missing');
    const config = readFileSync(join(other.dir, 'vitrine.json'), 'utf8');
    expect(await changed('vitrine.json', config.replaceAll('acme.example', 'evil.example'))).toMatch(
      /acme\.example|evil\.example/,
    );
    await other.restart();
    expect((await fetch(`${other.url}/healthz`)).status).toBe(200);
  });
});

describe('a publication that was begun and not ended', () => {
  async function begun(signer: Signer, product: string, version: string) {
    const token = await centre.token(signer);
    const publication = await open(token, product, version);
    return { ...publication, token };
  }
  const input = (product: string) => ({
    product,
    version: '1',
    source: { a: `source of ${product}` },
    artifacts: { 'p.bin': Buffer.from(`program of ${product}`) },
  });
  const missing = async (token: string, id: string, digest: string) =>
    (
      await centre.api.call('missingObjects', {
        token,
        params: { id },
        body: { visibility: 'secret', digests: [digest] },
      })
    ).missing;
  const commit = (token: string, id: string, envelopes: readonly string[]) =>
    code(
      centre.api.call('commitPublication', { token, params: { id }, body: { envelopes: [...envelopes] } }),
    );
  const keyStatement = async (
    statement: KeyRevokeStatement | KeyRotateStatement,
    signers: readonly Signer[],
  ) => statements([text(await signStatement(statement, signers))], [], 'keys');
  const origin = () => `${centre.name}/keys`;

  test('goes on under its secret for its opener and for every other publisher, as long as the opener may publish', async () => {
    const [opener, other] = [await publisherOf('begun'), await publisherOf('begun')];
    const first = await begun(opener, 'begun', '1');
    for (const signer of [opener, other, centre.signer])
      expect(await begun(signer, 'begun', '1')).toMatchObject({
        id: first.id,
        snapshotSecret: first.snapshotSecret,
      });
  });

  test.each(['revoked', 'rotated'] as const)(
    'starts afresh, with what was sent for it, once its opener’s key is %s',
    async (how) => {
      const product = `left-${how}`;
      const opener = await publisherOf(product);
      const helper = await publisherOf(product);
      const successor = newSigner();
      const first = await begun(opener, product, '1');
      expect((await begun(helper, product, '1')).id).toBe(first.id);
      const stale = await prepareRelease(centre, first.snapshotSecret, input(product), helper);
      await sendObjects(centre, first.token, first.id, stale);
      const log = origin();
      await (how === 'revoked'
        ? keyStatement(keyRevokeStatement({ log, key: opener.keyid, reason: 'retired' }), [centre.signer])
        : keyStatement(
            keyRotateStatement({ log, key: opener.keyid, successor: formatPublicKey(successor) }),
            [opener, successor],
          ));
      expect(await code(open(first.token, product, '1'))).toBe('forbidden');
      const signer = how === 'revoked' ? helper : successor;
      const both = await Promise.all([begun(signer, product, '1'), begun(signer, product, '1')]);
      const [second] = both;
      expect(both[1]).toMatchObject({ id: second.id, snapshotSecret: second.snapshotSecret });
      expect(second.id).not.toBe(first.id);
      expect(second.snapshotSecret).not.toBe(first.snapshotSecret);
      expect(await missing(second.token, second.id, sha256(`source of ${product}`))).toEqual([]);
      // What was drafted under the secret that the ended key knows is not registered.
      const helping = await centre.token(helper);
      expect(await commit(helping, first.id, stale.envelopes)).toBe('publication-not-found');
      expect(await commit(helping, second.id, stale.envelopes)).toBe('snapshot-mismatch');
      const again = await begun(signer, product, '1');
      expect(again).toMatchObject({ id: second.id, snapshotSecret: second.snapshotSecret });
      const fresh = await prepareRelease(centre, second.snapshotSecret, input(product), signer);
      await sendObjects(centre, second.token, second.id, fresh);
      expect(await commit(second.token, second.id, fresh.envelopes)).toBeUndefined();
    },
  );

  test('keeps its secret once it is registered, whatever became of the opener’s key', async () => {
    const opener = await publisherOf('kept');
    const first = await begun(opener, 'kept', '1');
    const prepared = await prepareRelease(centre, first.snapshotSecret, input('kept'), opener);
    await sendObjects(centre, first.token, first.id, prepared);
    expect(await commit(first.token, first.id, prepared.envelopes)).toBeUndefined();
    await keyStatement(keyRevokeStatement({ log: origin(), key: opener.keyid, reason: 'retired' }), [
      centre.signer,
    ]);
    expect(await begun(centre.signer, 'kept', '1')).toMatchObject({
      id: first.id,
      state: 'registered',
      snapshotSecret: first.snapshotSecret,
      release: prepared.digest,
    });
  });
});

describe('disposals', () => {
  async function dispose(product: string, digest: string, signer = centre.signer): Promise<Uint8Array> {
    const reason = Buffer.from(`reason ${digest}`);
    const list = formatDisposalList({ digests: [digest], salt: randomBytes(32).toString('hex') });
    const disposal = disposalStatement({
      log: `${centre.name}/statements`,
      product,
      objects: { count: 1, list: sha256(list) },
      reason: { digest: sha256(reason) },
    });
    await statements([text(await signStatement(disposal, [signer]))], [list, reason], 'statements');
    return list;
  }
  const content = (bytes: Uint8Array) =>
    code(centre.api.call('artifactContent', { params: { sha256: sha256(bytes) } }));

  test('do not end the lists that evidence and recovery rest on, and go on after a restart', async () => {
    const [one, two] = [Buffer.from('one for disposal'), Buffer.from('two for disposal')];
    const { objects } = await publish(centre, {
      product: 'ended',
      version: '1',
      source: { a: 'a' },
      artifacts: { 'one.bin': one, 'two.bin': two },
    });
    const list = await dispose('ended', sha256(one));
    expect(await content(one)).toBe('object-disposed');
    expect(await code(dispose('ended', sha256(list)))).toBe('statement-refused');
    const artifacts = objects[2];
    if (artifacts === undefined) throw new Error('the list of artifacts was not prepared');
    expect(await code(dispose('ended', sha256(artifacts)))).toBe('statement-refused');
    await centre.stop();
    await centre.restart();
    expect(await content(two)).toBeUndefined();
    await dispose('ended', sha256(two));
    expect(await content(two)).toBe('object-disposed');
  });

  test('of another product’s source file need the role for that product', async () => {
    const source = 'a source file of the owner';
    const input = {
      product: 'owner',
      version: '1',
      source: { s: source },
      artifacts: { 'o.bin': Buffer.from('o') },
    };
    await publish(centre, input);
    const custodian = newSigner();
    const add = keyAddStatement({
      log: `${centre.name}/keys`,
      key: formatPublicKey(custodian),
      roles: [{ role: 'custodian', products: ['stranger'] }],
    });
    await statements([text(await signStatement(add, [centre.signer]))], [], 'keys');
    expect(await code(dispose('stranger', sha256(source), custodian))).toBe('statement-refused');
    // It is still there: another release with the same file needs nothing sent again.
    expect(await code(dispose('owner', sha256(source)))).toBeUndefined();
    expect(await code(publish(centre, { ...input, version: '2' }))).toBe('object-disposed');
  });

  describe('after the local state was lost', () => {
    const files = ['shared by both', 'of the owner alone', 'of the stranger alone'] as const;
    const [shared, ownersFile, strangersFile] = files;
    const pending = 'sent for a publication that was never registered';
    const ownersProgram = Buffer.from('program of the owner');
    let stranger: Signer;
    let owner: Signer;
    let ownersManifest: string;
    let secret: string;

    const custodianOf = async (product: string): Promise<Signer> => {
      const key = newSigner();
      const add = keyAddStatement({
        log: `${centre.name}/keys`,
        key: formatPublicKey(key),
        roles: [{ role: 'custodian', products: [product] }],
      });
      await statements([text(await signStatement(add, [centre.signer]))], [], 'keys');
      return key;
    };
    const loseLocalState = async (): Promise<void> => {
      await centre.stop();
      for (const name of readdirSync(centre.dir))
        if (name.startsWith('local-state.sqlite')) rmSync(join(centre.dir, name));
      await centre.restart();
    };
    /** Why it is refused, without what the request itself says. */
    const refusal = (product: string, digest: string, signer: Signer) =>
      dispose(product, digest, signer).then(
        () => 'not refused',
        (error: unknown) => String(error).replaceAll(digest, 'DIGEST'),
      );

    beforeAll(async () => {
      const release = (product: string, own: string, artifact: Buffer) => ({
        product,
        version: '1',
        source: { own, shared },
        artifacts: { 'a.bin': artifact },
      });
      const published = await publish(centre, release('lost-owner', ownersFile, ownersProgram));
      const [, , manifest] = published.objects;
      if (manifest === undefined) throw new Error('the manifest was not prepared');
      ownersManifest = sha256(manifest);
      await publish(centre, release('lost-stranger', strangersFile, Buffer.from('program of the stranger')));
      [owner, stranger] = [await custodianOf('lost-owner'), await custodianOf('lost-stranger')];
      const token = await centre.token();
      secret = (await open(token, 'lost-owner', '1')).snapshotSecret;
      const { id } = await open(token, 'lost-owner', '2');
      await sendObjects(centre, token, id, { objects: [Buffer.from(pending)], secretObjects: 1 });
      await loseLocalState();
    });

    test('whose a file is, is known from the manifests: another product’s is not ended, nor is it told from what nobody has', async () => {
      const refusals = await Promise.all(
        [ownersFile, shared, pending, 'what the vault never had'].map((file) =>
          refusal('lost-stranger', sha256(file), stranger),
        ),
      );
      expect(refusals[0]).toContain('not known to be of lost-stranger alone');
      expect(new Set(refusals).size).toBe(1);
      expect(await refusal('lost-stranger', ownersManifest, stranger)).toBe(refusals[0]);
      expect(await refusal('lost-stranger', sha256(ownersProgram), stranger)).toContain(
        'belongs to lost-owner too',
      );
      expect(await code(dispose('lost-stranger', sha256(strangersFile), stranger))).toBeUndefined();
      expect(await code(dispose('lost-owner', sha256(shared), centre.signer))).toBeUndefined();
    });

    test('a registered release is answered with its secret, and nothing of it is sent again', async () => {
      const token = await centre.token();
      const { id, ...publication } = await open(token, 'lost-owner', '1');
      expect(publication).toMatchObject({ state: 'registered', snapshotSecret: secret });
      const asked = async (visibility: 'secret' | 'public', digests: string[]) =>
        (
          await centre.api.call('missingObjects', {
            token,
            params: { id },
            body: { visibility, digests },
          })
        ).missing;
      expect(await asked('secret', [sha256(ownersFile), ownersManifest])).toEqual([]);
      expect(await asked('public', [sha256(ownersProgram), sha256(ownersFile)])).toEqual([
        sha256(ownersFile),
      ]);
    });

    test('without its manifest, any file may be that product’s: only who may dispose for it does', async () => {
      await publish(centre, {
        product: 'lost-third',
        version: '1',
        source: { a: 'of the third alone' },
        artifacts: {},
      });
      const third = await custodianOf('lost-third');
      expect(await code(dispose('lost-owner', ownersManifest, owner))).toBeUndefined();
      await loseLocalState();
      const file = sha256('of the third alone');
      expect(await refusal('lost-third', file, third)).toContain('not known to be of lost-third alone');
      expect(await refusal('lost-owner', sha256(ownersFile), owner)).toContain('not known');
      expect(await code(dispose('lost-third', file))).toBeUndefined();
    });
  });
});

describe.runIf(process.getuid?.() === 0)('a full disk', () => {
  test('is called that by every door, and keeps nobody from evidence', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'vitrine-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', parent]);
    const other = await startCentre({ parent: join(parent, 'centre') });
    try {
      const program = Buffer.from('full');
      await publish(other, {
        product: 'full',
        version: '1',
        source: { a: 'a' },
        artifacts: { 'f.bin': program },
      });
      await other.stop();
      const config = join(other.dir, 'vitrine.json');
      writeFileSync(config, readFileSync(config, 'utf8').replace('{', '{"evidenceMaxAgeMs":1,'));
      await other.restart();
      const token = await other.token();
      const free = execFileSync('df', ['--output=avail', '-B1', parent], { encoding: 'utf8' }).split('\n')[1];
      writeFileSync(join(parent, 'filler'), Buffer.alloc(Number(free)));
      const begun = () =>
        code(
          other.api.call('openPublication', {
            token,
            body: { product: 'full', version: '2', snapshotSecret: 'ab'.repeat(32) },
          }),
        );
      expect(await begun()).toBe('disk-full');
      const evidence = await other.api.call('artifactEvidence', {
        params: { sha256: sha256(program) },
        query: {},
      });
      expect((await evidence.arrayBuffer()).byteLength).toBeGreaterThan(1000);
      rmSync(join(parent, 'filler'));
      expect(await begun()).toBeUndefined();
    } finally {
      await other.dispose();
      execFileSync('umount', [parent]);
      rmSync(parent, { recursive: true, force: true });
    }
  });
});

test('the local state, which holds snapshot secrets, is for its owner only', () => {
  const files = readdirSync(centre.dir).filter((name) => name.startsWith('local-state.sqlite'));
  expect(files).toContain('local-state.sqlite-wal');
  for (const file of files) expect(statSync(join(centre.dir, file)).mode & 0o777).toBe(0o600);
});
