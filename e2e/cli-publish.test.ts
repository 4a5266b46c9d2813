/** The command line on real processes: publishing, its refusals, interruptions and repetitions; verifying with nothing but the evidence; refreshing. */
import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiError } from '@vitrine/api';
import { bin, sha256, startCentre } from './running-centre.ts';
import type { RunningCentre } from './running-centre.ts';

const dir = mkdtempSync(join(tmpdir(), 'vitrine-cli-'));
let centre: RunningCentre;
beforeAll(async () => {
  centre = await startCentre();
});
afterAll(async () => {
  await centre.dispose();
  rmSync(dir, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], cwd = dir) {
  const child = spawn(bin, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const outcome: Promise<Outcome> = Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]).then(([out, err]) => ({ code: child.exitCode, out, err }));
  return { child, outcome };
}

async function vitrine(...args: string[]): Promise<Outcome> {
  return start(args).outcome;
}

function publishArgs(version: string, ...more: string[]): string[] {
  return [
    'publish',
    'release',
    `--server=${centre.url}`,
    `--key=${centre.rootKeyFile}`,
    '--product=demo',
    `--release=${version}`,
    ...more,
  ];
}

const VerdictSchema = v.looseObject({
  ok: v.boolean(),
  sentence: v.string(),
  checks: v.array(v.looseObject({ name: v.string(), ok: v.boolean(), reason: v.string() })),
  notShown: v.array(v.string()),
});
function verdictOf(outcome: Outcome) {
  return v.parse(VerdictSchema, JSON.parse(outcome.out));
}
function failedChecks(outcome: Outcome): string[] {
  return verdictOf(outcome)
    .checks.filter(({ ok }) => !ok)
    .map(({ name }) => name);
}

const PublishedSchema = v.looseObject({
  release: v.string(),
  alreadyPublished: v.boolean(),
  source: v.object({ root: v.string(), files: v.number() }),
  accepted: v.array(v.looseObject({ index: v.number(), duplicate: v.boolean() })),
  evidence: v.array(v.object({ artifact: v.string(), file: v.string() })),
});

async function isPublished(version: string): Promise<boolean> {
  try {
    await centre.api.call('release', { params: { product: 'demo', version } });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.problem?.code === 'not-found') return false;
    throw error;
  }
}

