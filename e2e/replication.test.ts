/** Two real servers: a follower copies what is public, and the encrypted vault of the writer, with and without a grant, through kills and disposals. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as v from 'valibot';
import {
  disposalStatement,
  formatCanonicalJson,
  formatDisposalList,
  formatEnvelope,
  formatPublicKey,
  keyAddStatement,
  signEnvelope,
  signStatement,
  withdrawalStatement,
} from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { verifyEvidence } from '@vitrine/verifier';
import { bin, code, newSigner, serveFolder, sha256, startCentre, text } from './running-centre.ts';
import type { RunningCentre, ServedCentre } from './running-centre.ts';

const kills = process.env['VITRINE_SOAK'] === undefined ? 3 : 50;
const MIB = 1024 * 1024;
const DescriptionSchema = v.looseObject({ key: v.string() });
const CheckSchema = v.looseObject({
  ok: v.boolean(),
  copied: v.looseObject({
    ok: v.boolean(),
    packs: v.number(),
    readablePacks: v.number(),
    objects: v.number(),
    problems: v.array(v.unknown()),
  }),
});

let made: RunningCentre;
let writer: ServedCentre;
let follower: ServedCentre;
let parent: string;

const artifact = randomBytes(20 * MIB);
const small = randomBytes(30_000);
const source = { 'a.c': randomBytes(2000).toString('hex'), 'b.c': randomBytes(20_000).toString('hex') };
const reason = Buffer.from('It was built from the wrong branch.');

beforeAll(async () => {
  made = await startCentre();
  const input = join(made.dir, '..', 'input');
  mkdirSync(join(input, 'source'), { recursive: true });
  for (const [name, content] of Object.entries(source)) writeFileSync(join(input, 'source', name), content);
  writeFileSync(join(input, 'hello.bin'), artifact);
  writeFileSync(join(input, 'hello.sig'), small);
  run(
    ...['publish', 'release', '--server', made.url, '--key', made.rootKeyFile],
    ...['--product', 'hello', '--release', '1.0', '--source', join(input, 'source')],
    ...['--artifact', join(input, 'hello.bin'), '--artifact', join(input, 'hello.sig')],
  );
  const release = await made.api.call('release', { params: { product: 'hello', version: '1.0' } });
  const withdrawal = withdrawalStatement({
    log: `${made.name}/statements`,
    product: 'hello',
    version: '1.0',
    release: release.digest,
    reason: { digest: sha256(reason) },
  });
  await register('statements', withdrawal, [reason], made);
  // On the port that it has had, so that the follower finds it again.
  const { host } = new URL(made.url);
  await made.stop();
  writer = await serveFolder({ dir: made.dir, name: made.name, listen: host });
  parent = mkdtempSync(join(tmpdir(), 'vitrine-replica-'));
  const dir = join(parent, 'data');
  run(
    'init',
    '--data',
    dir,
    '--origin',
    'zurich.example',
    '--follow',
    writer.url,
    '--policy',
    made.policyFile,
  );
  follower = await serveFolder({ dir, name: 'zurich.example', listen: '127.0.0.1:0' });
});

afterAll(async () => {
  await follower.stop();
  await writer.stop();
  await made.dispose();
  rmSync(parent, { recursive: true, force: true });
});

async function register(
  log: 'statements' | 'keys',
  statement: Parameters<typeof signStatement>[0],
  bodies: readonly Uint8Array[] = [],
  centre: ServedCentre = writer,
): Promise<void> {
  await centre.api.call('registerStatements', {
    body: {
      log,
      envelopes: [text(await signStatement(statement, [made.signer]))],
      bodies: bodies.map((body) => Buffer.from(body).toString('base64')),
    },
  });
}

function run(...args: string[]): string {
  return execFileSync(bin, args, { encoding: 'utf8' });
}

async function contentAt(
  centre: ServedCentre,
  name: 'body' | 'artifactContent',
  digest: string,
): Promise<string> {
  const response = await centre.api.call(name, { params: { sha256: digest } });
  const hasher = createHash('sha256');
  for await (const block of response.body as AsyncIterable<Uint8Array>) hasher.update(block);
  return hasher.digest('hex');
}

/** Every file of the packs, by its SHA-256; what a copy keeps of its own is left out. */
function packsOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'manifest.json')
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length), sha256(readFileSync(path))]),
  );
}

