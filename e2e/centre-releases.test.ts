/** Releases through the HTTP API of a real server: published, found, refused, withdrawn, disposed of; and the read models rebuilt. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  disposalStatement,
  formatDisposalList,
  formatPublicKey,
  keyAddStatement,
  keyRevokeStatement,
  signStatement,
  withdrawalStatement,
} from '@vitrine/statements';
import { verifyEvidence } from '@vitrine/verifier';
import {
  code,
  newSigner,
  prepareRelease,
  publish,
  sendObjects,
  sha256,
  startCentre,
  text,
} from './running-centre.ts';
import type { ReleaseInput, RunningCentre } from './running-centre.ts';

let centre: RunningCentre;
beforeAll(async () => {
  centre = await startCentre({ openLogs: ['inbox'] });
});
afterAll(async () => {
  await centre.dispose();
});

const hello: ReleaseInput = {
  product: 'hello',
  version: '1.0',
  source: { 'src/main.c': 'int main(void) { return 0; }\n', README: 'hello\n' },
  artifacts: { 'hello.bin': Buffer.from('the program'), 'hello.doc': Buffer.from('the manual') },
};

async function verdictOf(artifact: Uint8Array, rootSize?: number) {
  const digest = sha256(artifact);
  const response = await centre.api.call('artifactEvidence', {
    params: { sha256: digest },
    query: { rootSize },
  });
  return verifyEvidence({
    evidence: new Uint8Array(await response.arrayBuffer()),
    policy: centre.policy,
    file: { name: 'file', sha256: digest, sizeBytes: artifact.length },
    nowMs: Date.now(),
  });
}

describe('a release', () => {
  test('is published and its artifacts verify offline', async () => {
    const { digest } = await publish(centre, hello);
    const release = await centre.api.call('release', { params: { product: 'hello', version: '1.0' } });
    expect(release).toMatchObject({
      digest,
      sourceFiles: 2,
      withdrawn: false,
      artifacts: [{ name: 'hello.bin' }, { name: 'hello.doc' }],
    });
    for (const bytes of Object.values(hello.artifacts)) {
      const verdict = await verdictOf(bytes);
      expect(verdict.checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(verdict.ok).toBe(true);
    }
    const content = await centre.api.call('artifactContent', { params: { sha256: sha256('the program') } });
    expect(await content.text()).toBe('the program');
  });

  test('is idempotent: the same commit again is answered with the same entries', async () => {
    const before = await centre.api.call('log', { params: { log: 'statements' } });
    await publish(centre, hello);
    const after = await centre.api.call('log', { params: { log: 'statements' } });
    expect(after.durableSize).toBe(before.durableSize);
  });

  test('with other content under the same version is refused', async () => {
    expect(await code(publish(centre, { ...hello, source: { README: 'other\n' } }))).toBe('release-exists');
  });

  test('twice at once with different content: one is registered, the other refused', async () => {
    const token = await centre.token();
    const version = 'race';
    const { id, snapshotSecret } = await centre.api.call('openPublication', {
      token,
      body: { product: 'hello', version, snapshotSecret: randomBytes(32).toString('hex') },
    });
    const candidates = await Promise.all(
      ['a', 'b'].map((content) =>
        prepareRelease(centre, snapshotSecret, { ...hello, version, source: { README: content } }),
      ),
    );
    for (const candidate of candidates) await sendObjects(centre, token, id, candidate);
    const outcomes = await Promise.all(
      candidates.map(({ envelopes }) =>
        code(
          centre.api.call('commitPublication', {
            token,
            params: { id },
            body: { envelopes: [...envelopes] },
          }),
        ),
      ),
    );
    expect(outcomes.toSorted()).toEqual(['release-exists', undefined].toSorted());
  });

  test('is not registered while an object is missing, and nothing of it is shown', async () => {
    const token = await centre.token();
    const input = { ...hello, version: 'incomplete', source: { README: 'never sent' } };
    const { id, snapshotSecret } = await centre.api.call('openPublication', {
      token,
      body: { product: 'hello', version: input.version, snapshotSecret: randomBytes(32).toString('hex') },
    });
    const prepared = await prepareRelease(centre, snapshotSecret, input);
    const { objects, secretObjects, envelopes } = prepared;
    await sendObjects(centre, token, id, { objects: objects.slice(1), secretObjects: secretObjects - 1 });
    expect(
      await code(
        centre.api.call('commitPublication', { token, params: { id }, body: { envelopes: [...envelopes] } }),
      ),
    ).toBe('publication-incomplete');
    expect(
      await code(centre.api.call('release', { params: { product: 'hello', version: input.version } })),
    ).toBe('not-found');
    await sendObjects(centre, token, id, prepared);
    await centre.api.call('commitPublication', {
      token,
      params: { id },
      body: { envelopes: [...envelopes] },
    });
  });

  test('whose manifest was made with another secret is refused', async () => {
    const token = await centre.token();
    const input = { ...hello, version: 'other-secret' };
    const { id } = await centre.api.call('openPublication', {
      token,
      body: { product: 'hello', version: input.version, snapshotSecret: randomBytes(32).toString('hex') },
    });
    const prepared = await prepareRelease(centre, randomBytes(32).toString('hex'), input);
    const { envelopes } = prepared;
    await sendObjects(centre, token, id, prepared);
    expect(
      await code(
        centre.api.call('commitPublication', { token, params: { id }, body: { envelopes: [...envelopes] } }),
      ),
    ).toBe('snapshot-mismatch');
  });

  test('with an invalid SBOM is refused with a pointer', async () => {
    const sbom = Buffer.from(
      '{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"nonsense"}]}',
    );
    expect(
      await code(
        publish(
          centre,
          {
            ...hello,
            version: 'bad-sbom',
            documents: { sbom: { format: 'cyclonedx', digest: sha256(sbom) } },
          },
          [sbom],
        ),
      ),
    ).toBe('invalid-sbom');
  });

  test('resumes with the secret that was given first', async () => {
    const token = await centre.token();
    const open = (snapshotSecret: string) =>
      centre.api.call('openPublication', {
        token,
        body: { product: 'hello', version: 'resumed', snapshotSecret },
      });
    const first = await open('11'.repeat(32));
    await centre.stop('SIGKILL');
    await centre.restart();
    const token2 = await centre.token();
    const second = await centre.api.call('openPublication', {
      token: token2,
      body: { product: 'hello', version: 'resumed', snapshotSecret: '22'.repeat(32) },
    });
    expect(second).toEqual(first);
    expect(
      await code(
        centre.api.call('openPublication', {
          token,
          body: { product: 'hello', version: 'resumed', snapshotSecret: '22'.repeat(32) },
        }),
      ),
    ).toBe('session-expired');
  });
});

describe('who may', () => {
  test('a caller without a session, or with a key that is not in the log, publishes nothing', async () => {
    expect(
      await code(
        centre.api.call('openPublication', {
          body: { product: 'hello', version: '9', snapshotSecret: '00'.repeat(32) },
        }),
      ),
    ).toBe('unauthenticated');
    const stranger = newSigner();
    expect(await code(centre.token(stranger))).toBe('unauthenticated');
  });

  test('a key publishes only the products it was given, and nothing once revoked as compromised', async () => {
    const origin = `${centre.name}/keys`;
    const key = newSigner();
    const add = keyAddStatement({
      log: origin,
      key: formatPublicKey(key),
      roles: [{ role: 'publisher', products: ['toys'] }],
    });
    const { statements } = await centre.api.call('registerStatements', {
      body: { log: 'keys', envelopes: [text(await signStatement(add, [centre.signer]))], bodies: [] },
    });
    expect(statements).toHaveLength(1);

    const token = await centre.token(key);
    const opened = (product: string) =>
      centre.api.call('openPublication', {
        token,
        body: { product, version: '1', snapshotSecret: '33'.repeat(32) },
      });
    expect(await code(opened('hello'))).toBe('forbidden');
    const { id, snapshotSecret } = await opened('toys');
    const toys: ReleaseInput = {
      product: 'toys',
      version: '1',
      source: { a: 'a' },
      artifacts: { 'toy.bin': Buffer.from('a toy') },
    };
    const prepared = await prepareRelease(centre, snapshotSecret, toys, key);
    const { envelopes, digest } = prepared;
    await sendObjects(centre, token, id, prepared);
    const accepted = await centre.api.call('commitPublication', {
      token,
      params: { id },
      body: { envelopes: [...envelopes] },
    });
    expect((await verdictOf(Buffer.from('a toy'))).ok).toBe(true);

    const [release] = accepted.statements;
    if (release === undefined) throw new Error('the release was not answered');
    const revoke = keyRevokeStatement({
      log: origin,
      key: key.keyid,
      reason: 'compromised',
      validBelow: release.index,
    });
    await centre.api.call('registerStatements', {
      body: { log: 'keys', envelopes: [text(await signStatement(revoke, [centre.signer]))], bodies: [] },
    });
    expect(await code(centre.api.call('release', { params: { product: 'toys', version: '1' } }))).toBe(
      'not-found',
    );
    expect(await code(opened('toys'))).toBe('forbidden');
    const entry = await centre.api.call('entry', { params: { log: 'statements', index: release.index } });
    expect(entry.admitted).toBe(false);
    expect(entry.refusal).toMatch(/compromised/);
    expect(digest).toBe(release.digest);
    expect(
      (await centre.api.call('release', { params: { product: 'hello', version: '1.0' } })).withdrawn,
    ).toBe(false);
  });

  test('a key statement that the root keys did not sign is refused', async () => {
    const key = newSigner();
    const add = keyAddStatement({
      log: `${centre.name}/keys`,
      key: formatPublicKey(key),
      roles: [{ role: 'publisher', products: ['*'] }],
    });
    expect(
      await code(
        centre.api.call('registerStatements', {
          body: { log: 'keys', envelopes: [text(await signStatement(add, [key]))], bodies: [] },
        }),
      ),
    ).toBe('statement-refused');
  });

  test('source files are not given out, nor is it said that they are there', async () => {
    const digest = sha256('int main(void) { return 0; }\n');
    expect(await code(centre.api.call('body', { params: { sha256: digest } }))).toBe('not-found');
    expect(await code(centre.api.call('artifact', { params: { sha256: digest } }))).toBe('not-found');
    expect(await code(centre.api.call('artifactContent', { params: { sha256: digest } }))).toBe('not-found');
  });
});

describe('a withdrawal', () => {
  test('is known at once, and its verdict refuses with the reason', async () => {
    const input = { ...hello, version: '0.9', artifacts: { 'old.bin': Buffer.from('the old program') } };
    const { digest } = await publish(centre, input);
    expect((await verdictOf(Buffer.from('the old program'))).ok).toBe(true);
    const before = await centre.api.call('log', { params: { log: 'statements' } });
    const reason = Buffer.from('It deletes files.\n');
    const statement = withdrawalStatement({
      log: `${centre.name}/statements`,
      product: 'hello',
      version: '0.9',
      release: digest,
      reason: { digest: sha256(reason) },
    });
    const envelope = text(await signStatement(statement, [centre.signer]));
    expect(
      await code(
        centre.api.call('registerStatements', {
          body: { log: 'statements', envelopes: [envelope], bodies: [] },
        }),
      ),
    ).toBe('body-missing');
    await centre.api.call('registerStatements', {
      body: { log: 'statements', envelopes: [envelope], bodies: [reason.toString('base64')] },
    });

    const verdict = await verdictOf(Buffer.from('the old program'));
    expect(verdict.ok).toBe(false);
    expect(verdict.sentence).toMatch(/withdrawn/);
    expect(JSON.stringify(verdict)).toContain('It deletes files.');
    // As of the size before, it was not: the link that cites it keeps saying what was true then.
    expect((await verdictOf(Buffer.from('the old program'), before.size)).ok).toBe(true);
    const release = await centre.api.call('release', { params: { product: 'hello', version: '0.9' } });
    expect(release.withdrawal?.reasonDigest).toBe(sha256(reason));
    expect(await (await centre.api.call('body', { params: { sha256: sha256(reason) } })).text()).toBe(
      'It deletes files.\n',
    );
  });
});

describe('a disposal', () => {
  test('ends an object and says so', async () => {
    const secret = Buffer.from('a file with somebody’s name in it\n');
    await publish(centre, {
      ...hello,
      version: 'disposed',
      source: { person: secret.toString() },
      artifacts: { 'gone.bin': Buffer.from('gone') },
    });
    const reason = Buffer.from('personal data');
    const list = formatDisposalList({ digests: [sha256('gone')], salt: randomBytes(32).toString('hex') });
    const statement = disposalStatement({
      log: `${centre.name}/statements`,
      product: 'hello',
      objects: { count: 1, list: sha256(list) },
      reason: { digest: sha256(reason) },
    });
    await centre.api.call('registerStatements', {
      body: {
        log: 'statements',
        envelopes: [text(await signStatement(statement, [centre.signer]))],
        bodies: [Buffer.from(list).toString('base64'), reason.toString('base64')],
      },
    });
    expect(await code(centre.api.call('artifactContent', { params: { sha256: sha256('gone') } }))).toBe(
      'object-disposed',
    );
    expect((await centre.api.call('artifact', { params: { sha256: sha256('gone') } })).held).toBe(false);
    expect(await code(centre.api.call('body', { params: { sha256: sha256(list) } }))).toBe('not-found');
  });
});

describe('the read models', () => {
  test('are a function of the logs: deleted, they come back the same', async () => {
    const pages = async () => ({
      products: await centre.api.call('products'),
      search: await centre.api.call('search', { query: { limit: 200 } }),
      release: await centre.api.call('release', { params: { product: 'hello', version: '0.9' } }),
    });
    const before = await pages();
    await centre.stop();
    rmSync(join(centre.dir, 'read-models'), { recursive: true });
    await centre.restart();
    expect(await pages()).toEqual(before);
    expect(before.search.hits.length).toBeGreaterThan(5);
  });

  test('search by words, product, version, digest and day; pages follow one another', async () => {
    const found = async (query: Record<string, string | number>) =>
      (await centre.api.call('search', { query })).hits;
    expect(
      (await found({ q: 'HELLO.bin' })).every((hit) => hit.kind === 'artifact' && hit.name === 'hello.bin'),
    ).toBe(true);
    expect(await found({ q: '%' })).toEqual([]);
    expect((await found({ version: '0.9' })).length).toBe(2);
    expect((await found({ digest: sha256('the program').slice(0, 10) })).length).toBeGreaterThan(0);
    expect(await found({ to: '2020-01-01' })).toEqual([]);
    const all = await found({ limit: 200 });
    const paged = [];
    let before: number | undefined;
    do {
      const page = await centre.api.call('search', { query: { limit: 2, before } });
      paged.push(...page.hits);
      before = page.next ?? undefined;
    } while (before !== undefined);
    expect(paged).toEqual(all);
  });
});
