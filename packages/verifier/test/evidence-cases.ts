// Evidence, good and hostile, and what must come of it. The attacker of most cases runs the server and holds the
// keys of the log and of its cosigner, and wants a verdict that is ok. vectors/evidence/ holds these cases for
// implementations in other languages.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import {
  formatArtifactList,
  formatLeaf,
  formatPublicKey,
  headStatement,
  keyAddStatement,
  keyRevokeStatement,
  keyRotateStatement,
  parseLeaf,
  rootKeysStatement,
  withdrawalStatement,
} from '@vitrine/statements';
import { encodeBase64, encodeHex, hashLeaf, rootOfLeaves } from '@vitrine/tlog';
import { type TestSigner, testSigner } from '../../statements/test/test-signer.ts';
import { type CheckName, type FileFacts, formatEvidence } from '../src/index.ts';
import {
  at,
  FILE,
  hexSha256,
  MINUTE_MS,
  noteKey,
  REASON,
  SignedWorld,
  START_MS,
  vkeyOf,
  WITNESSED,
} from './signed-world.ts';

export interface EvidenceCase {
  readonly name: string;
  /** What is tried, in words. */
  readonly description: string;
  /** The evidence file's text. */
  readonly evidence: string;
  readonly policy: string;
  readonly file?: FileFacts;
  readonly nowMs: number;
  readonly maxAgeMs?: number;
  readonly expected: {
    readonly ok: boolean;
    /** The first check that does not hold, and a part of its reason. */
    readonly check?: CheckName;
    readonly reason?: string;
  };
}

type Draft = Omit<EvidenceCase, 'nowMs' | 'evidence' | 'expected'> & {
  readonly nowMs?: number;
  readonly evidence: Uint8Array | string;
  readonly refusedBy?: readonly [CheckName, string];
};

const DAY_MS = 86_400_000;
const LIST = formatArtifactList([FILE]);

function finish({ evidence, refusedBy, ...draft }: Draft): EvidenceCase {
  return {
    nowMs: START_MS + DAY_MS,
    ...draft,
    evidence: typeof evidence === 'string' ? evidence : text(evidence),
    expected:
      refusedBy === undefined ? { ok: true } : { ok: false, check: refusedBy[0], reason: refusedBy[1] },
  };
}