async function untilCopied(): Promise<void> {
  await expect
    .poll(() => packsOf(join(follower.dir, 'vault-copy', 'packs')), { timeout: 60_000, interval: 500 })
    .toEqual(packsOf(join(writer.dir, 'vault', 'packs')));
}

async function checkFollower(): Promise<v.InferOutput<typeof CheckSchema>> {
  await follower.stop();
  const report = v.parse(CheckSchema, JSON.parse(run('vault', 'check', '--data', follower.dir, '--json')));
  await follower.restart();
  return report;
}

test('pages, bytes, evidence and reasons stand at a follower while the writer is down', async () => {
  const wanted = [
    ['artifactContent', sha256(artifact)],
    ['artifactContent', sha256(small)],
    ['body', sha256(reason)],
  ] as const;
  for (const [name, digest] of wanted) {
    await expect
      .poll(() => code(contentAt(follower, name, digest)), { timeout: 60_000, interval: 200 })
      .toBeUndefined();
  }
  await writer.stop();
  for (const [name, digest] of wanted) expect(await contentAt(follower, name, digest)).toBe(digest);
  const response = await follower.api.call('artifactEvidence', { params: { sha256: sha256(artifact) } });
  const verdict = verifyEvidence({
    evidence: new Uint8Array(await response.arrayBuffer()),
    policy: made.policy,
    file: { name: 'hello.bin', sha256: sha256(artifact), sizeBytes: artifact.length },
    nowMs: Date.now(),
  });
  expect(verdict.checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['not-withdrawn']);
  await writer.restart();
});

test('parts of public objects are given, and nothing beyond them', async () => {
  const url = `${writer.url}/api/artifacts/${sha256(small)}/content`;
  const part = async (range: string) => {
    const response = await fetch(url, { headers: { range } });
    return [
      response.status,
      response.headers.get('content-range'),
      sha256(new Uint8Array(await response.arrayBuffer())),
    ];
  };
  expect(await part('bytes=10-19')).toEqual([206, 'bytes 10-19/30000', sha256(small.subarray(10, 20))]);
  expect(await part('bytes=29990-99999')).toEqual([
    206,
    'bytes 29990-29999/30000',
    sha256(small.subarray(29_990)),
  ]);
  expect((await part('bytes=30000-'))[0]).toBe(416);
  // What is not one range from somewhere on may be ignored.
  for (const other of ['bytes=-5', 'bytes=0-1,3-4', 'lines=1-2']) expect((await part(other))[0]).toBe(200);
});

test('packs are for centres: nobody else is told of any', async () => {
  const publisher = newSigner();
  await register(
    'keys',
    keyAddStatement({
      log: `${made.name}/keys`,
      key: formatPublicKey(publisher),
      roles: [
        { role: 'centre', products: ['hello'] },
        { role: 'publisher', products: ['*'] },
      ],
    }),
  );
  const [pack] = readdirSync(join(writer.dir, 'vault', 'packs'));
  if (pack === undefined) throw new Error('a pack was expected');
  const token = await tokenOf(publisher);
  for (const options of [{}, { token }]) {
    const calls = [
      writer.api.call('vaultPacks', options),
      writer.api.call('vaultPack', { ...options, params: { pack } }),
      writer.api.call('vaultPackObjects', { ...options, params: { pack } }),
      writer.api.call('vaultPackTable', { ...options, params: { pack } }),
      writer.api.call('vaultPackGrant', { ...options, params: { pack, tag: pack } }),
      writer.api.call('disposalList', { ...options, params: { sha256: sha256('x') } }),
    ];
    const expected = 'token' in options ? 'forbidden' : 'unauthenticated';
    expect(await Promise.all(calls.map(code))).toEqual(calls.map(() => expected));
  }
  expect(await code(follower.api.call('vaultPacks', { token }))).not.toBeUndefined();
  expect(existsSync(join(follower.dir, 'vault-copy', 'packs', pack))).toBe(false);
});

