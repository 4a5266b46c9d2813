/** What is said in Zurich: taken without the vendor, kept through kill -9, anchored, and shown by all three centres alike. */
import { execFile } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  formatPublicKey,
  openIntakeAcceptance,
  parseSpki,
  publicKeyFromRaw,
  type Signer,
  signStatement,
  type SubmissionPredicate,
  submissionStatement,
} from '@vitrine/statements';
import { encodeBase64, parseVkey } from '@vitrine/tlog';
import {
  bin,
  code,
  type ServedCentre,
  startThreeCentres,
  text,
  type ThreeCentres,
} from './running-centre.ts';

const ADDRESSEE = 'acme.example/statements';
const ZURICH = 'zurich.localhost/intake';

let three: ThreeCentres;
let folder: string;
let keyFile: string;
let signer: Signer;

beforeAll(async () => {
  three = await startThreeCentres();
  folder = mkdtempSync(join(tmpdir(), 'vitrine-intake-'));
  const { privateKey } = generateKeyPairSync('ed25519');
  keyFile = join(folder, 'key.pem');
  writeFileSync(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  signer = { ...parseSpki(new Uint8Array(spki)), sign: (message) => sign(null, message, privateKey) };
});
afterAll(async () => {
  await three.dispose();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function vitrine(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(bin, args, (error, stdout, stderr) => {
      resolve({
        code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
        stdout,
        stderr,
      });
    });
  });
}

/** What `vitrine submit` is given for a new letter. */
function letter(words: string, at: ServedCentre): string[] {
  const file = join(folder, `${randomBytes(8).toString('hex')}.txt`);
  writeFileSync(file, words);
  return ['submit', file, '--server', at.url, '--key', keyFile, '--kind', 'letter'];
}

async function signed(
  body: Uint8Array,
  change: Partial<SubmissionPredicate> = {},
  by: Signer = signer,
): Promise<{ envelope: string; body: string }> {
  const statement = submissionStatement({
    addressee: ADDRESSEE,
    body: { access: 'public', digest: createHash('sha256').update(body).digest('hex') },
    key: formatPublicKey(signer),
    kind: 'letter',
    log: ZURICH,
    ...change,
  });
  return { envelope: text(await signStatement(statement, [by])), body: encodeBase64(body) };
}

/** Waits until a centre shows the submission. @returns the root size that made it part of the view */
async function shownAt(centre: ServedCentre, digest: string): Promise<number> {
  for (;;) {
    const { submissions } = await centre.api.call('submissions');
    const found = submissions.find((each) => each.digest === digest);
    if (found !== undefined) return found.headIndex + 1;
    await sleep(100);
  }
}

/** The digest of what a centre shows at a root size, once it shows that. */
async function viewAt(centre: ServedCentre, rootSize: number): Promise<string> {
  for (;;) {
    if ((await centre.api.call('viewDigest')).rootSize >= rootSize)
      return (await centre.api.call('viewDigest', { query: { rootSize } })).digest;
    await sleep(100);
  }
}

/** The body of a submission, once a centre has it. */
async function bodyAt(centre: ServedCentre, digest: string): Promise<string> {
  for (;;) {
    const response = await fetch(`${centre.url}/api/submissions/${digest}/body`);
    if (response.ok) return response.text();
    expect(response.status).toBe(404);
    await sleep(100);
  }
}

describe('said in Zurich', () => {
  test('is accepted there, anchored by Washington, and shown alike by all three', async () => {
    const acceptanceFile = join(folder, 'letter.acceptance');
    const args = letter('Where is the source of the updater?', three.zurich);
    const ended = await vitrine(...args, '--acceptance-out', acceptanceFile, '--wait', '--json');
    expect(ended).toMatchObject({ code: 0 });
    const said: unknown = JSON.parse(ended.stdout);
    expect(said).toMatchObject({ log: ZURICH, addressee: ADDRESSEE, accepted: { duplicate: false } });
    const { digest = '' } = (await three.zurich.api.call('submissions')).submissions[0] ?? {};
    expect(said).toMatchObject({ submission: digest });

    const { logs } = await three.zurich.api.call('centre');
    const vkey = logs.find(({ kind }) => kind === 'intake')?.vkey ?? '';
    const key = publicKeyFromRaw(parseVkey(vkey).publicKey);
    expect(openIntakeAcceptance(readFileSync(acceptanceFile), key)).toMatchObject({ origin: ZURICH });

    const sizes = await Promise.all(three.all.map((centre) => shownAt(centre, digest)));
    expect(new Set(sizes).size).toBe(1);
    const views = await Promise.all(three.all.map((centre) => viewAt(centre, sizes[0] ?? 0)));
    expect(new Set(views).size).toBe(1);
    for (const centre of three.all)
      expect(await bodyAt(centre, digest)).toBe('Where is the source of the updater?');

    const again = await vitrine(...args);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('said before, nothing changed');
    const taken = await vitrine(...args, '--acceptance-out', acceptanceFile);
    expect(taken.code).toBe(2);
    expect(taken.stderr).toContain('nothing was said');
  });

  test('what is wrong is refused, and nothing of it is kept', async () => {
    const { api } = three.zurich;
    const before = (await api.call('log', { params: { log: 'intake' } })).durableSize;
    const body = Buffer.from('a letter');
    const other = generateKeyPairSync('ed25519').privateKey;
    const thief: Signer = { ...signer, sign: (message) => sign(null, message, other) };
    const good = await signed(body);
    const send = (what: { envelope: string; body: string }) => code(api.call('submit', { body: what }));

    expect(await send({ ...good, envelope: '{}' })).toBe('malformed-envelope');
    expect(await send({ ...good, envelope: good.envelope.slice(0, -10) })).toBe('malformed-envelope');
    expect(await send({ ...good, body: encodeBase64(Buffer.from('another letter')) })).toBe(
      'digest-mismatch',
    );
    expect(await send({ ...good, body: 'YR==' })).toBe('invalid-request');
    expect(await send(await signed(body, {}, thief))).toBe('statement-refused');
    expect(await send(await signed(body, { addressee: 'other.example/statements' }))).toBe(
      'statement-refused',
    );
    // Addressed to another centre's log: a replay.
    expect(await send(await signed(body, { log: 'singapore.localhost/intake' }))).toBe('statement-refused');
    expect(
      await send(await signed(body, { body: { access: 'addressee', commitment: 'a'.repeat(64) } })),
    ).toBe('statement-refused');
    const large = Buffer.alloc(1024 * 1024 + 1);
    expect(await send(await signed(large))).toBe('body-too-large');
    const huge = await fetch(`${three.zurich.url}/api/submissions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.alloc(12_000_000, 'x'),
    });
    expect(huge.status).toBe(413);
    expect((await api.call('log', { params: { log: 'intake' } })).durableSize).toBe(before);

    const unknown = await vitrine(...letter('x', three.zurich).slice(0, -1), 'rumour');
    expect(unknown.code).toBe(2);
    const { vkey } = three.washington;
    const pinned = await vitrine(...letter('x', three.zurich), '--intake-vkey', vkey);
    expect(pinned.code).toBe(1);
  });

  test('kill -9 after the acceptance loses nothing', async () => {
    const digests: string[] = [];
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(
        [0, 1, 2].map(async (each) =>
          three.zurich.api.call('submit', { body: await signed(Buffer.from(`letter ${round}.${each}`)) }),
        ),
      );
      digests.push(...answers.map(({ digest }) => digest));
      await three.zurich.stop('SIGKILL');
      await three.zurich.restart();
    }
    for (const digest of digests) {
      const sizes = await Promise.all(three.all.map((centre) => shownAt(centre, digest)));
      expect(new Set(sizes).size).toBe(1);
      const body = await three.zurich.api.call('submissionBody', { params: { digest } });
      expect(await body.text()).toMatch(/^letter \d\.\d$/);
    }
  });

  test('while the vendor’s centre is dead it is taken all the same, and anchored when that is back', async () => {
    await three.washington.stop('SIGKILL');
    const { digest } = await three.zurich.api.call('submit', {
      body: await signed(Buffer.from('Is anybody there?')),
    });
    expect((await three.zurich.api.call('submissions')).submissions.map((each) => each.digest)).not.toContain(
      digest,
    );
    await three.washington.restart();
    const sizes = await Promise.all(three.all.map((centre) => shownAt(centre, digest)));
    const views = await Promise.all(three.all.map((centre) => viewAt(centre, sizes[0] ?? 0)));
    expect(new Set(views).size).toBe(1);
  });

  test('its body outlives the centre where it entered, which gets it back from the others', async () => {
    const words = 'Who has a copy of this?';
    const { digest } = await three.zurich.api.call('submit', { body: await signed(Buffer.from(words)) });
    for (const centre of three.all) expect(await bodyAt(centre, digest)).toBe(words);
    await three.zurich.stop('SIGKILL');
    for (const centre of [three.washington, three.singapore])
      expect(await bodyAt(centre, digest)).toBe(words);
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(three.zurich.dir, `local-state.sqlite${suffix}`), { force: true });
    await three.zurich.restart();
    expect(await bodyAt(three.zurich, digest)).toBe(words);
  });

  test('the centres are seen cosigning in the log itself, each key once', async () => {
    const { entries } = await three.washington.api.call('entries', {
      params: { log: 'statements' },
      query: { limit: 200 },
    });
    const cosigned = entries.filter(({ predicateType }) => predicateType?.endsWith('/cosigned/v1') === true);
    expect(cosigned.length).toBeGreaterThan(0);
    // Three centres with two keys each were news once.
    expect(cosigned.length).toBeLessThanOrEqual(6);
    const { centres } = await three.singapore.api.call('centres');
    expect(centres.map(({ lastCosigned }) => Object.values(lastCosigned))).not.toContainEqual(
      expect.arrayContaining([null]),
    );
  });

  test('centre status tells how each is doing', async () => {
    const writer = await vitrine('centre', 'status', '--server', three.washington.url);
    expect(writer).toMatchObject({ code: 0, stderr: '' });
    for (const part of ['writer', 'zurich-witness', 'zurich-mirror', ZURICH])
      expect(writer.stdout).toContain(part);
    await expect
      .poll(async () => (await vitrine('centre', 'status', '--server', three.washington.url)).stdout, {
        timeout: 60_000,
      })
      .toMatch(
        /as this one last saw them\n.*singapore.*\n.*acme.example\/statements: verified to \d+ entries/,
      );
    const follower = await vitrine('centre', 'status', '--server', three.singapore.url, '--json');
    expect(follower.code).toBe(0);
    expect(JSON.parse(follower.stdout)).toMatchObject({
      name: 'singapore.localhost',
      follows: three.washington.url,
      witnesses: [],
      notices: [],
    });

    await three.zurich.stop();
    await three.singapore.stop();
    // Its head is to be anchored, and nobody is there to cosign that.
    const submission = await signed(Buffer.from('in Washington'), { log: 'acme.example/intake' });
    await three.washington.api.call('submit', { body: submission });
    for (;;) {
      const ended = await vitrine('centre', 'status', '--server', three.washington.url);
      if (ended.code === 1) {
        expect(ended.stdout).toContain('no-quorum');
        break;
      }
    }
    await three.zurich.restart();
    await three.singapore.restart();
  });
});