function text(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** A world with hello 2.10-3 and its artifact: entries 0 and 1 of the root log. */
async function published(options: Parameters<typeof SignedWorld.create>[0] = {}): Promise<SignedWorld> {
  const world = await SignedWorld.create(options);
  await world.publishArtifact(await world.publishRelease());
  return world;
}

/** All cases, always the same. */
export async function evidenceCases(): Promise<readonly EvidenceCase[]> {
  const drafts = await Promise.all([
    good(),
    aboutTheFile(),
    aboutThePolicy(),
    aboutTheFormat(),
    aboutTheKeysLog(),
    aboutKeys(),
    aboutTheRootLog(),
    aboutTheRelease(),
    aboutWithdrawals(),
    aboutTime(),
  ]);
  return drafts.flat().map(finish);
}

async function good(): Promise<Draft[]> {
  const world = await published();
  await world.publishRelease({ product: 'other', version: '1' });
  const policy = world.policy();
  const evidence = world.evidence([1, 0]);
  const witnesses = ['acme.example/cosigner', 'w1.example', 'w3.example'] as const;
  const rotated = await SignedWorld.create();
  const successor = testSigner('successor');
  await rotated.appendKeys(
    keyRotateStatement({
      key: rotated.publisher.keyid,
      log: rotated.keysOrigin,
      successor: formatPublicKey(successor),
    }),
    [rotated.publisher, successor],
  );
  await rotated.publishArtifact(await rotated.publishRelease({ signers: [successor] }), {
    signers: [successor],
  });
  const release = await SignedWorld.create();
  await release.publishRelease();
  return [
    { name: 'good-artifact', description: 'an artifact and its file', evidence, policy, file: FILE },
    { name: 'good-artifact-without-file', description: 'an artifact, no file to compare', evidence, policy },
    {
      name: 'good-file-of-another-name',
      description: 'the file was renamed: its bytes are what counts',
      evidence,
      policy,
      file: { ...FILE, name: 'download.bin' },
    },
    {
      name: 'good-witnessed',
      description: 'a quorum of two of four keys, three cosigned',
      evidence: world.evidence([1, 0], {
        rootCheckpoint: world.checkpoint('statements', { cosigners: witnesses }),
        keysCheckpoint: world.checkpoint('keys', { cosigners: witnesses }),
      }),
      policy: world.policy(WITNESSED),
      file: FILE,
    },
    {
      name: 'good-rotated-publisher',
      description: 'signed by the successor of the first publisher key',
      evidence: rotated.evidence([1, 0]),
      policy: rotated.policy(),
      file: FILE,
    },
    {
      name: 'good-release',
      description: 'evidence about a release, without an artifact',
      evidence: release.evidence([0], { bodies: [] }),
      policy: release.policy(),
    },
    {
      name: 'good-within-max-age',
      description: 'the policy sets a greatest age, and the view is younger',
      evidence,
      policy: world.policy({ maxAgeMs: 30 * DAY_MS }),
      file: FILE,
    },
  ];
}

async function aboutTheFile(): Promise<Draft[]> {
  const world = await published();
  const [evidence, policy] = [world.evidence([1, 0]), world.policy()];
  return [
    {
      name: 'evidence-of-another-file',
      description: 'good evidence beside a file that it is not about',
      evidence,
      policy,
      file: { ...FILE, sha256: hexSha256(utf8ToBytes('a back door')) },
      refusedBy: ['file', 'SHA-256'],
    },
    {
      name: 'file-of-another-size',
      description: 'a size that does not go with the digest',
      evidence,
      policy,
      file: { ...FILE, sizeBytes: FILE.sizeBytes + 1 },
      refusedBy: ['file', 'bytes'],
    },
    {
      name: 'release-beside-a-file',
      description: 'evidence about the release is no evidence about a file',
      evidence: world.evidence([0]),
      policy,
      file: FILE,
      refusedBy: ['file', 'not about a file'],
    },
  ];
}

async function aboutThePolicy(): Promise<Draft[]> {
  const world = await published();
  const evidence = world.evidence([1, 0]);
  const policy = world.policy();
  const without = (start: string): string =>
    policy
      .split('\n')
      .filter((line) => !line.startsWith(start))
      .join('\n');
  const refused = (name: string, description: string, changed: string, reason: string): Draft => ({
    name,
    description,
    evidence,
    policy: changed,
    file: FILE,
    refusedBy: ['policy', reason],
  });
  const pin = '#vitrine keys-entry-0';
  return [
    refused('policy-without-a-pin', 'no keys-entry-0 line', without(pin), 'no line "#vitrine keys-entry-0'),
    refused(
      'policy-with-a-commented-pin',
      'the pin stands in a plain comment',
      policy.replace(pin, '# vitrine keys-entry-0'),
      'no line "#vitrine keys-entry-0',
    ),
    refused(
      'policy-with-two-pins',
      'which one would hold?',
      `${policy}${pin} ${'0'.repeat(64)}\n`,
      'stands twice',
    ),
    refused(
      'policy-with-an-unknown-rule',
      'a rule that is not understood must not be skipped',
      `${policy}#vitrine min-reviews 2\n`,
      'must not be skipped',
    ),
    refused(
      'policy-with-a-misspelt-rule',
      'a rule without the space',
      `${policy}#vitrinemax-age 1d\n`,
      'begins with "#vitrine" and a space',
    ),
    refused(
      'policy-with-a-malformed-age',
      'an age that would read as none',
      `${policy}#vitrine max-age 0d\n`,
      'a duration is',
    ),
    refused(
      'policy-with-an-unknown-operator-key',
      'an operator line that names no key of the policy',
      `${policy}#vitrine operator north w9.example\n`,
      'no log or witness line has',
    ),
    refused(
      'policy-with-quorum-none',
      'nobody vouches for a time',
      without('witness').replace('quorum self', 'quorum none'),
      'quorum none',
    ),
    refused(
      'policy-with-one-log',
      'without the keys log nothing can be admitted',
      without(`log ${vkeyOf(world.keysOrigin, 0x01)}`),
      'two log lines',
    ),
    refused('policy-truncated', 'the last line has no newline', policy.slice(0, -1), 'newline'),
    refused('policy-empty', 'an empty policy', '', 'policy'),
    {
      name: 'policy-of-another-instance',
      description: 'another vendor’s policy',
      evidence,
      policy: policy
        .replaceAll(vkeyOf('acme.example/statements', 0x01), vkeyOf('evil.example/statements', 0x01))
        .replaceAll(vkeyOf('acme.example/keys', 0x01), vkeyOf('evil.example/keys', 0x01)),
      file: FILE,
      refusedBy: ['keys-log', 'no log of the policy'],
    },
  ];
}

async function aboutTheFormat(): Promise<Draft[]> {
  const world = await published();
  const policy = world.policy();
  const good = text(world.evidence([1, 0]));
  const refused = (name: string, description: string, evidence: string, reason: string): Draft => ({
    name,
    description,
    evidence,
    policy,
    file: FILE,
    refusedBy: ['evidence', reason],
  });
  const swapSpare = (leaf: string): string => leaf.replace(/([A-Za-z0-9+/])==$/, 'B==');
  const [firstLeaf = ''] = /(?<="leaf":")[^"]+(?===")/.exec(good) ?? [];
  return [
    refused('empty', 'no bytes at all', '', 'not JSON'),
    refused('not-json', 'a truncated file', good.slice(0, -10), 'not JSON'),
    refused('null', 'JSON that is no object', 'null', 'does not say that it is evidence'),
    refused('deep-json', 'nested ten thousand deep', '['.repeat(10_000), 'deeper'),
    refused('byte-order-mark', 'a byte order mark before the file', `\ufeff${good}`, 'not JSON'),
    refused('white-space', 'a newline after the file', `${good}\n`, 'canonical'),
    refused(
      'duplicate-member',
      'keys stands twice: each reader would take another',
      good.replace('"keys":', '"keys":{"checkpoint":"","leaves":[]},"keys":'),
      'canonical',
    ),
    refused(
      'unsorted-members',
      'format moved to the front',
      good.replace(/^\{(.*)"format":"([^"]*)",/, '{"format":"$2",$1'),
      'canonical',
    ),
    refused(
      'escaped-member',
      'a second spelling of a letter',
      good.replace('"format"', '"\\u0066ormat"'),
      'canonical',
    ),
    refused(
      'half-a-surrogate',
      'text that has no UTF-8',
      good.replace('"statements":[{"leaf":"', '"statements":[{"leaf":"\\ud800'),
      'canonical',
    ),
    refused(
      'unknown-member',
      'a member that this version does not know',
      good.replace('"format":', '"extension":1,"format":'),
      'unknown member',
    ),
    refused(
      'prototype-member',
      'a member named like the prototype',
      good.replace('{"bodies"', '{"__proto__":{},"bodies"'),
      'unknown member',
    ),
    refused(
      'newer-format',
      'evidence of a later format',
      good.replace('evidence/v1', 'evidence/v2'),
      'format',
    ),
    refused(
      'no-statements',
      'an empty list of statements',
      good.replace(/"statements":\[.*\]\}$/, '"statements":[]}'),
      'statements',
    ),
    refused('leaf-in-url-base64', 'the other alphabet', good.replace('"leaf":"', '"leaf":"_'), 'base64'),
    refused(
      'leaf-with-stray-bits',
      'a second spelling of the same leaf',
      good.replace(`${firstLeaf}==`, swapSpare(`${firstLeaf}==`)),
      'base64',
    ),
    refused(
      'proof-with-extra',
      'unauthenticated data in a proof',
      good.replaceAll('tlog-proof@v1\\n', 'tlog-proof@v1\\nextra AAAA\\n'),
      'extra',
    ),
    refused('proof-malformed', 'an index with a leading zero', good.replace('index 1', 'index 01'), 'index'),
    refused(
      'body-that-nothing-names',
      'a body smuggled in',
      good.replace('"bodies":["', '"bodies":["AAAA","'),
      'names body',
    ),
    refused(
      'body-twice',
      'the same body again',
      good.replace('"bodies":[', `"bodies":["${encodeBase64(LIST)}",`),
      'twice',
    ),
    refused('statement-twice', 'the same entry again', text(world.evidence([1, 1, 0])), 'twice'),
    refused(
      'statement-without-a-place',
      'another artifact in the place of a withdrawal',
      text(world.evidence([0, 1])),
      'no withdrawal',
    ),
  ];
}

async function aboutTheKeysLog(): Promise<Draft[]> {
  const world = await published();
  const policy = world.policy();
  const refused = (name: string, description: string, evidence: Uint8Array, reason: string): Draft => ({
    name,
    description,
    evidence,
    policy,
    file: FILE,
    refusedBy: ['keys-log', reason],
  });
  const good = world.evidenceParts([1, 0]);
  const evil = testSigner('evil root');
  const other = await published({ rootSigners: [evil] });
  const revoked = await published();
  await revoked.appendKeys(
    keyRevokeStatement({
      key: revoked.publisher.keyid,
      log: revoked.keysOrigin,
      reason: 'compromised',
      validBelow: 0,
    }),
  );
  const backwards = await published();
  await backwards.addKey(testSigner('late'), 'publisher');
  const early = at(backwards.keysLeaves, 4);
  backwards.keysLeaves[4] = formatLeaf({ registeredAtMs: START_MS - 1, envelope: parseLeaf(early).envelope });
  const future = await published();
  await future.addKey(testSigner('late'), 'publisher');
  const late = at(future.keysLeaves, 4);
  future.keysLeaves[4] = formatLeaf({
    registeredAtMs: START_MS + 30 * DAY_MS,
    envelope: parseLeaf(late).envelope,
  });
  const swapped = [at(other.keysLeaves, 0), ...world.keysLeaves.slice(1)];
  return [
    refused(
      'own-keys',
      'a whole instance of the attacker’s, with its own root keys',
      other.evidence([1, 0]),
      'pins',
    ),
    refused(
      'entry-0-swapped',
      'another entry 0 under a checkpoint of the attacker’s',
      world.evidence([1, 0], { keysLeaves: swapped }),
      'pins',
    ),
    refused(
      'keys-log-truncated',
      'the revocation at the end left out under the checkpoint that has it',
      revoked.evidence([1, 0], {
        keysLeaves: revoked.keysLeaves.slice(0, -1),
        keysCheckpoint: revoked.checkpoint('keys'),
      }),
      'all are needed',
    ),
    refused(
      'keys-leaf-altered',
      'a leaf of the keys log that is not the one in the log',
      world.evidence([1, 0], {
        keysLeaves: world.keysLeaves.with(3, at(other.keysLeaves, 1)),
        keysCheckpoint: world.checkpoint('keys'),
      }),
      'not those of the signed keys log',
    ),
    refused(
      'keys-leaves-reordered',
      'two entries of the keys log exchanged',
      world.evidence([1, 0], {
        keysLeaves: [0, 1, 3, 2].map((i) => at(world.keysLeaves, i)),
        keysCheckpoint: world.checkpoint('keys'),
      }),
      'not those of the signed keys log',
    ),
    refused(
      'keys-log-empty',
      'no entries, under a checkpoint of size 0',
      world.evidence([1, 0], { keysLeaves: [] }),
      'pins',
    ),
    refused(
      'keys-checkpoint-not-cosigned',
      'the log signed it, nobody cosigned',
      world.evidence([1, 0], { keysCheckpoint: world.checkpoint('keys', { cosigners: [] }) }),
      'quorum',
    ),
    refused(
      'keys-checkpoint-of-the-root-log',
      'the root log’s checkpoint in the place of that of the keys log',
      world.evidence([1, 0], {
        keysLeaves: world.rootLeaves,
        keysCheckpoint: at(good.statements, 0).proof.checkpointNote,
      }),
      'another log',
    ),
    refused(
      'keys-log-backwards',
      'a keys log whose dates run backwards',
      backwards.evidence([1, 0]),
      'not sound',
    ),
    refused(
      'keys-log-in-the-future',
      'a keys entry dated long after its checkpoint',
      future.evidence([1, 0]),
      'dated after',
    ),
    {
      name: 'keys-checkpoint-stale',
      description: 'an older view of the keys log, from before a revocation',
      evidence: revoked.evidence([1, 0], {
        keysLeaves: revoked.keysLeaves.slice(0, -1),
        keysCheckpoint: revoked.checkpoint('keys', {
          leaves: revoked.keysLeaves.slice(0, -1),
          atMs: START_MS + 5 * MINUTE_MS,
        }),
      }),
      policy,
      file: FILE,
      refusedBy: ['keys-current', 'could be missing'],
    },
  ];
}

async function aboutKeys(): Promise<Draft[]> {
  const refused = (
    name: string,
    description: string,
    world: SignedWorld,
    reason: string,
    indices: readonly number[] = [1, 0],
  ): Draft => ({
    name,
    description,
    evidence: world.evidence(indices),
    policy: world.policy(),
    file: FILE,
    refusedBy: ['admitted', reason],
  });
  const log = 'acme.example/keys';
  const mallory = testSigner('mallory');

  const unknown = await SignedWorld.create();
  await unknown.publishArtifact(await unknown.publishRelease({ signers: [mallory] }), { signers: [mallory] });

  const selfAdded = await SignedWorld.create();
  await selfAdded.addKey(mallory, 'publisher');
  selfAdded.keysLeaves.pop();
  const addition = await SignedWorld.create({ rootSigners: [mallory] });
  await addition.addKey(mallory, 'publisher');
  selfAdded.keysLeaves.push(at(addition.keysLeaves, 4));
  await selfAdded.publishArtifact(await selfAdded.publishRelease({ signers: [mallory] }), {
    signers: [mallory],
  });

  const addedLater = await SignedWorld.create();
  await addedLater.publishArtifact(await addedLater.publishRelease({ signers: [mallory] }), {
    signers: [mallory],
  });
  await addedLater.addKey(mallory, 'publisher');

  const retired = await SignedWorld.create();
  await retired.appendKeys(keyRevokeStatement({ key: retired.publisher.keyid, log, reason: 'retired' }));
  await retired.publishArtifact(await retired.publishRelease());

  const compromised = await published();
  const validBelow = 1;
  await compromised.appendKeys(
    keyRevokeStatement({ key: compromised.publisher.keyid, log, reason: 'compromised', validBelow }),
  );

  const backdated = await published();
  await backdated.appendKeys(
    keyRevokeStatement({ key: backdated.publisher.keyid, log, reason: 'compromised', validBelow: 2 }),
  );
  const evilFile = { ...FILE, sha256: hexSha256(utf8ToBytes('a back door')) };
  await backdated.publishArtifact(0, { file: evilFile, atMs: START_MS + 4 * MINUTE_MS });

  const wrongRole = await SignedWorld.create();
  await wrongRole.publishArtifact(await wrongRole.publishRelease(), { signers: [wrongRole.anchor] });

  const wrongProduct = await published({ publisherProducts: ['other'] });

  const stolenRotation = await SignedWorld.create();
  await stolenRotation.appendKeys(
    keyRotateStatement({ key: stolenRotation.publisher.keyid, log, successor: formatPublicKey(mallory) }),
    [mallory],
  );
  await stolenRotation.publishArtifact(await stolenRotation.publishRelease({ signers: [mallory] }), {
    signers: [mallory],
  });

  const rootTakeover = await SignedWorld.create();
  await rootTakeover.appendKeys(
    rootKeysStatement({
      instance: 'acme.example',
      keys: [formatPublicKey(mallory)],
      log,
      threshold: 1,
      version: 2,
    }),
    [mallory],
  );
  const takeoverKey = testSigner('takeover');
  await rootTakeover.appendKeys(keyAddition(takeoverKey), [mallory]);
  await rootTakeover.publishArtifact(await rootTakeover.publishRelease({ signers: [takeoverKey] }), {
    signers: [takeoverKey],
  });

  const roots = [1, 2, 3].map((n) => testSigner(`root ${n}`));
  const threshold = await SignedWorld.create({ rootSigners: roots, rootThreshold: 2 });
  await threshold.appendKeys(keyAddition(mallory), roots.slice(0, 1));
  await threshold.publishArtifact(await threshold.publishRelease({ signers: [mallory] }), {
    signers: [mallory],
  });

  const tampered = await published();
  const leaf = at(tampered.rootLeaves, 1);
  tampered.rootLeaves[1] = withFlippedSignature(leaf);

  const oneBad = await SignedWorld.create();
  await oneBad.publishArtifact(await oneBad.publishRelease(), { signers: [oneBad.publisher, mallory] });

  const elsewhere = await published({ instance: 'acme.example' });
  const replayed = await published();
  const foreign = await published({ instance: 'other.example' });
  replayed.rootLeaves[1] = at(foreign.rootLeaves, 1);
  replayed.rootLeaves[0] = at(foreign.rootLeaves, 0);

  return [
    refused('unknown-key', 'signed by a key that was never added', unknown, 'had not been added'),
    refused(
      'self-added-key',
      'the log appended an addition that no root key of the instance signed',
      selfAdded,
      'had not been added',
    ),
    refused(
      'key-added-later',
      'the key was added after the statement was registered',
      addedLater,
      'had not been added',
    ),
    refused('retired-key', 'signed by a key after it was retired', retired, 'had been retired before'),
    refused(
      'compromised-key',
      'signed by a compromised key above the size that still stands',
      compromised,
      'is compromised',
    ),
    refused(
      'backdated',
      'a stolen, revoked key and a date from before the revocation',
      backdated,
      'is compromised',
      [2, 0],
    ),
    refused('wrong-role', 'an anchor key signs an artifact', wrongRole, 'does not hold the role publisher'),
    refused(
      'wrong-product',
      'a publisher of another product',
      wrongProduct,
      'does not hold the role publisher for hello',
    ),
    refused(
      'stolen-rotation',
      'a rotation that only the successor signed',
      stolenRotation,
      'had not been added',
    ),
    refused(
      'root-takeover',
      'new root keys that the old ones did not sign',
      rootTakeover,
      'had not been added',
    ),
    refused(
      'root-threshold-not-met',
      'one of three root keys where two must sign',
      threshold,
      'had not been added',
    ),
    refused('bad-signature', 'a signature altered by the log', tampered, 'does not verify'),
    refused(
      'one-unknown-signature',
      'a good signature beside one by an unknown key',
      oneBad,
      'had not been added',
    ),
    refused(
      'replayed-from-another-instance',
      'a statement that the same key signed for another instance',
      replayed,
      'was written for other.example',
    ),
    {
      name: 'good-twin-instance',
      description: 'the same entries again: nothing hidden makes the cases above fail',
      evidence: elsewhere.evidence([1, 0]),
      policy: elsewhere.policy(),
      file: FILE,
    },
  ];
}

function keyAddition(key: TestSigner) {
  return keyAddStatement({
    key: formatPublicKey(key),
    log: 'acme.example/keys',
    roles: [{ products: ['*'], role: 'publisher' }],
  });
}

function withFlippedSignature(leaf: Uint8Array): Uint8Array {
  const { registeredAtMs, envelope } = parseLeaf(leaf);
  const changed = text(envelope).replace(
    /"sig":"(.)/,
    (_match, first: string) => `"sig":"${first === 'A' ? 'B' : 'A'}`,
  );
  return formatLeaf({ registeredAtMs, envelope: utf8ToBytes(changed) });
}

async function aboutTheRootLog(): Promise<Draft[]> {
  const world = await published();
  const policy = world.policy();
  const good = world.evidenceParts([1, 0]);
  const older = world.checkpoint('statements', { atMs: world.nowMs - 1000 });
  const hostile = (
    name: string,
    description: string,
    evidence: Uint8Array,
    refusedBy: readonly [CheckName, string],
    otherPolicy = policy,
  ): Draft => ({ name, description, evidence, policy: otherPolicy, file: FILE, refusedBy });
  const [artifact, release] = [at(good.statements, 0), at(good.statements, 1)];
  return [
    hostile(
      'root-checkpoint-not-cosigned',
      'the log signed it, nobody cosigned',
      world.evidence([1, 0], { rootCheckpoint: world.checkpoint('statements', { cosigners: [] }) }),
      ['root-checkpoint', 'quorum'],
    ),
    hostile(
      'root-checkpoint-forged',
      'signed by another key of the same name',
      world.evidence([1, 0], {
        rootCheckpoint: world.checkpoint('statements', {
          logKey: { ...noteKey('forger'), name: 'acme.example/statements' },
        }),
      }),
      ['root-checkpoint', 'no log of the policy'],
    ),
    hostile(
      'quorum-not-met',
      'one witness where two operators must cosign',
      world.evidence([1, 0], {
        rootCheckpoint: world.checkpoint('statements', { cosigners: ['w1.example'] }),
        keysCheckpoint: world.checkpoint('keys', { cosigners: ['w1.example', 'w3.example'] }),
      }),
      ['root-checkpoint', 'quorum'],
      world.policy(WITNESSED),
    ),
    hostile(
      'two-checkpoints',
      'the proofs carry different checkpoints',
      formatEvidence({
        ...good,
        statements: [artifact, { ...release, proof: { ...release.proof, checkpointNote: older } }],
      }),
      ['root-checkpoint', 'different checkpoints'],
    ),
    hostile(
      'root-checkpoint-of-the-keys-log',
      'the artifact stands in the keys log',
      formatEvidence({
        ...good,
        statements: good.statements.map((each) => ({
          ...each,
          proof: { ...each.proof, checkpointNote: world.checkpoint('keys') },
        })),
      }),
      ['root-checkpoint', 'another log'],
    ),
    hostile(
      'wrong-index',
      'the proof of another index',
      formatEvidence({
        ...good,
        statements: [
          { ...artifact, proof: { ...artifact.proof, index: 0 } },
          { ...release, proof: { ...release.proof, index: 1 } },
        ],
      }),
      ['inclusion', 'not proven'],
    ),
    hostile(
      'not-in-the-log',
      'a leaf that the checkpoint does not cover',
      formatEvidence({
        ...good,
        statements: [{ ...artifact, leaf: withFlippedSignature(artifact.leaf) }, release],
      }),
      ['inclusion', 'not proven'],
    ),
    hostile(
      'proof-too-short',
      'a proof without its hashes',
      formatEvidence({
        ...good,
        statements: [{ ...artifact, proof: { ...artifact.proof, hashes: [] } }, release],
      }),
      ['inclusion', 'not proven'],
    ),
  ];
}

async function aboutTheRelease(): Promise<Draft[]> {
  const world = await published();
  const evilFile = { ...FILE, sha256: hexSha256(utf8ToBytes('a back door')) };
  const added = await world.publishArtifact(0, { file: evilFile });
  const renamed = await world.publishArtifact(0, { file: { ...FILE, name: 'other.deb' } });
  const mismatched = await world.publishArtifact(0, { version: '2.10-4' });
  const two = await SignedWorld.create();
  await two.publishArtifact(
    await two.publishRelease({ more: { artifacts: { count: 2, list: hexSha256(LIST) } } }),
  );
  const notAList = await SignedWorld.create();
  const body = utf8ToBytes('[{"name":"hello"}]');
  await notAList.publishArtifact(
    await notAList.publishRelease({ more: { artifacts: { count: 1, list: hexSha256(body) } } }),
  );
  const policy = world.policy();
  return [
    {
      name: 'release-missing',
      description: 'the artifact alone',
      evidence: world.evidence([1], { bodies: [] }),
      policy,
      file: FILE,
      refusedBy: ['release', 'not in the evidence'],
    },
    {
      name: 'artifact-list-missing',
      description: 'the release’s list of artifacts left out',
      evidence: world.evidence([1, 0], { bodies: [] }),
      policy,
      file: FILE,
      refusedBy: ['release', 'list of artifacts'],
    },
    {
      name: 'artifact-added-later',
      description: 'with the publisher’s key: another file under the name and release of the first',
      evidence: world.evidence([added, 0]),
      policy,
      file: evilFile,
      refusedBy: ['release', 'not on the list'],
    },
    {
      name: 'artifact-renamed',
      description: 'the file of the list under another name',
      evidence: world.evidence([renamed, 0]),
      policy,
      file: FILE,
      refusedBy: ['release', 'not on the list'],
    },
    {
      name: 'artifact-of-another-version',
      description: 'the artifact says another version than its release',
      evidence: world.evidence([mismatched, 0]),
      policy,
      file: FILE,
      refusedBy: ['release', 'its release says'],
    },
    {
      name: 'artifact-list-of-another-length',
      description: 'fewer artifacts on the list than the release counts',
      evidence: two.evidence([1, 0]),
      policy: two.policy(),
      file: FILE,
      refusedBy: ['release', 'malformed'],
    },
    {
      name: 'artifact-list-malformed',
      description: 'a list that is none',
      evidence: notAList.evidence([1, 0], { bodies: [body] }),
      policy: notAList.policy(),
      file: FILE,
      refusedBy: ['release', 'malformed'],
    },
  ];
}

async function aboutWithdrawals(): Promise<Draft[]> {
  const world = await published();
  const withdrawal = await world.withdraw(0);
  const policy = world.policy();
  const bystander = await published();
  const other = testSigner('publisher of other');
  await bystander.addKey(other, 'publisher', ['other']);
  const bogus = await bystander.withdraw(0, { product: 'other', signers: [other] });
  const forged = await published();
  const unsigned = await forged.withdraw(0, { signers: [testSigner('mallory')] });
  const head = await SignedWorld.create();
  await head.appendRoot(
    headStatement({
      head: {
        origin: head.keysOrigin,
        root: encodeHex(rootOfLeaves(head.keysLeaves.map(hashLeaf))),
        treeSize: head.keysLeaves.length,
      },
      log: head.rootOrigin,
    }),
    [head.anchor],
  );
  const unrelated = await published();
  await unrelated.appendRoot(
    withdrawalStatement({
      log: unrelated.rootOrigin,
      product: 'hello',
      reason: { digest: hexSha256(REASON) },
      release: '0'.repeat(64),
      version: '2.10-3',
    }),
  );
  return [
    {
      name: 'withdrawn',
      description: 'the release was withdrawn, and the evidence says why',
      evidence: world.evidence([1, 0, withdrawal], { bodies: [LIST, REASON] }),
      policy,
      file: FILE,
      refusedBy: ['not-withdrawn', 'debugging back door'],
    },
    {
      name: 'withdrawn-without-reason',
      description: 'the reason is not in the evidence',
      evidence: world.evidence([1, 0, withdrawal]),
      policy,
      file: FILE,
      refusedBy: ['not-withdrawn', 'reason is not in the evidence'],
    },
    {
      name: 'withdrawn-release',
      description: 'evidence about the release that was withdrawn',
      evidence: world.evidence([0, withdrawal], { bodies: [REASON] }),
      policy,
      refusedBy: ['not-withdrawn', 'debugging back door'],
    },
    {
      name: 'good-withdrawal',
      description: 'evidence about the withdrawal itself',
      evidence: world.evidence([withdrawal], { bodies: [REASON] }),
      policy,
    },
    {
      name: 'withdrawn-by-a-stranger',
      description: 'a withdrawal that is not admitted: this evidence is not honest',
      evidence: forged.evidence([1, 0, unsigned]),
      policy: forged.policy(),
      file: FILE,
      refusedBy: ['admitted', 'had not been added'],
    },
    {
      name: 'good-withdrawn-by-another-product',
      description: 'a publisher of another product names this release: that counts for nothing',
      evidence: bystander.evidence([1, 0, bogus]),
      policy: bystander.policy(),
      file: FILE,
    },
    {
      name: 'withdrawal-of-another-release',
      description: 'a withdrawal that has no place here',
      evidence: unrelated.evidence([1, 0, 2]),
      policy: unrelated.policy(),
      file: FILE,
      refusedBy: ['evidence', 'no withdrawal of the release'],
    },
    {
      name: 'good-head',
      description: 'evidence about the anchor of a log',
      evidence: head.evidence([0], { bodies: [] }),
      policy: head.policy(),
    },
  ];
}

async function aboutTime(): Promise<Draft[]> {
  const world = await published();
  const evidence = world.evidence([1, 0]);
  const early = await published();
  early.rootLeaves[1] = formatLeaf({
    registeredAtMs: START_MS - DAY_MS,
    envelope: parseLeaf(at(early.rootLeaves, 1)).envelope,
  });
  const late = await published();
  late.rootLeaves[1] = formatLeaf({
    registeredAtMs: START_MS + DAY_MS,
    envelope: parseLeaf(at(late.rootLeaves, 1)).envelope,
  });
  const farFuture = await published();
  const eonSeconds = 9_000_000_000_000;
  const eon = { atMs: eonSeconds * 1000 };
  const nearEon = { atMs: START_MS + 400 * DAY_MS };
  return [
    {
      name: 'too-old',
      description: 'older than the policy allows',
      evidence,
      policy: world.policy({ maxAgeMs: DAY_MS }),
      file: FILE,
      nowMs: START_MS + 2 * DAY_MS,
      refusedBy: ['age', 'no older than 1d'],
    },
    {
      name: 'too-old-for-the-user',
      description: 'older than the user allows: the smaller age counts',
      evidence,
      policy: world.policy({ maxAgeMs: 30 * DAY_MS }),
      maxAgeMs: DAY_MS,
      file: FILE,
      nowMs: START_MS + 2 * DAY_MS,
      refusedBy: ['age', 'no older than 1d'],
    },
    {
      name: 'checkpoint-from-the-future',
      description: 'dated forward to stay fresh',
      evidence: world.evidence([1, 0], {
        rootCheckpoint: world.checkpoint('statements', nearEon),
        keysCheckpoint: world.checkpoint('keys', nearEon),
      }),
      policy: world.policy({ maxAgeMs: DAY_MS }),
      file: FILE,
      refusedBy: ['age', 'one of the clocks is wrong'],
    },
    {
      name: 'checkpoint-without-a-date',
      description: 'a time that no calendar has',
      evidence: farFuture.evidence([1, 0], { rootCheckpoint: farFuture.checkpoint('statements', eon) }),
      policy: farFuture.policy(),
      file: FILE,
      refusedBy: ['root-checkpoint', 'does not exist'],
    },
    {
      name: 'entries-out-of-order',
      description: 'the artifact dated before the release that it follows',
      evidence: early.evidence([1, 0]),
      policy: early.policy(),
      file: FILE,
      refusedBy: ['admitted', 'dated before'],
    },
    {
      name: 'entry-after-its-checkpoint',
      description: 'an entry dated after the checkpoint that holds it',
      evidence: late.evidence([1, 0]),
      policy: late.policy(),
      file: FILE,
      refusedBy: ['admitted', 'dated after'],
    },
  ];
}
