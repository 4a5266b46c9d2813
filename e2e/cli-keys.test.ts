/**
 * Keys and disposals as an operator handles them: the real `vitrine` against a real server. A ceremony over several machines without
 * a network, rotation, compromise, a disposal, and what must be refused on the way.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as v from 'valibot';
import { ApiError } from '@vitrine/api';
import { formatEnvelope, parseStatementEnvelope } from '@vitrine/statements';
import { formatVkey } from '@vitrine/tlog';
import { parseEvidence, parseVerificationPolicy } from '@vitrine/verifier';
import { bin, code, newSigner, sha256, startCentre } from './running-centre.ts';
import type { RunningCentre } from './running-centre.ts';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

// Each step of a ceremony is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

let centre: RunningCentre;
let folder: string;
beforeAll(async () => {
  centre = await startCentre();
  folder = mkdtempSync(join(tmpdir(), 'vitrine-keys-'));
});
afterAll(async () => {
  await centre.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function at(name: string): string {
  return join(folder, name);
}

/** Runs the program. Nobody is at the terminal. */
function vitrine(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      bin,
      args,
      { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
      (error, out, err) => {
        if (child.exitCode === null) reject(error ?? new Error(`${args.join(' ')} was killed`));
        else resolve({ code: child.exitCode, out, err });
      },
    );
    child.stdin?.end();
  });
}

/** Runs the program, which must succeed. @returns standard output */
async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await vitrine(...args);
  if (code !== 0) throw new Error(`vitrine ${args.join(' ')} ended with ${code}: ${err}`);
  return out;
}

/** Runs the program, which must end with this code. @returns what it says on standard error */
async function fails(code: number, ...args: readonly string[]): Promise<string> {
  const outcome = await vitrine(...args);
  expect(outcome, `vitrine ${args.join(' ')}`).toMatchObject({ code });
  // A sentence for people, not a stack.
  expect(outcome.err).not.toMatch(/\n\s+at /);
  return outcome.err;
}

const KeySchema = v.object({ keyid: v.string(), spki: v.string() });
async function generate(name: string): Promise<{ file: string; keyid: string; spki: string }> {
  const file = at(`${name}.pem`);
  return { file, ...v.parse(KeySchema, JSON.parse(await done('keys', 'generate', '--out', file, '--json'))) };
}

/** The keyid of a key that was generated. */
async function keyidIn(name: string): Promise<string> {
  return v.parse(KeySchema, JSON.parse(await done('keys', 'show', at(`${name}.pem`), '--json'))).keyid;
}

const ListSchema = v.object({
  log: v.string(),
  size: v.number(),
  verified: v.nullable(v.object({ asOf: v.number(), reason: v.string() })),
  rootKeys: v.object({ version: v.number(), threshold: v.number(), keys: v.array(KeySchema) }),
  policy: v.object({
    version: v.number(),
    rules: v.array(v.object({ predicateType: v.string(), role: v.string(), threshold: v.number() })),
  }),
  witnesses: v.object({
    version: v.number(),
    quorum: v.number(),
    mirrorQuorum: v.number(),
    witnesses: v.array(
      v.object({ kind: v.string(), operator: v.string(), url: v.nullable(v.string()), vkey: v.string() }),
    ),
  }),
  keys: v.array(
    v.object({
      keyid: v.string(),
      roles: v.array(v.object({ role: v.string(), products: v.array(v.string()) })),
      holder: v.nullable(v.string()),
      heldBy: v.nullable(v.string()),
      ended: v.nullable(v.object({ at: v.number(), by: v.string() })),
      successor: v.nullable(v.string()),
      voidFrom: v.nullable(v.number()),
    }),
  ),
  refused: v.array(v.unknown()),
});
async function listed(...more: readonly string[]) {
  return v.parse(
    ListSchema,
    JSON.parse(await done('keys', 'list', '--server', centre.url, '--json', ...more)),
  );
}
async function keyOf(keyid: string) {
  const key = (await listed()).keys.find((each) => each.keyid === keyid);
  if (key === undefined) throw new Error(`no key ${keyid} is listed`);
  return key;
}

const SaidSchema = v.object({
  signers: v.array(v.string()),
  accepted: v.object({ index: v.number(), duplicate: v.boolean() }),
});
async function said(...args: readonly string[]) {
  return v.parse(SaidSchema, JSON.parse(await done(...args, '--server', centre.url, '--json')));
}

/** Publishes a release of one artifact. @returns the artifact's file, its evidence file, the index of the release */
async function release(version: string, key: string, product = 'tool') {
  const artifact = at(`${product}-${version}.bin`);
  const source = mkdtempSync(join(folder, 'source-'));
  writeFileSync(join(source, 'main.c'), `int version = ${JSON.stringify(version)};\n`);
  writeFileSync(artifact, `the program ${product}, ${version}`);
  const args = ['publish', 'release', '--server', centre.url, '--key', key, '--product', product];
  const outcome = await vitrine(
    ...[...args, '--release', version, '--source', source, '--artifact', artifact],
    ...['--evidence-out', folder, '--json'],
  );
  return { ...outcome, artifact, evidence: `${artifact}.evidence` };
}
async function released(version: string, key: string) {
  const { code, err, artifact, evidence } = await release(version, key);
  if (code !== 0) throw new Error(`release ${version} ended with ${code}: ${err}`);
  const { index } = await centre.api.call('release', { params: { product: 'tool', version } });
  return { artifact, evidence, index };
}