let made = 0;
/** A folder with these files. */
function folder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = join(dir, `folder-${made++}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}
function file(name: string, content: string | Uint8Array): string {
  return join(folder({ [name]: content }), name);
}

const sbom = JSON.stringify({
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  components: [{ type: 'library', name: 'a', version: '1' }],
});
function provenanceOf(digest: string): string {
  return JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'app', digest: { sha256: digest } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: { buildType: 'https://example.org/make', externalParameters: {} },
      runDetails: { builder: { id: 'https://example.org/builder' } },
    },
  });
}

describe('a release', () => {
  const source = folder({ 'src/main.c': 'int main(void) { return 0; }\n', README: 'hello\n' });
  const app = file('app.bin', 'the program');
  const manual = file('app.doc', 'the manual');
  const evidenceDir = join(dir, 'evidence');
  const args = () =>
    publishArgs(
      '1.0',
      `--source=${source}`,
      '--artifact',
      app,
      manual,
      `--sbom=${file('sbom.json', sbom)}`,
      `--provenance=${file('provenance.json', provenanceOf(sha256('the program')))}`,
      `--notes=${file('notes.md', 'The first.\n')}`,
      `--evidence-out=${evidenceDir}`,
    );

  test('is shown by a dry run, which leaves nothing behind', async () => {
    const dry = await vitrine(...args(), '--dry-run', '--json');
    expect(dry.code).toBe(0);
    expect(JSON.parse(dry.out)).toMatchObject({
      dryRun: true,
      published: null,
      server: { reachable: true },
      admitted: { ok: true, reason: null },
      notChecked: [expect.stringContaining('which of the objects the centre has already')],
    });
    const { out } = await vitrine(...args(), '--dry-run', `--policy=${centre.policyFile}`);
    expect(out).toContain('Nothing was written. demo 1.0 would be published');
    expect(out).toContain('key       may publish this');
    expect(out).toContain('unchecked which of the objects the centre has already');
    const stranger = file(
      'stranger.pem',
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
    );
    expect((await vitrine(...args(), '--dry-run', `--key=${stranger}`)).out).toMatch(
      /key {7}would be refused: .*not/,
    );
    const away = await vitrine(...args(), '--dry-run', '--server=http://127.0.0.1:9', '--json');
    expect([away.code, JSON.parse(away.out)]).toMatchObject([
      0,
      { server: { reachable: false }, admitted: null, notChecked: { length: 2 } },
    ]);
    expect(await isPublished('1.0')).toBe(false);
    expect(existsSync(evidenceDir)).toBe(false);
  });

  test('is published, with the evidence of every artifact', async () => {
    const published = await vitrine(...args(), '--json');
    expect(published.err).toBe('warning: the provenance does not cover app.doc\n');
    expect(published.code).toBe(0);
    const result = v.parse(PublishedSchema, JSON.parse(published.out));
    expect(result).toMatchObject({ alreadyPublished: false, source: { files: 2 } });
    expect(result.accepted.map(({ duplicate }) => duplicate)).toEqual([false, false, false]);
    expect(result.evidence.map(({ artifact }) => artifact)).toEqual(['app.bin', 'app.doc']);
    const release = await centre.api.call('release', { params: { product: 'demo', version: '1.0' } });
    expect(release).toMatchObject({
      digest: result.release,
      sourceRoot: result.source.root,
      sbom: { format: 'cyclonedx', digest: sha256(sbom) },
      notes: sha256('The first.\n'),
    });
    const content = await centre.api.call('artifactContent', { params: { sha256: sha256('the program') } });
    expect(await content.text()).toBe('the program');
  });

  test('is verified with nothing but the file, the evidence and the policy', async () => {
    const alone = join(dir, 'alone');
    mkdirSync(alone);
    for (const one of [app, `${evidenceDir}/app.bin.evidence`, centre.policyFile])
      copyFileSync(one, join(alone, one.split('/').at(-1) ?? ''));
    const { outcome } = start(
      ['verify', 'app.bin', '--evidence=app.bin.evidence', '--policy=policy.txt', '--json'],
      alone,
    );
    const verdict = verdictOf(await outcome);
    expect(verdict.ok).toBe(true);
    expect(verdict.notShown.length).toBeGreaterThan(0);
    expect((await outcome).code).toBe(0);
    const words = await start(
      ['verify', 'app.bin', '--evidence=app.bin.evidence', '--policy=policy.txt'],
      alone,
    ).outcome;
    expect(words.out.split('\n')[0]).toBe(verdict.sentence);
    expect(words.out).not.toContain('\u001b');
    const online = await vitrine(
      'verify',
      manual,
      `--server=${centre.url}`,
      `--policy=${centre.policyFile}`,
      '--json',
    );
    expect(online.code).toBe(0);
  });

  test('is refused for another file, other evidence, another policy', async () => {
    const evidence = join(evidenceDir, 'app.bin.evidence');
    const policy = `--policy=${centre.policyFile}`;
    const other = await vitrine(
      'verify',
      file('app.bin', 'another program'),
      `--evidence=${evidence}`,
      policy,
      '--json',
    );
    expect([other.code, failedChecks(other)]).toEqual([1, ['file']]);
    const bytes = readFileSync(evidence);
    for (const broken of [
      bytes.subarray(0, bytes.length - 1),
      Buffer.concat([bytes, Buffer.from(' ')]),
      Buffer.from('not JSON'),
      Buffer.alloc(0),
      Buffer.alloc(8 * 1024 * 1024 + 1, 0x20),
    ]) {
      const outcome = await vitrine(
        'verify',
        app,
        `--evidence=${file('x.evidence', broken)}`,
        policy,
        '--json',
      );
      expect([outcome.code, failedChecks(outcome).includes('evidence')]).toEqual([1, true]);
    }
    const unpinned = file('p.txt', centre.policy.replace(/^#vitrine keys-entry-0.*\n/m, ''));
    const withoutPin = await vitrine(
      'verify',
      app,
      `--evidence=${evidence}`,
      `--policy=${unpinned}`,
      '--json',
    );
    expect([withoutPin.code, failedChecks(withoutPin).includes('policy')]).toEqual([1, true]);
    const mispinned = file(
      'p.txt',
      centre.policy.replace(/(keys-entry-0 )[0-9a-f]/, (_, rule: string) => `${rule}g`),
    );
    expect(
      (await vitrine('verify', app, `--evidence=${evidence}`, `--policy=${mispinned}`, '--json')).code,
    ).toBe(1);
    const unknown = await vitrine(
      'verify',
      file('a', 'never seen'),
      `--server=${centre.url}`,
      policy,
      '--json',
    );
    expect([unknown.code, verdictOf(unknown).sentence.includes('nothing is known')]).toEqual([1, true]);
    await sleep(1100);
    const old = await vitrine('verify', app, `--evidence=${evidence}`, policy, '--max-age=1s', '--json');
    expect([old.code, failedChecks(old)]).toEqual([1, ['age']]);
  });

  test('cannot be verified when something is missing, which is no refusal', async () => {
    const evidence = `--evidence=${join(evidenceDir, 'app.bin.evidence')}`;
    const policy = `--policy=${centre.policyFile}`;
    for (const args of [
      ['verify', join(dir, 'absent'), evidence, policy],
      ['verify', dir, evidence, policy],
      ['verify', app, `--evidence=${join(dir, 'absent')}`, policy],
      ['verify', app, evidence, `--policy=${join(dir, 'absent')}`],
      ['verify', app, policy],
      ['verify', app, evidence, policy, `--server=${centre.url}`],
      ['verify', app, evidence],
      ['verify', app, evidence, policy, '--max-age=soon'],
      ['verify'],
      ['verify', app, evidence, policy, '--surprise'],
      ['verify', app, '--server=ftp://example.org', policy],
      ['nonsense'],
    ]) {
      const { code, out, err } = await vitrine(...args);
      expect([args, code, out]).toEqual([args, 2, '']);
      expect(err).not.toBe('');
      expect(err).not.toMatch(/\n +at /);
    }
  });

  test('is not published twice', async () => {
    const size = (await centre.api.call('log', { params: { log: 'statements' } })).size;
    rmSync(evidenceDir, { recursive: true });
    const again = await vitrine(...args(), '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.out)).toMatchObject({ alreadyPublished: true, accepted: [] });
    expect(existsSync(join(evidenceDir, 'app.doc.evidence'))).toBe(true);
    expect((await centre.api.call('log', { params: { log: 'statements' } })).size).toBe(size);
  });

  test('is refused with other content under the same version, which is named', async () => {
    const changed = folder({ 'src/main.c': 'int main(void) { return 1; }\n', README: 'hello\n' });
    const outcome = await vitrine(
      ...publishArgs(
        '1.0',
        `--source=${changed}`,
        '--artifact',
        file('app.bin', 'altered'),
        file('new.bin', 'new'),
      ),
    );
    expect(outcome.code).toBe(1);
    for (const difference of [
      'already published with other content',
      'the source differs',
      'the artifact app.bin differs',
      'the artifact new.bin is new',
      'the artifact app.doc is not given',
      'the SBOM is not given',
      'the notes is not given',
    ])
      expect(outcome.err).toContain(difference);
  });

  test('is withdrawn: new evidence refuses it, old evidence is renewed into a refusal', async () => {
    const evidence = join(evidenceDir, 'app.bin.evidence');
    const withdraw = (...more: string[]) =>
      vitrine(
        'publish',
        'withdraw',
        `--server=${centre.url}`,
        `--key=${centre.rootKeyFile}`,
        '--product=demo',
        '--release=1.0',
        ...more,
      );
    expect((await withdraw()).code).toBe(2);
    expect((await withdraw('--reason=  ')).code).toBe(2);
    expect((await withdraw('--reason=a', `--reason-file=${app}`)).code).toBe(2);
    expect((await withdraw('--reason=It burns.', '--release=9.9')).code).toBe(1);
    expect((await withdraw('--reason=It burns.')).code).toBe(0);
    expect((await withdraw('--reason=It burns.')).out).toContain('was already withdrawn');
    const policy = `--policy=${centre.policyFile}`;
    expect((await vitrine('verify', app, `--evidence=${evidence}`, policy)).code).toBe(0);
    const online = await vitrine('verify', app, `--server=${centre.url}`, policy, '--json');
    expect([online.code, failedChecks(online)]).toEqual([1, ['not-withdrawn']]);
    expect(verdictOf(online).sentence).toContain('It burns.');
    // The newest view is shown and judged without a change to the file.
    const server = `--server=${centre.url}`;
    const kept = readFileSync(evidence);
    expect((await vitrine('evidence', 'show', evidence)).out).not.toContain('It burns.');
    expect((await vitrine('evidence', 'show', evidence, server)).out).toContain('It burns.');
    const judged = await vitrine('evidence', 'verify', evidence, policy, server, '--json');
    expect([judged.code, failedChecks(judged)]).toEqual([1, ['not-withdrawn']]);
    const old = await vitrine('evidence', 'show', evidence, policy);
    expect([old.code, old.out.includes('✓ policy')]).toEqual([0, true]);
    expect(readFileSync(evidence).equals(kept)).toBe(true);
    const refreshed = await vitrine('evidence', 'refresh', evidence, `--server=${centre.url}`, policy);
    expect([refreshed.code, refreshed.out.includes('the log only grew')]).toEqual([1, true]);
    expect((await vitrine('verify', app, `--evidence=${evidence}`, policy)).code).toBe(1);
    const shown = await vitrine('evidence', 'show', evidence);
    expect([shown.code, shown.out.includes('It burns.'), shown.out.includes('demo')]).toEqual([
      0,
      true,
      true,
    ]);
    const both = await vitrine('evidence', 'show', evidence, policy, '--json');
    expect(JSON.parse(both.out)).toMatchObject({ statements: [{}, {}, {}], verdict: { ok: false } });
    expect(both.code).toBe(1);
    const byItself = await vitrine('evidence', 'verify', evidence, policy, '--json');
    expect([byItself.code, failedChecks(byItself)]).toEqual([1, ['not-withdrawn']]);
  });
});

describe('source', () => {
  test('from a folder, a git revision and an archive gives the same number of files', async () => {
    const tree = folder({ a: 'a', 'b/c': 'c' });
    const git = (...args: string[]) =>
      spawnOk('git', ['-C', tree, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args]);
    await spawnOk('tar', ['-czf', join(dir, 't.tar.gz'), '-C', tree, '.']);
    await git('init', '-q', '-b', 'main');
    await git('add', '-A');
    await git('commit', '-qm', 'one');
    for (const [version, option] of [
      ['2.0', `--source=${tree}`],
      ['2.1', `--git=${tree}@main`],
      ['2.2', `--source-archive=${join(dir, 't.tar.gz')}`],
    ] as const) {
      const outcome = await vitrine(...publishArgs(version, option, '--json'));
      expect(outcome.err).toBe('');
      expect(JSON.parse(outcome.out)).toMatchObject({ source: { files: 2 } });
    }
  });

  test('is refused before the centre hears of it', async () => {
    const odd = folder({ a: 'a' });
    await spawnOk('mkfifo', [join(odd, 'pipe')]);
    const cut = join(dir, 'cut.tar');
    await spawnOk('tar', ['-cf', cut, '-C', dir, 't.tar.gz']);
    writeFileSync(cut, readFileSync(cut).subarray(0, 700));
    const traversal = join(dir, 'traversal.tar');
    await spawnOk('tar', ['-cPf', traversal, '-C', odd, '--transform=s,a,../../a,', 'a']);
    for (const [option, code] of [
      [`--source=${odd}`, 'special-file'],
      [`--source=${join(dir, 'absent')}`, 'unreadable'],
      [`--source-archive=${cut}`, 'truncated'],
      [`--source-archive=${traversal}`, 'path-traversal'],
      [`--git=${odd}@main`, 'git-failed'],
    ] as const) {
      const outcome = await vitrine(...publishArgs('3.0', option));
      expect([option, outcome.code, outcome.err.includes(`(${code})`)]).toEqual([option, 1, true]);
    }
    for (const options of [[], [`--source=${odd}`, `--git=${odd}@main`], ['--git=nowhere']])
      expect((await vitrine(...publishArgs('3.0', ...options))).code).toBe(2);
    expect(await isPublished('3.0')).toBe(false);
  });
});

describe('what accompanies a release', () => {
  test('is checked before the centre hears of it', async () => {
    const source = `--source=${folder({ a: 'a' })}`;
    const app = file('app', 'app');
    const twin = file('app', 'other');
    const provenance = (digest: string) => `--provenance=${file('p.json', provenanceOf(digest))}`;
    for (const [options, reason, exit] of [
      [[`--sbom=${file('s.json', '{}')}`], 'unknown-format', 1],
      [[`--sbom=${file('s.json', sbom.replace('library', 'thing'))}`], 'at /components/0/type', 1],
      [[`--provenance=${file('p.json', '{}')}`], 'at /_type', 1],
      [['--artifact', app, provenance('0'.repeat(64))], 'about none of the artifacts', 1],
      [['--artifact', app, twin], 'two artifacts are named app', 2],
      [['--artifact', join(dir, 'absent')], 'cannot be read', 2],
      [[`--notes=${file('n', Buffer.of(0xff))}`], 'not UTF-8', 2],
      [['--supersedes=4.0'], 'names the release itself', 2],
    ] as const) {
      const outcome = await vitrine(...publishArgs('4.0', source, ...options));
      expect([options, outcome.code, outcome.err.includes(reason)]).toEqual([options, exit, true]);
    }
    expect(await isPublished('4.0')).toBe(false);
  });

  test('names of products and versions are checked', async () => {
    const source = `--source=${folder({ a: 'a' })}`;
    expect((await vitrine(...publishArgs('a b', source))).code).toBe(2);
    expect((await vitrine(...publishArgs('1', source, '--product=Demo'))).code).toBe(2);
  });
});

describe('keys', () => {
  const source = folder({ a: 'a' });
  const pem = (
    type: 'pkcs8' | 'sec1',
    key: ReturnType<typeof generateKeyPairSync>['privateKey'],
    cipher = {},
  ) => key.export({ type, format: 'pem', ...cipher }).toString();
  const ed25519 = generateKeyPairSync('ed25519');
  test.each([
    ['not PEM', 'hello', 'is not PEM'],
    ['a public key', ed25519.publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'PUBLIC KEY'],
    [
      'a P-256 key',
      pem('pkcs8', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
      'of type ec',
    ],
    [
      'an EC key of SEC 1',
      pem('sec1', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
      'EC PRIVATE KEY',
    ],
    [
      'an encrypted key',
      pem('pkcs8', ed25519.privateKey, { cipher: 'aes-256-cbc', passphrase: 'x' }),
      'is encrypted',
    ],
    ['a damaged key', pem('pkcs8', ed25519.privateKey).replace(/MC4/, 'MC5'), 'not a readable'],
  ])('%s is not signed with', async (_, content, reason) => {
    const outcome = await vitrine(
      ...publishArgs('5.0', `--source=${source}`, `--key=${file('k.pem', content)}`),
    );
    expect([outcome.code, outcome.err.includes(reason)]).toEqual([2, true]);
  });

  test('the key itself is not published', async () => {
    const key = readFileSync(centre.rootKeyFile);
    const outcome = await vitrine(...publishArgs('5.0', `--source=${folder({ 'keys/k.pem': key })}`));
    expect([outcome.code, outcome.err.includes('keys/k.pem is the signing key itself')]).toEqual([1, true]);
  });

  test('a key that may not publish is refused; one that others can read is warned about', async () => {
    const key = file('k.pem', pem('pkcs8', ed25519.privateKey));
    chmodSync(key, 0o644);
    const outcome = await vitrine(...publishArgs('5.0', `--source=${source}`, `--key=${key}`));
    expect(outcome.code).toBe(1);
    expect(outcome.err).toContain('can be read by others');
    expect(await isPublished('5.0')).toBe(false);
  });
});

describe('a policy of the publisher’s own', () => {
  const source = folder({ a: 'another' });
  const app = file('own.bin', 'judged by its publisher');

  test('that could not hold is noticed before anything is registered', async () => {
    const other = join(dir, 'other');
    expect((await vitrine('init', `--data=${other}`, '--origin=other.example')).code).toBe(0);
    const pinless = file('pinless.txt', centre.policy.replace(/^#vitrine keys-entry-0.*\n/m, ''));
    const withdrawing = ['publish', 'withdraw', `--server=${centre.url}`, `--key=${centre.rootKeyFile}`];
    const disposing = ['publish', 'disposal', `--server=${centre.url}`, `--key=${centre.rootKeyFile}`];
    const { size } = await centre.api.call('log', { params: { log: 'statements' } });
    for (const [policy, reason, exit] of [
      [join(other, 'policy.txt'), 'is about other.example/statements', 1],
      [pinless, 'vouch for its own keys', 1],
      [join(dir, 'absent'), 'cannot be read', 2],
    ] as const) {
      const trust = `--policy=${policy}`;
      for (const args of [
        publishArgs('own-1', `--source=${source}`, '--artifact', app, trust),
        publishArgs('own-1', `--source=${source}`, '--artifact', app, trust, '--dry-run'),
        [...withdrawing, '--product=demo', '--release=1.0', '--reason=x', trust],
        [...disposing, '--product=demo', `--object=${'a'.repeat(64)}`, '--reason=x', '--yes', trust],
      ]) {
        const outcome = await vitrine(...args);
        expect([outcome.code, outcome.err.includes(reason), args.join(' ')]).toEqual([
          exit,
          true,
          args.join(' '),
        ]);
      }
    }
    expect((await centre.api.call('log', { params: { log: 'statements' } })).size).toBe(size);
  });

  test('decides which evidence is written', async () => {
    const out = join(dir, 'own-evidence');
    const strict = file('strict.txt', centre.policy.replace(/keys-entry-0 ..../, 'keys-entry-0 0000'));
    const args = (policy: string) =>
      publishArgs(
        'own-2',
        `--source=${source}`,
        '--artifact',
        app,
        `--evidence-out=${out}`,
        `--policy=${policy}`,
      );
    const refused = await vitrine(...args(strict));
    expect([refused.code, refused.err.includes('keys-log')]).toEqual([1, true]);
    expect(existsSync(join(out, 'own.bin.evidence'))).toBe(false);
    expect((await vitrine(...args(centre.policyFile))).code).toBe(0);
    expect(existsSync(join(out, 'own.bin.evidence'))).toBe(true);
  });
});

describe('interruptions', () => {
  const rounds = process.env['VITRINE_SOAK'] === undefined ? 2 : 100;

  test('a publisher that is killed goes on when it is started again', async () => {
    for (let round = 0; round < rounds; round++) {
      const files = Object.fromEntries(
        Array.from({ length: 400 }, (_, at) => [`d${at % 7}/f${at}`, randomBytes(20_000)]),
      );
      const large = randomBytes(24 * 2 ** 20);
      const options = [
        `--source=${folder({ ...files, 'large.bin': large })}`,
        '--artifact',
        file('artifact.bin', randomBytes(24 * 2 ** 20)),
        `--evidence-out=${join(dir, 'killed')}`,
      ];
      const version = `6.${round}`;
      const { child, outcome } = start(publishArgs(version, ...options));
      await Promise.race([sleep(400 + Math.random() * 1200), outcome]);
      child.kill('SIGKILL');
      await outcome;
      const again = await vitrine(...publishArgs(version, ...options, '--json'));
      expect(again.err).toBe('');
      expect(again.code).toBe(0);
      expect(v.parse(PublishedSchema, JSON.parse(again.out)).source.files).toBe(401);
    }
    await centre.checkLogs();
  });

  test('a server that is killed in between loses nothing that counts', async () => {
    for (let round = 0; round < rounds; round++) {
      const options = [
        `--source=${folder({ 'large.bin': randomBytes(16 * 2 ** 20), small: randomBytes(100) })}`,
        '--artifact',
        file('artifact.bin', randomBytes(32 * 2 ** 20)),
      ];
      const version = `7.${round}`;
      const { child, outcome } = start(publishArgs(version, ...options));
      await Promise.race([sleep(500 + Math.random() * 1000), outcome]);
      await centre.stop('SIGKILL');
      child.kill('SIGINT');
      await outcome;
      await centre.restart();
      const again = await vitrine(...publishArgs(version, ...options));
      expect([again.code, again.err.includes('vitrine:')]).toEqual([0, false]);
    }
    await centre.checkLogs();
  });

  test('a file that changes while it is published is named', async () => {
    const source = folder({ 'changing.bin': randomBytes(48 * 2 ** 20) });
    const { outcome } = start(publishArgs('8.0', `--source=${source}`));
    const grow = setInterval(() => appendFileSync(join(source, 'changing.bin'), 'x'), 1);
    const { code, err } = await outcome;
    clearInterval(grow);
    expect([code, err.includes('changing.bin'), err.includes('source-changed')]).toEqual([1, true, true]);
    expect(await isPublished('8.0')).toBe(false);
  });

  test('two publishers of one release at once say one thing', async () => {
    const options = [`--source=${folder({ a: randomBytes(100) })}`, '--json'];
    const outcomes = await Promise.all([
      vitrine(...publishArgs('9.0', ...options)),
      vitrine(...publishArgs('9.0', ...options)),
    ]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    const digests = outcomes.map(({ out }) => v.parse(PublishedSchema, JSON.parse(out)).release);
    expect(new Set(digests).size).toBe(1);
  });

  test('a server that is away is no answer', async () => {
    await centre.stop();
    const outcome = await vitrine(...publishArgs('9.1', `--source=${folder({ a: 'a' })}`));
    expect([outcome.code, outcome.err.includes('ECONNREFUSED')]).toEqual([2, true]);
    const verified = await vitrine(
      'verify',
      file('a', 'a'),
      `--server=http://127.0.0.1:1`,
      `--policy=${centre.policyFile}`,
    );
    expect(verified.code).toBe(2);
    await centre.restart();
  });
});

