/** `vitrine sign`: what is shown is what is signed, by the keys that the statement names and by no others, from a file and from a PKCS#11 token. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { afterAll, describe, expect, test } from 'vitest';
import { admitIntake, member, opinion } from '@vitrine/statements/intake';
import type { IntakeStatement } from '@vitrine/statements/intake';
import { bin } from './running-centre.ts';

const dir = mkdtempSync(join(tmpdir(), 'vitrine-sign-e2e-'));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

const LOG = 'zurich.example/intake';
const ADDRESSEE = 'acme.example/statements';
const spoken = { addressee: ADDRESSEE, log: LOG };

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function vitrine(args: readonly string[], typed = '', env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = spawn(bin, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  child.stdin.end(typed);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, out, err };
}

const KeySchema = v.looseObject({ keyid: v.string(), spki: v.string() });

async function newKey(name: string): Promise<{ file: string; keyid: string; spki: string }> {
  const file = join(dir, `${name}.pem`);
  await vitrine(['keys', 'generate', '--out', file]);
  return { file, ...v.parse(KeySchema, JSON.parse((await vitrine(['keys', 'show', file, '--json'])).out)) };
}

function written(name: string, statement: object): string {
  const file = join(dir, name);
  writeFileSync(file, JSON.stringify(statement, null, 2));
  return file;
}

const admitted = (envelope: string) =>
  admitIntake({ origin: LOG, addressee: ADDRESSEE, envelope: new TextEncoder().encode(envelope.trim()) });

const [lab, partner, stranger] = await Promise.all(['lab', 'partner', 'stranger'].map(newKey));
if (lab === undefined || partner === undefined || stranger === undefined) throw new TypeError('no keys');

const opinionOf = (key: string, more: object = {}): IntakeStatement =>
  opinion.of({
    ...spoken,
    key,
    assurance: 'reasonable',
    body: { digest: 'a'.repeat(64) },
    conclusion: 'unqualified',
    criteria: ['c'.repeat(64), 'd'.repeat(64)],
    engagement: 'b'.repeat(64),
    exceptions: 0,
    expires: 2_000_000_000_000,
    findings: ['0'.repeat(64), '1'.repeat(64), '2'.repeat(64)],
    kind: 'source',
    organisation: lab.keyid,
    period: { from: 1_700_000_000_000, until: 1_710_000_000_000 },
    product: 'hello',
    releases: ['e'.repeat(64)],
    ...more,
  });

describe('with key files', () => {
  test('shows everything, asks, and signs what the log admits', async () => {
    const statement = written(
      'member.json',
      member.of({
        ...spoken,
        key: lab.spki,
        member: partner.spki,
        organisation: lab.keyid,
        roles: ['lead', 'partner'],
      }),
    );
    const ran = await vitrine(['sign', statement, '--key', lab.file], 'yes\n');
    expect(ran.code).toBe(0);
    expect(ran.err).toContain(`member        key ${partner.keyid}`);
    expect(ran.err).toContain('roles         lead');
    expect(admitted(ran.out)).toMatchObject({ admitted: true, signer: lab.keyid });
    for (const answer of ['no\n', '']) {
      const refused = await vitrine(['sign', statement, '--key', lab.file], answer);
      expect(refused).toMatchObject({ code: 1, out: '' });
    }
  });

  test('two partners, one after the other, in either way', async () => {
    const statement = written('opinion.json', opinionOf(lab.spki, { partner: partner.spki }));
    const first = join(dir, 'first.json');
    const one = await vitrine(['sign', statement, '--key', lab.file, '--yes', '--out', first, '--json']);
    expect(JSON.parse(one.out)).toMatchObject({ signers: [lab.keyid], missing: [partner.keyid] });
    expect(admitted(readFileSync(first, 'utf8'))).toMatchObject({ admitted: false });
    const added = await vitrine(['sign', statement, '--add', first, '--key', partner.file, '--yes']);
    const again = await vitrine(['sign', first, '--key', partner.file, '--yes']);
    expect(admitted(added.out)).toMatchObject({ admitted: true, signer: lab.keyid });
    expect(again.out).toBe(added.out);
    // Nothing is written over.
    expect(await vitrine(['sign', statement, '--key', lab.file, '--yes', '--out', first])).toMatchObject({
      code: 2,
    });
    const other = written('other.json', opinionOf(lab.spki, { partner: partner.spki, exceptions: 1 }));
    expect((await vitrine(['sign', other, '--add', first, '--key', partner.file, '--yes'])).err).toContain(
      'another statement',
    );
    const forged = join(dir, 'forged.json');
    writeFileSync(forged, readFileSync(first, 'utf8').replace(/"sig":"..../, '"sig":"AAAA'));
    expect(await vitrine(['sign', forged, '--key', partner.file, '--yes'])).toMatchObject({
      code: 1,
      out: '',
    });
  });

  test.each([
    [
      'a stranger’s key',
      () => [written('a.json', opinionOf(lab.spki)), stranger.file],
      'not one of those that sign',
    ],
    [
      'what is no statement',
      () => [
        written('b.json', { ...opinionOf(lab.spki), predicateType: 'https://vitrine.dev/opinion/v2' }),
        lab.file,
      ],
      'unknown type',
    ],
    [
      'a PIN file beside a key file',
      () => [written('c.json', opinionOf(lab.spki)), lab.file, '--pin-file', lab.file],
      'belongs to a pkcs11',
    ],
  ])('refuses %s', async (_what, args, reason) => {
    const [statement = '', key = '', ...more] = args();
    const ran = await vitrine(['sign', statement, '--key', key, '--yes', ...more]);
    expect(ran.out).toBe('');
    expect(ran.code).not.toBe(0);
    expect(ran.err).toContain(reason);
  });
});

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const hasToken = existsSync(MODULE) && existsSync('/usr/bin/pkcs11-tool');

// apt-get install softhsm2 opensc
describe.skipIf(!hasToken)('with a key on a token', () => {
  const home = join(dir, 'token');
  const env = { SOFTHSM2_CONF: join(home, 'softhsm2.conf') };
  const uri = `pkcs11:token=lab;object=opinions?module-path=${MODULE}`;
  const pin = join(dir, 'pin');
  const tool = (...args: string[]): string =>
    execFileSync('pkcs11-tool', ['--module', MODULE, ...args], {
      env: { ...process.env, ...env, PIN: '1234' },
      encoding: 'utf8',
    });

  function tokenKey(): string {
    const point =
      /EC_POINT:\s+0420([0-9a-f]{64})/.exec(tool('--token-label', 'lab', '-O', '--type', 'pubkey'))?.[1] ??
      '';
    return Buffer.from(`302a300506032b6570032100${point}`, 'hex').toString('base64');
  }

  function newTokenKey(): string {
    mkdirSync(join(home, 'tokens'), { recursive: true });
    writeFileSync(
      env.SOFTHSM2_CONF,
      `directories.tokendir = ${join(home, 'tokens')}\nobjectstore.backend = file\n`,
    );
    writeFileSync(pin, '1234\n', { mode: 0o600 });
    execFileSync(
      'softhsm2-util',
      ['--init-token', '--free', '--label', 'lab', '--pin', '1234', '--so-pin', '5678'],
      { env: { ...process.env, ...env } },
    );
    tool(
      '--token-label',
      'lab',
      '--login',
      '--pin',
      'env:PIN',
      '--keypairgen',
      '--key-type',
      'EC:edwards25519',
      '--id',
      '01',
      '--label',
      'opinions',
    );
    return tokenKey();
  }

  test('signs what the log admits; a wrong PIN, a missing key and a missing tool are told apart', async () => {
    const spki = newTokenKey();
    const withdrawal = written(
      'end.json',
      member.of({ ...spoken, key: spki, member: partner.spki, organisation: lab.keyid, roles: ['lead'] }),
    );
    const args = ['sign', withdrawal, '--yes', '--key', uri];
    const ran = await vitrine([...args, '--pin-file', pin], '', env);
    expect(ran.err).not.toContain('1234');
    expect(admitted(ran.out)).toMatchObject({ admitted: true });
    writeFileSync(`${pin}-wrong`, '9999');
    expect(await vitrine([...args, '--pin-file', `${pin}-wrong`], '', env)).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('CKR_PIN_INCORRECT') as string,
    });
    expect((await vitrine(args, '', env)).err).toContain('give --pin-file');
    expect(
      (
        await vitrine(
          ['sign', withdrawal, '--yes', '--key', uri.replace('opinions', 'none'), '--pin-file', pin],
          '',
          env,
        )
      ).err,
    ).toContain('no Ed25519 public key');
    const empty = join(dir, 'no-tools');
    mkdirSync(empty);
    const without = await vitrine([...args, '--pin-file', pin], '', { ...env, PATH: `${empty}:/nowhere` });
    expect(without.code).not.toBe(0);
  });

  test('a statement that pkcs11-tool cannot sign at once goes to OpenSSL, or says what to install', async () => {
    const spki = tokenKey();
    const statement = written('long.json', opinionOf(spki));
    const ran = await vitrine(['sign', statement, '--yes', '--key', uri, '--pin-file', pin], '', env);
    if (ran.code === 0) expect(admitted(ran.out)).toMatchObject({ admitted: true });
    else
      expect(ran).toMatchObject({
        code: 2,
        out: '',
        err: expect.stringContaining('pkcs11-provider') as string,
      });
  });
});