async function verify(artifact: string, ...from: readonly string[]): Promise<Outcome> {
  return vitrine('verify', artifact, '--policy', centre.policyFile, ...from);
}

describe('key files', () => {
  test('are made for their owner only, never over another, and say who they are', async () => {
    const key = await generate('first');
    expect(statSync(key.file).mode & 0o777).toBe(0o600);
    const before = readFileSync(key.file, 'utf8');
    expect(await fails(2, 'keys', 'generate', '--out', key.file)).toContain('is not written over');
    expect(readFileSync(key.file, 'utf8')).toBe(before);
    writeFileSync(at('first.spki'), `${key.spki}\n`);
    for (const form of [key.file, key.spki, at('first.spki')])
      expect(JSON.parse(await done('keys', 'show', form, '--json'))).toMatchObject({
        keyid: key.keyid,
        spki: key.spki,
        private: form === key.file,
      });
  });

  test('that are something else are refused in words', async () => {
    writeFileSync(at('not-a-key'), 'hello');
    expect(await fails(2, 'keys', 'show', at('not-a-key'))).toContain('neither PEM nor an SPKI');
    expect(await fails(2, 'keys', 'show', at('nowhere'))).toContain('cannot be read');
    // The neutral element: one signature by it stands for every message.
    const neutral = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.alloc(32)]);
    neutral[12] = 1;
    expect(await fails(2, 'keys', 'show', neutral.toString('base64'))).toContain('malformed key');
  });
});