describe('views that contradict each other', () => {
  test('are both kept', async () => {
    const fork = await startCentre({ name: 'fork.example' });
    const app = file('app.bin', 'the program');
    const evidenceDir = join(dir, 'fork');
    const publishTo = (version: string) =>
      vitrine(
        'publish',
        'release',
        `--server=${fork.url}`,
        `--key=${fork.rootKeyFile}`,
        '--product=demo',
        `--release=${version}`,
        `--source=${folder({ version })}`,
        '--artifact',
        app,
        `--evidence-out=${evidenceDir}`,
      );
    expect((await publishTo('1')).code).toBe(0);
    const evidence = join(evidenceDir, 'app.bin.evidence');
    const first = readFileSync(evidence);
    await fork.stop();
    const copy = join(dir, 'copy');
    cpSync(fork.dir, copy, { recursive: true });
    await fork.restart();
    expect((await publishTo('2')).code).toBe(0);
    writeFileSync(evidence, first);
    expect(
      (await vitrine('evidence', 'refresh', evidence, `--server=${fork.url}`, `--policy=${fork.policyFile}`))
        .code,
    ).toBe(0);
    const one = readFileSync(evidence);
    expect(one.equals(first)).toBe(false);
    await fork.stop();
    rmSync(fork.dir, { recursive: true });
    cpSync(copy, fork.dir, { recursive: true });
    await fork.restart();
    for (const version of ['3', '4', '5']) expect((await publishTo(version)).code).toBe(0);
    writeFileSync(evidence, one);
    const conflict = await vitrine('evidence', 'refresh', evidence, `--server=${fork.url}`);
    expect([conflict.code, conflict.err.includes('evidence against the log')]).toEqual([1, true]);
    expect(readFileSync(evidence).equals(one)).toBe(true);
    expect(existsSync(`${evidence}.conflicting`)).toBe(true);
    await fork.dispose();
  });
});