test('a centre with its key announced copies the packs, and checks what it cannot read', async () => {
  const { key } = v.parse(
    DescriptionSchema,
    JSON.parse(run('centre', 'describe', '--data', follower.dir, '--json')),
  );
  await register(
    'keys',
    keyAddStatement({ log: `${made.name}/keys`, key, roles: [{ role: 'centre', products: ['*'] }] }),
  );
  await untilCopied();
  const { ok, copied } = await checkFollower();
  expect([ok, copied.readablePacks, copied.objects]).toEqual([true, 0, 0]);
  expect(copied.packs).toBeGreaterThan(1);
});

test('killed again and again while it copies, it ends with the same bytes', async () => {
  await follower.stop();
  rmSync(join(follower.dir, 'vault-copy'), { recursive: true });
  for (let round = 0; round < kills; round++) {
    await follower.restart();
    await sleep(100 + Math.random() * 900);
    await follower.stop('SIGKILL');
  }
  await follower.restart();
  await untilCopied();
  expect((await checkFollower()).copied).toMatchObject({ ok: true, problems: [] });
});

test('with a grant every object is read; no public address shows one of them', async () => {
  await writer.stop();
  const recipient = run('vault', 'recipient', '--data', follower.dir).trim();
  const said = run('vault', 'grant', '--data', writer.dir, '--to', recipient, '--all');
  expect(said).toMatch(/cannot be taken back/);
  await writer.restart();
  await untilCopied();
  const { ok, copied } = await checkFollower();
  expect([ok, copied.readablePacks]).toEqual([true, copied.packs]);
  // Two source files, the manifest, the list of artifacts, the artifacts, the reason.
  expect(copied.objects).toBe(7);
  for (const secret of Object.values(source).map(sha256)) {
    expect(await code(follower.api.call('body', { params: { sha256: secret } }))).toBe('not-found');
    expect(await code(follower.api.call('artifactContent', { params: { sha256: secret } }))).toBe(
      'not-found',
    );
  }
});

test('a disposal ends public and secret objects at the follower too, and old tables with them', async () => {
  const victims = [sha256(small), sha256(source['a.c'])].sort();
  const list = formatDisposalList({ digests: victims, salt: randomBytes(32).toString('hex') });
  const why = Buffer.from('personal data');
  await register(
    'statements',
    disposalStatement({
      log: `${made.name}/statements`,
      product: 'hello',
      objects: { count: victims.length, list: sha256(list) },
      reason: { digest: sha256(why) },
    }),
    [list, why],
  );
  await expect
    .poll(() => code(contentAt(follower, 'artifactContent', sha256(small))), {
      timeout: 60_000,
      interval: 200,
    })
    .toBe('object-disposed');
  expect(await code(follower.api.call('body', { params: { sha256: sha256(list) } }))).toBe('not-found');
  await untilCopied();
  const { ok, copied } = await checkFollower();
  // Two less, and the list and the reason more.
  expect([ok, copied.objects]).toEqual([true, 7]);
});

async function tokenOf(signer: Signer): Promise<string> {
  const { challenge, origin } = await writer.api.call('challenge', { body: {} });
  const payload = formatCanonicalJson({ challenge, origin });
  const envelope = await signEnvelope('application/vnd.vitrine.session+json', payload, [signer]);
  return (await writer.api.call('session', { body: { envelope: text(formatEnvelope(envelope)) } })).token;
}