describe('keys list', () => {
  test('says that nothing was verified, or under which policy', async () => {
    const plain = await vitrine('keys', 'list', '--server', centre.url);
    expect(plain.code).toBe(0);
    expect(plain.out).toContain('not verified');
    expect(plain.err).toContain('Nothing was verified');
    expect((await listed()).verified).toBeNull();
    expect((await listed('--policy', centre.policyFile)).verified?.reason).toContain('the pinned entry 0');
  });

  test('is refused under a policy that pins another entry 0, or knows other keys', async () => {
    const other = at('other-pin.txt');
    writeFileSync(
      other,
      centre.policy.replace(/keys-entry-0 [0-9a-f]{64}/, `keys-entry-0 ${'0'.repeat(64)}`),
    );
    const args = ['keys', 'list', '--server', centre.url, '--policy'];
    expect(await fails(1, ...args, other)).toContain('entry 0');
    writeFileSync(other, centre.policy.replace(/^#vitrine keys-entry-0.*\n/m, ''));
    expect(await fails(1, ...args, other)).toContain('vouch for its own keys');
    const stranger = await startCentre({ name: 'stranger.example' });
    try {
      expect(await fails(1, ...args, stranger.policyFile)).toContain('refused under this policy');
    } finally {
      await stranger.dispose();
    }
  });

  test('could not run without a server', async () => {
    expect(await fails(2, 'keys', 'list', '--server', 'ftp://nowhere')).toContain(
      'not an http or https address',
    );
  });
});

describe('a ceremony without a network', () => {
  const roots: { file: string; keyid: string; spki: string }[] = [];
  const file = () => at('root-keys.json');

  test('2 of 3 root keys: written, signed on each machine, sent once enough have signed', async () => {
    for (const name of ['root-1', 'root-2', 'root-3']) roots.push(await generate(name));
    const [one, two, three] = roots.map(({ file: key }) => key);
    const making = ['keys', 'root', '--log', `${centre.name}/keys`, '--threshold', '2', '--root'];
    // The public halves suffice, and nobody has to sign where it is written.
    const spkis = roots.map(({ spki }) => spki);
    expect(await fails(2, ...making, ...spkis, '--out', file())).toContain('--as-version');
    await done(...making, ...spkis, '--as-version', '2', '--out', file());
    expect(await fails(1, 'keys', 'submit', file(), '--server', centre.url)).toContain('nobody has signed');

    const { out, err } = await vitrine('keys', 'sign', file(), '--key', centre.rootKeyFile);
    expect(err).toContain('2 of 3 keys must sign');
    for (const { keyid } of roots) expect(err).toContain(keyid);
    expect(out).toContain(centre.signer.keyid);
    await done('keys', 'sign', file(), '--key', one ?? '');
    expect(await fails(1, 'keys', 'submit', file(), '--server', centre.url)).toContain(
      'of the new root keys',
    );
    expect((await listed()).rootKeys.version).toBe(1);

    // A second signature by the same key is none.
    const once = readFileSync(file(), 'utf8');
    expect((await vitrine('keys', 'sign', file(), '--key', one ?? '')).err).toContain('signed it already');
    expect(readFileSync(file(), 'utf8')).toBe(once);

    await done('keys', 'sign', file(), '--key', three ?? '', '--out', at('root-keys-signed.json'));
    expect(readFileSync(file(), 'utf8')).toBe(once);
    const { accepted } = await said('keys', 'submit', at('root-keys-signed.json'));
    expect(accepted.duplicate).toBe(false);
    const now = await listed('--policy', centre.policyFile);
    expect(now.rootKeys).toMatchObject({ version: 2, threshold: 2 });
    expect(now.rootKeys.keys.map(({ keyid }) => keyid).sort()).toEqual(
      roots.map(({ keyid }) => keyid).sort(),
    );

    // Replayed it changes nothing; with another signature on it, it is an old version.
    expect((await said('keys', 'submit', at('root-keys-signed.json'))).accepted).toEqual({
      index: accepted.index,
      duplicate: true,
    });
    await done('keys', 'sign', at('root-keys-signed.json'), '--key', two ?? '');
    expect(await fails(1, 'keys', 'submit', at('root-keys-signed.json'), '--server', centre.url)).toContain(
      'made for another state',
    );
    expect((await listed()).size).toBe(accepted.index + 1);
  });

  test('the old root key alone says nothing any more, nor does one of the new', async () => {
    const key = await generate('nobody');
    for (const alone of [centre.rootKeyFile, at('root-1.pem')]) {
      const words = await fails(
        1,
        ...[
          'keys',
          'add',
          '--server',
          centre.url,
          '--key',
          alone,
          '--public',
          key.file,
          '--role',
          'publisher',
        ],
      );
      expect(words).toMatch(/2 are needed/);
      expect(words).toContain('vitrine keys sign');
    }
    expect((await listed()).keys.some(({ keyid }) => keyid === key.keyid)).toBe(false);
  });

  test('a signature by a key that is none here spoils it, until it is taken off', async () => {
    const key = await generate('tool-1');
    const adding = ['keys', 'add', '--server', centre.url, '--public', key.file, '--role', 'publisher=tool'];
    const path = at('add-tool-1.json');
    await done(...adding, '--key', at('root-1.pem'), at('root-2.pem'), '--out', path);
    await done('keys', 'sign', path, '--key', at('nobody.pem'));
    expect(await fails(1, 'keys', 'submit', path, '--server', centre.url)).toContain('keys unsign');
    await done('keys', 'unsign', path, '--signer', at('nobody.pem'));
    await done('keys', 'submit', path, '--server', centre.url);
    expect((await keyOf(key.keyid)).roles).toEqual([{ role: 'publisher', products: ['tool'] }]);
  });

  test('a forged signature, a foreign statement and an altered file are refused', async () => {
    const path = at('forged.json');
    const key = await generate('forged');
    const adding = ['keys', 'add', '--server', centre.url, '--public', key.file, '--role', 'publisher'];
    await done(...adding, '--key', at('root-1.pem'), at('root-2.pem'), '--out', path);
    const { envelope } = parseStatementEnvelope(readFileSync(path));
    const [first, ...others] = envelope.signatures;
    if (first === undefined) throw new Error('the statement is signed');
    const forged = { keyid: first.keyid, sig: randomBytes(64) };
    writeFileSync(path, formatEnvelope({ ...envelope, signatures: [forged, ...others] }));
    expect(await fails(1, 'keys', 'submit', path, '--server', centre.url)).toContain('does not verify');

    const text = new TextDecoder().decode(formatEnvelope(envelope));
    writeFileSync(path, text.replace('{"payload"', '{ "payload"'));
    expect(await fails(1, 'keys', 'submit', path, '--server', centre.url)).toContain('canonical');
    writeFileSync(path, text.slice(0, 200));
    expect(await fails(1, 'keys', 'sign', path, '--key', at('root-1.pem'))).toContain('not a statement');
    writeFileSync(path, Buffer.alloc(100_000, 0x20));
    expect(await fails(1, 'keys', 'sign', path, '--key', at('root-1.pem'))).toContain('at most');

    // For another instance, though well signed.
    await done(
      ...['keys', 'add', '--log', 'elsewhere.example/keys', '--public', key.file, '--role', 'publisher'],
      ...['--key', at('root-1.pem'), at('root-2.pem'), '--out', at('elsewhere.json')],
    );
    expect(await fails(1, 'keys', 'submit', at('elsewhere.json'), '--server', centre.url)).toContain(
      'written for elsewhere.example/keys',
    );
    expect((await listed()).keys.some(({ keyid }) => keyid === key.keyid)).toBe(false);
  });

  test('two statements of one version at once: one counts, the other is told to be made again', async () => {
    const { policy } = await listed();
    const contenders: string[] = [];
    for (const name of ['one', 'two']) {
      const rules = at(`rules-${name}.json`);
      const more = { predicateType: `https://vitrine.dev/${name}/v1`, role: 'publisher', threshold: 1 };
      writeFileSync(rules, JSON.stringify([...policy.rules, more]));
      const path = at(`policy-${name}.json`);
      await done(
        ...['keys', 'policy', '--server', centre.url, '--rules', rules, '--out', path],
        ...['--key', at('root-1.pem'), at('root-2.pem')],
      );
      contenders.push(path);
    }
    const outcomes = await Promise.all(
      contenders.map((path) => vitrine('keys', 'submit', path, '--server', centre.url)),
    );
    expect(outcomes.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(outcomes.find(({ code }) => code === 1)?.err).toMatch(/make (it|this one) again/);
    const now = await listed('--policy', centre.policyFile);
    expect(now.policy.version).toBe(policy.version + 1);
    expect(now.refused).toEqual([]);
  });

  test('rules under which the centre could not go on are refused before they are signed', async () => {
    const { policy } = await listed();
    const rules = at('no-heads.json');
    const signing = ['--key', at('root-1.pem'), at('root-2.pem')];
    writeFileSync(rules, JSON.stringify(policy.rules.filter(({ role }) => role !== 'anchor')));
    const saying = ['keys', 'policy', '--server', centre.url, '--rules', rules, ...signing];
    expect(await fails(1, ...saying)).toContain('could not anchor its logs');
    const raised = policy.rules.map((rule) => (rule.role === 'anchor' ? { ...rule, threshold: 2 } : rule));
    writeFileSync(rules, JSON.stringify(raised));
    expect(await fails(1, ...saying)).toContain('could not anchor its logs');
    writeFileSync(rules, JSON.stringify(policy.rules));
    expect(await fails(1, ...saying)).toContain('in force already');
    writeFileSync(rules, '[{"predicateType": 5}]');
    expect(await fails(2, ...saying)).toContain('0.predicateType');
    const anchor = (await listed()).keys.find(({ roles }) => roles.some(({ role }) => role === 'anchor'));
    const ending = ['--revoke', anchor?.keyid ?? '', '--reason', 'retired', ...signing];
    expect(await fails(1, 'keys', 'revoke', '--server', centre.url, ...ending)).toContain('anchor.pem');
    expect((await listed()).policy).toEqual(policy);
  });

  test('a misspelt role is refused: a key is added only once', async () => {
    const words = await fails(
      1,
      ...['keys', 'add', '--server', centre.url, '--key', at('root-1.pem'), at('root-2.pem')],
      ...['--public', at('nobody.pem'), '--role', 'publsher'],
    );
    expect(words).toContain('only for');
  });
});

describe('who stands behind a key', () => {
  test('is committed to in the log, and shown by whoever has the file', async () => {
    const who = 'Alice Éxample, release engineering';
    const file = at('alice.holder');
    expect(await fails(2, 'keys', 'holder', 'Alice\u202e', '--out', at('nobody.holder'))).toContain(
      'not the holder of a key',
    );
    expect(existsSync(at('nobody.holder'))).toBe(false);
    const { commitment } = v.parse(
      v.object({ commitment: v.string() }),
      JSON.parse(await done('keys', 'holder', who, '--out', file, '--json')),
    );
    // The same as sha256sum says.
    expect(sha256(readFileSync(file))).toBe(commitment);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await fails(2, 'keys', 'holder', who, '--out', file)).toContain('is not written over');

    const [byFile, byCommitment] = [await generate('held-by-file'), await generate('held-by-commitment')];
    const adding = ['keys', 'add', '--server', centre.url, '--key', at('root-1.pem'), at('root-2.pem')];
    const as = ['--role', 'publisher=held', '--holder'];
    expect(await fails(2, ...adding, '--public', byFile.spki, ...as, byFile.file)).toContain(
      'not the holder of a key',
    );
    // What is signed and sent holds the commitment, and nothing of the name.
    const draft = ['keys', 'add', '--log', `${centre.name}/keys`, '--public', byFile.spki, ...as, file];
    await done(...draft, '--out', at('held.json'));
    expect(readFileSync(at('held.json'), 'utf8')).toContain(`"holder":"${commitment}"`);
    expect(readFileSync(at('held.json'), 'utf8')).not.toContain('Alice');
    const { code: exit, err } = await vitrine(...adding, '--public', byFile.spki, ...as, file);
    expect(exit).toBe(0);
    expect(err).toContain(who);
    expect(err).toContain(commitment);
    await done(...adding, '--public', byCommitment.spki, ...as, 'd'.repeat(64));
    expect(await keyOf(byFile.keyid)).toMatchObject({ holder: commitment, heldBy: null });
    expect(await keyOf(byCommitment.keyid)).toMatchObject({ holder: 'd'.repeat(64), heldBy: null });

    const shown = await listed('--policy', centre.policyFile, '--holder', file);
    expect(shown.keys.filter(({ heldBy }) => heldBy === who).map(({ keyid }) => keyid)).toEqual([
      byFile.keyid,
    ]);
    expect(await done('keys', 'list', '--server', centre.url, '--holder', file)).toContain(`held by ${who}`);
    // Of somebody else, or the same with another salt.
    await done('keys', 'holder', who, '--out', at('again.holder'));
    expect(await fails(1, 'keys', 'list', '--server', centre.url, '--holder', at('again.holder'))).toContain(
      'no key of',
    );
  });
});

describe('witnesses', () => {
  const vkey = (name: string) => formatVkey({ name, type: 0x04, publicKey: newSigner().spki.slice(-32) });
  const north = { witness: vkey('north.example/witness'), mirror: vkey('north.example/mirror') };
  const south = { witness: vkey('south.example/witness'), mirror: vkey('south.example/mirror') };
  const roots = () => ['--key', at('root-1.pem'), at('root-2.pem')];
  const saying = () => ['keys', 'witnesses', '--server', centre.url];
  const both = [
    ...['--witness', `north.example=${north.witness}@https://north.example/witness`],
    ...['--witness', `south.example=${south.witness}`, '--quorum', '2'],
    ...['--mirror', `north.example=${north.mirror}`, '--mirror', `south.example=${south.mirror}`],
  ];

  test('are named with their operators, in words first, and make the next policy', async () => {
    const before = await listed();
    expect(before.witnesses).toMatchObject({ version: 1, quorum: 1, mirrorQuorum: 0 });
    const { code: exit, err } = await vitrine(...saying(), ...both, '--mirror-quorum', '1', ...roots());
    expect(exit).toBe(0);
    expect(err).toContain('by the witnesses of 2 of these operators');
    expect(err).toContain('by the mirrors of 1 of these operators');
    expect(err).toContain(`north.example  ${north.witness}  https://north.example/witness`);
    const now = await listed('--policy', centre.policyFile);
    expect(now.witnesses).toMatchObject({ version: 2, quorum: 2, mirrorQuorum: 1 });
    expect(now.witnesses.witnesses).toContainEqual({
      kind: 'mirror',
      operator: 'south.example',
      url: null,
      vkey: south.mirror,
    });
    expect(await fails(1, ...saying(), ...both, '--mirror-quorum', '1', ...roots())).toContain(
      'in force already',
    );

    const next = at('next-policy.txt');
    expect(await fails(2, 'keys', 'list', '--server', centre.url, '--policy-out', next)).toContain(
      '--policy-out needs --policy',
    );
    const listing = ['keys', 'list', '--server', centre.url, '--policy', centre.policyFile];
    await done(...listing, '--policy-out', next);
    const policy = parseVerificationPolicy(readFileSync(next, 'utf8'));
    expect(policy.keysEntry0).toBe(parseVerificationPolicy(centre.policy).keysEntry0);
    expect(policy.operators.get('south.example/mirror')).toBe('south.example');
    expect(policy.tlog.quorum).toMatchObject({ kind: 'group', threshold: 2 });
    // Nobody of them has cosigned anything yet, and the policy insists.
    expect(await fails(1, 'keys', 'list', '--server', centre.url, '--policy', next)).toContain('quorum');
    expect(await fails(2, ...listing, '--policy-out', next)).toContain('is not written over');
  });

  test('that prove little are warned of, those that prove nothing are refused', async () => {
    const own = ['--witness', `${centre.name}=${vkey(`${centre.name}/cosigner-2`)}`, '--quorum', '1'];
    const path = at('own-witnesses.json');
    const drafting = ['keys', 'witnesses', '--log', `${centre.name}/keys`, '--as-version', '3'];
    const { code: exit, err } = await vitrine(...drafting, ...own, '--out', path);
    expect(exit).toBe(0);
    expect(err).toContain(`the keys of ${centre.name} itself meet this quorum`);
    expect(err).toContain('no mirror must cosign');
    const refusals: [string, string[]][] = [
      ['--mirror-quorum', both],
      ['larger than the number of operators', [...both, '--mirror-quorum', '3']],
      ['OPERATOR=VKEY', ['--witness', north.witness, '--quorum', '1']],
      ['OPERATOR=VKEY', ['--witness', `north=${north.witness}x`, '--quorum', '1']],
      ['the key of a log', ['--witness', `north=${centre.vkey}`, '--quorum', '1']],
      ['a query', ['--witness', `north=${north.witness}@https://north/?a`, '--quorum', '1']],
      [
        'the same key name',
        [
          ...['--witness', `north=${north.witness}`, '--witness', `north=${vkey('north.example/witness')}`],
          ...['--quorum', '1'],
        ],
      ],
    ];
    for (const [reason, args] of refusals)
      expect(await fails(2, ...drafting, ...args, '--out', at('none.json'))).toContain(reason);
    expect(existsSync(at('none.json'))).toBe(false);
  });

  test('can be named as they were, so that the centre’s own policy says it all again', async () => {
    const [, name = '', own = ''] = /^witness (\S+) (\S+)$/m.exec(centre.policy) ?? [];
    expect(name).toBe('self');
    await done(...saying(), '--witness', `${centre.name}=${own}`, '--quorum', '1', ...roots());
    const { witnesses } = await listed('--policy', centre.policyFile);
    expect(witnesses).toMatchObject({ version: 3, quorum: 1, mirrorQuorum: 0 });
  });
});

describe('rotation', () => {
  let first: Awaited<ReturnType<typeof released>>;
  let second: Awaited<ReturnType<typeof released>>;

  test('the successor must sign; then releases by the old key stand, and the successor alone publishes', async () => {
    first = await released('1.0', at('tool-1.pem'));
    const successor = await generate('tool-2');
    const path = at('rotate.json');
    const rotating = ['keys', 'rotate', '--server', centre.url, '--key', at('tool-1.pem'), '--successor'];
    await done(...rotating, successor.spki, '--out', path);
    expect(await fails(1, 'keys', 'submit', path, '--server', centre.url)).toContain('the successor');
    await done(...rotating, successor.file);
    const old = await keyOf(await keyidIn('tool-1'));
    expect(old).toMatchObject({ ended: { by: 'rotated' }, successor: successor.keyid });
    expect((await keyOf(successor.keyid)).roles).toEqual([{ role: 'publisher', products: ['tool'] }]);

    const late = await release('1.1', at('tool-1.pem'));
    expect(late.code).toBe(1);
    expect(existsSync(late.evidence)).toBe(false);
    second = await released('2.0', successor.file);

    // Twice is once too often, and an ended key hands nothing on.
    const again = await generate('tool-again');
    expect(await fails(1, ...rotating, again.file)).toContain('had ended');
  });

  test('evidence for both verifies offline, made before or after', async () => {
    for (const { artifact, evidence } of [first, second])
      expect((await verify(artifact, '--evidence', evidence)).code).toBe(0);
    expect((await verify(first.artifact, '--server', centre.url)).code).toBe(0);
    const before = parseEvidence(readFileSync(first.evidence)).keys.leaves.length;
    await done('evidence', 'refresh', first.evidence, '--server', centre.url, '--policy', centre.policyFile);
    expect(parseEvidence(readFileSync(first.evidence)).keys.leaves.length).toBeGreaterThan(before);
    await centre.stop();
    try {
      for (const { artifact, evidence } of [first, second])
        expect((await verify(artifact, '--evidence', evidence)).code).toBe(0);
    } finally {
      await centre.restart();
    }
  });

  describe('and compromise', () => {
    test('voids what the key signed from an entry on: fresh evidence refuses, the old says what was true then', async () => {
      const third = await released('3.0', at('tool-2.pem'));
      expect((await verify(third.artifact, '--server', centre.url)).code).toBe(0);
      const keyid = await keyidIn('tool-2');
      const revoking = [
        ...['keys', 'revoke', '--server', centre.url, '--revoke', keyid, '--reason', 'compromised'],
        ...['--key', at('root-2.pem'), at('root-3.pem')],
      ];
      expect(await fails(2, ...revoking)).toContain('--valid-below');
      expect(await fails(1, ...revoking, '--valid-below', '999999')).toContain('do not exist yet');
      const { code, err } = await vitrine(...revoking, '--valid-below', String(third.index));
      expect(code).toBe(0);
      // What it costs is shown before it is signed: the release and its artifact, nothing of 2.0.
      expect(err).toContain('2 of the root log’s statements become void');
      expect(err).toContain('Release 3.0 of tool');
      expect(err).not.toContain('Release 2.0 of tool');
      expect(await keyOf(keyid)).toMatchObject({ ended: { by: 'compromised' }, voidFrom: third.index });

      expect((await verify(third.artifact, '--server', centre.url)).code).toBe(1);
      expect((await verify(third.artifact, '--evidence', third.evidence)).code).toBe(0);
      expect(
        (
          await vitrine(
            'evidence',
            'refresh',
            third.evidence,
            '--server',
            centre.url,
            '--policy',
            centre.policyFile,
          )
        ).code,
      ).toBe(1);
      for (const { artifact, evidence } of [first, second]) {
        expect((await verify(artifact, '--server', centre.url)).code).toBe(0);
        expect((await verify(artifact, '--evidence', evidence)).code).toBe(0);
      }
      expect((await release('3.1', at('tool-2.pem'))).code).toBe(1);
    });

    test('can be moved down, never up, and never by the key itself', async () => {
      const keyid = await keyidIn('tool-2');
      const { voidFrom } = await keyOf(keyid);
      const revoking = [
        'keys',
        'revoke',
        '--server',
        centre.url,
        '--revoke',
        keyid,
        '--reason',
        'compromised',
      ];
      const signing = ['--key', at('root-2.pem'), at('root-3.pem')];
      const size = (await centre.api.call('log', { params: { log: 'statements' } })).size;
      expect(await fails(1, ...revoking, ...signing, '--valid-below', String(size))).toContain(
        'already void',
      );
      await fails(1, ...revoking, '--key', at('tool-2.pem'), '--valid-below', '0');
      expect((await keyOf(keyid)).voidFrom).toBe(voidFrom);
    });
  });
});

describe('a lost key', () => {
  test('is replaced by the root keys and its successor, which sign on machines of their own, in any order', async () => {
    const lost = await generate('lost');
    const roots = ['--key', at('root-1.pem'), at('root-2.pem')];
    await done(
      ...['keys', 'add', '--server', centre.url, ...roots, '--public', lost.spki, '--role', 'publisher=lost'],
    );
    const successor = await generate('found');
    const path = at('replace.json');
    await done(
      ...['keys', 'rotate', '--log', `${centre.name}/keys`, '--rotate', lost.keyid],
      ...['--successor', successor.spki, '--out', path],
    );
    await done('keys', 'sign', '--key', at('root-3.pem'), path);
    expect(await fails(1, 'keys', 'submit', path, '--server', centre.url)).toContain('the successor');
    await done('keys', 'sign', '--key', successor.file, path);
    expect(await fails(1, 'keys', 'submit', path, '--server', centre.url)).toContain('2 are needed');
    await done('keys', 'sign', path, '--key', at('root-1.pem'));
    // Both of those who hold the file send it.
    const both = await Promise.all([1, 2].map(() => said('keys', 'submit', path)));
    expect(new Set(both.map(({ accepted }) => accepted.index)).size).toBe(1);
    expect((await keyOf(lost.keyid)).successor).toBe(successor.keyid);
    expect((await listed('--policy', centre.policyFile)).refused).toEqual([]);
  });

  test('revoked as compromised in a file: what that voids is shown before it is sent', async () => {
    const path = at('revoke-found.json');
    const found = await keyidIn('found');
    const revoking = ['keys', 'revoke', '--log', `${centre.name}/keys`, '--revoke', found];
    const signing = ['--key', at('root-1.pem'), at('root-2.pem')];
    await done(...revoking, ...signing, '--reason', 'compromised', '--valid-below', '999999', '--out', path);
    expect(await fails(1, 'keys', 'submit', path, '--server', centre.url)).toContain('do not exist yet');
    expect(await fails(2, ...revoking, ...signing, '--reason', 'retired', '--out', path)).toContain(
      'not written over',
    );
    rmSync(path);
    await done(...revoking, ...signing, '--reason', 'compromised', '--valid-below', '0', '--out', path);
    const { code, err } = await vitrine('keys', 'submit', path, '--server', centre.url);
    expect(code).toBe(0);
    expect(err).toContain('signed nothing in the root log');
  });
});

describe('a disposal', () => {
  test('asks first, needs the role, and then the object is gone and the vault sound', async () => {
    const roots = ['--key', at('root-1.pem'), at('root-2.pem')];
    for (const [name, role] of [
      ['publisher', 'publisher=tool'],
      ['custodian', 'custodian=tool'],
    ] as const) {
      const key = await generate(name);
      await done('keys', 'add', '--server', centre.url, ...roots, '--public', key.file, '--role', role);
    }
    const { artifact, evidence } = await released('4.0', at('publisher.pem'));
    const digest = sha256(readFileSync(artifact));
    const content = () => centre.api.call('artifactContent', { params: { sha256: digest } });
    expect(await (await content()).text()).toBe('the program tool, 4.0');

    const list = at('objects.txt');
    writeFileSync(list, `# what sha256sum prints\n${digest}  ${artifact}\n\n${digest}\n`);
    const disposing = ['publish', 'disposal', '--server', centre.url, '--product', 'tool', '--key'];
    const what = ['--object-list', list, '--reason', 'it names a person'];
    const asked = await fails(2, ...disposing, at('custodian.pem'), ...what);
    expect(asked).toContain('cannot be undone');
    expect(asked).toContain('tool-4.0.bin of tool 4.0');
    expect(asked).toContain('--yes');
    expect(await fails(1, ...disposing, at('publisher.pem'), ...what, '--yes')).toContain('custodian');
    expect(await fails(2, ...disposing, at('custodian.pem'), '--object', 'abc', '--reason', 'x')).toContain(
      'SHA-256',
    );
    expect(await (await content()).text()).toBe('the program tool, 4.0');

    const report = v.parse(
      v.object({ objects: v.number(), stillHeld: v.array(v.string()), list: v.string() }),
      JSON.parse(await done(...disposing, at('custodian.pem'), ...what, '--yes', '--json')),
    );
    expect(report).toMatchObject({ objects: 1, stillHeld: [] });
    const codeOf = async (call: Promise<unknown>) =>
      call.then(
        () => undefined,
        (thrown: unknown) => (thrown instanceof ApiError ? thrown.problem?.code : thrown),
      );
    expect(await codeOf(content())).toBe('object-disposed');
    // Which objects is a secret.
    expect(await codeOf(centre.api.call('body', { params: { sha256: report.list } }))).toBe('not-found');

    // The statement stands: whoever has the file still verifies it.
    expect((await verify(artifact, '--evidence', evidence)).code).toBe(0);
    expect((await verify(artifact, '--server', centre.url)).code).toBe(0);

    await centre.stop();
    try {
      expect(JSON.parse(await done('vault', 'check', '--data', centre.dir, '--json'))).toMatchObject({
        ok: true,
      });
    } finally {
      await centre.restart();
    }
    expect(await codeOf(content())).toBe('object-disposed');
  });

  test('of what another product has too needs the role for that product', async () => {
    const { code, artifact } = await release('1.0', centre.rootKeyFile, 'other');
    expect(code).toBe(0);
    const digest = sha256(readFileSync(artifact));
    const disposing = [
      'publish',
      'disposal',
      '--server',
      centre.url,
      '--object',
      digest,
      '--reason',
      'x',
      '--yes',
    ];
    const words = await fails(1, ...disposing, '--product', 'tool', '--key', at('custodian.pem'));
    expect(words).toContain('warning: the product other names it too');
    expect(words).toContain('may not have objects of other ended');
    const content = await centre.api.call('artifactContent', { params: { sha256: digest } });
    expect(await content.text()).toBe('the program other, 1.0');
    // The first root key is a custodian of every product.
    await done(...disposing, '--product', 'tool', '--key', centre.rootKeyFile);
    expect((await centre.api.call('artifact', { params: { sha256: digest } })).held).toBe(false);
  });
});

describe('the key that anchors', () => {
  test('is kept by the centre itself, whatever enough root keys sign and whoever sends it', async () => {
    const { log, policy, keys, size } = await listed();
    const roots = ['--key', at('root-1.pem'), at('root-2.pem')];
    const anchor = keys.find(({ roles }) => roles.some(({ role }) => role === 'anchor'))?.keyid ?? '';
    const rules = at('headless.json');
    writeFileSync(rules, JSON.stringify(policy.rules.filter(({ role }) => role !== 'anchor')));
    const version = String(policy.version + 1);
    const saying = {
      retired: ['revoke', '--revoke', anchor, '--reason', 'retired'],
      compromised: ['revoke', '--revoke', anchor, '--reason', 'compromised', '--valid-below', '0'],
      headless: ['policy', '--rules', rules, '--as-version', version],
    };
    const envelopes: string[] = [];
    for (const [name, words] of Object.entries(saying)) {
      const path = at(`stop-${name}.json`);
      // Without a server nothing tells the command what would come of it.
      await done('keys', ...words, '--log', log, ...roots, '--out', path);
      expect(await fails(1, 'keys', 'submit', path, '--server', centre.url)).toContain(
        'could not anchor its logs',
      );
      envelopes.push(readFileSync(path, 'utf8'));
    }
    const innocent = await generate('beside-the-end');
    const path = at('beside-the-end.json');
    await done(
      ...['keys', 'add', '--log', log, ...roots, '--public', innocent.spki, '--role', 'publisher=tool'],
      ...['--out', path],
    );
    for (const envelope of envelopes) {
      const body = {
        log: 'keys' as const,
        envelopes: [readFileSync(path, 'utf8'), envelope],
        bodies: [],
      };
      // All or none: what stands beside it is not registered either.
      expect(await code(centre.api.call('registerStatements', { body }))).toBe('would-stop-anchoring');
    }
    expect((await listed()).size).toBe(size);
    await done('keys', 'submit', path, '--server', centre.url);
  });

  test('is replaced by adding, swapping the file, and retiring: the centre goes on', async () => {
    const roots = ['--key', at('root-1.pem'), at('root-2.pem')];
    const old = (await listed()).keys.find(({ roles }) => roles.some(({ role }) => role === 'anchor'));
    const next = await generate('anchor-2');
    await done('keys', 'add', '--server', centre.url, ...roots, '--public', next.file, '--role', 'anchor');
    // Only the centre knows which of the two it signs with.
    const early = ['--revoke', old?.keyid ?? '', '--reason', 'retired'];
    expect(await fails(1, 'keys', 'revoke', '--server', centre.url, ...roots, ...early)).toContain(
      'would-stop-anchoring',
    );
    await centre.stop();
    writeFileSync(join(centre.dir, 'keys', 'anchor.pem'), readFileSync(next.file));
    chmodSync(join(centre.dir, 'keys', 'anchor.pem'), 0o600);
    await centre.restart();
    await done(
      ...['keys', 'revoke', '--server', centre.url, ...roots],
      ...['--revoke', old?.keyid ?? '', '--reason', 'retired'],
    );
    const { artifact, evidence } = await released('5.0', at('publisher.pem'));
    expect((await verify(artifact, '--evidence', evidence)).code).toBe(0);
    const latest = await generate('after-the-anchor');
    await done(
      'keys',
      'add',
      '--server',
      centre.url,
      ...roots,
      '--public',
      latest.file,
      '--role',
      'publisher=tool',
    );
    await released('5.1', latest.file);
    expect((await listed('--policy', centre.policyFile)).refused).toEqual([]);
  });

  test('is replaced while the answer to a publication is lost: what was registered under the old one is accepted again', async () => {
    const other = await startCentre({ name: 'anchored.example' });
    const publishing = ['--key', other.rootKeyFile, '--product', 'tool', '--release', '1.0'];
    const withdrawing = ['publish', 'withdraw', ...publishing, '--reason', 'a mistake', '--json'];
    async function replaceAnchor(by: string): Promise<void> {
      const root = ['--server', other.url, '--key', other.rootKeyFile];
      const list = await done('keys', 'list', '--server', other.url, '--json');
      const old = v
        .parse(ListSchema, JSON.parse(list))
        .keys.find(({ ended, roles }) => ended === null && roles.some(({ role }) => role === 'anchor'));
      const next = await generate(by);
      await done('keys', 'add', ...root, '--public', next.file, '--role', 'anchor');
      await other.stop();
      writeFileSync(join(other.dir, 'keys', 'anchor.pem'), readFileSync(next.file));
      await other.restart();
      const ending = ['--revoke', old?.keyid ?? '', '--reason', 'retired'];
      await done('keys', 'revoke', '--server', other.url, '--key', other.rootKeyFile, ...ending);
    }
    // Stands between publisher and centre, and loses the answer to the first commit.
    let lost: Promise<void> | undefined;
    const between = createServer((incoming, response) => {
      const { method, headers, url = '/' } = incoming;
      const forwarded = request(new URL(url, other.url), { method, headers }, (answer) => {
        if (lost === undefined && url.endsWith('/commit')) {
          answer.resume();
          lost = replaceAnchor('anchored-2').finally(() => incoming.socket.destroy());
          return;
        }
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      // The centre is away for a moment.
      forwarded.on('error', () => incoming.socket.destroy());
      incoming.pipe(forwarded);
    });
    try {
      between.listen(0, '127.0.0.1');
      await once(between, 'listening');
      const address = between.address();
      if (address === null || typeof address === 'string') throw new Error('the server has no port');
      const artifact = at('anchored.bin');
      writeFileSync(artifact, randomBytes(100));
      const source = mkdtempSync(at('anchored-'));
      writeFileSync(join(source, 'README'), 'the source');
      const out = await done(
        ...['publish', 'release', '--server', `http://127.0.0.1:${address.port}`, ...publishing],
        ...['--source', source, '--artifact', artifact, '--json'],
        ...['--evidence-out', folder],
      );
      await lost;
      const accepted = v.array(v.object({ duplicate: v.boolean(), acceptance: v.string() }));
      const answers = v.parse(v.object({ accepted }), JSON.parse(out)).accepted;
      expect(answers.map(({ duplicate }) => duplicate)).toEqual([true, true]);
      const evidence = `${artifact}.evidence`;
      await done('verify', artifact, '--policy', other.policyFile, '--evidence', evidence);

      // Sent again, and again after the next change.
      await done(...withdrawing, '--server', other.url);
      await replaceAnchor('anchored-3');
      const again = v.object({ accepted: v.object({ duplicate: v.boolean() }) });
      expect(v.parse(again, JSON.parse(await done(...withdrawing, '--server', other.url)))).toEqual({
        accepted: { duplicate: true },
      });
    } finally {
      between.closeAllConnections();
      between.close();
      await other.dispose();
    }
  });
});