describe('log fsck', () => {
  test('tells sound, unsound and unknown apart', async () => {
    const log = join(centre.dir, 'logs', 'statements');
    const sound = await vitrine(
      'log',
      'fsck',
      `${centre.url}/logs/statements`,
      `--vkey=${centre.vkey}`,
      '--json',
    );
    expect([sound.code, JSON.parse(sound.out)]).toEqual([
      0,
      expect.objectContaining({ ok: true, problems: [] }),
    ]);
    const copy = join(dir, 'log');
    cpSync(log, copy, { recursive: true });
    appendFileSync(join(copy, 'checkpoint'), 'x');
    const altered = await vitrine('log', 'fsck', copy, `--vkey=${centre.vkey}`, '--json');
    expect([altered.code, JSON.parse(altered.out)]).toEqual([1, expect.objectContaining({ ok: false })]);
    expect((await vitrine('log', 'fsck', join(dir, 'absent'), `--vkey=${centre.vkey}`)).code).toBe(2);
    expect((await vitrine('log', 'fsck', log, '--vkey=nonsense')).code).toBe(2);
    expect((await vitrine('log', 'fsck', log)).code).toBe(2);
  });
});

describe('the launcher', () => {
  test('is the program that it starts, through any link and from any folder', async () => {
    const link = join(dir, 'a link to vitrine');
    symlinkSync(bin, link);
    const child = spawn(link, ['serve', '--data', centre.dir, '--listen', '127.0.0.1:0'], {
      cwd: '/',
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    await sleep(300);
    // The data folder is locked by the centre that runs, so this one ends; until then its pid is a Node.
    if (child.exitCode === null) expect(readlinkSync(`/proc/${child.pid ?? 0}/exe`)).toMatch(/node$/);
    await ended;
    expect(child.exitCode).not.toBe(0);
    const { child: help, outcome } = start(['--version'], '/');
    expect((await outcome).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(help.exitCode).toBe(0);
  });
});

async function spawnOk(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(child, 'exit');
  if (child.exitCode !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${String(child.exitCode)}`);
}
