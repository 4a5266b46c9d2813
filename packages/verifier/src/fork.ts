// Proof that a log signed two histories: docs/formats/evidence.md, "Proof of misbehaviour". An entry point of its own,
// so that who only judges releases does not load it. Parsing such a file believes nothing in it.

import { explainIssues, formatCanonicalJson, parseCanonicalJson, StatementError } from '@vitrine/statements';
import {
  type Checkpoint,
  decodeBase64,
  encodeBase64,
  encodeHex,
  equalBytes,
  HASH_BYTES,
  type NoteVerifier,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseVkey,
  TlogError,
  verifyConsistency,
  verifyCosignature,
} from '@vitrine/tlog';
import * as v from 'valibot';
import { EvidenceError } from './error.ts';
import { MAX_EVIDENCE_BYTES } from './evidence.ts';
import { list, shorten, toPlainText } from './plain-text.ts';
import type { Check, DescribedVerdict } from './verdict.ts';
import { parseVerificationPolicy, type VerificationPolicy } from './verification-policy.ts';

export const FORK_FORMAT = 'https://vitrine.dev/fork/v1';

/** More than a consistency proof between any two sizes has. */
const MAX_HASHES = 63;

export interface ForkEvidence {
  /** Signed notes of one log, verbatim; the first covers no more entries than the second. */
  readonly checkpoints: readonly [string, string];
  /** Exactly where their sizes differ: what the tree of the second really begins with. */
  readonly proof?: {
    /** The root, 32 bytes, that the second's tree has at the first's size. */
    readonly root: Uint8Array;
    /** RFC 6962 consistency proof from there to the second's root, 32 bytes each. */
    readonly hashes: readonly Uint8Array[];
  };
}

/** A parsed file, with what its two notes say. */
export interface OpenedFork extends ForkEvidence {
  readonly claimed: readonly [Checkpoint, Checkpoint];
}

/** The checks, in the order in which they are listed. */
export const FORK_CHECK_NAMES = ['policy', 'evidence', 'signatures', 'contradiction'] as const;

export type ForkCheckName = (typeof FORK_CHECK_NAMES)[number];

export interface ForkCheck extends Omit<Check, 'name'> {
  readonly name: ForkCheckName;
}

export interface ForkedCheckpoint {
  readonly treeSize: number;
  /** Hex. */
  readonly root: string;
  /** Witnesses of the policy whose cosignature on it holds, by key name; times are theirs. */
  readonly cosignedBy: readonly { readonly name: string; readonly timeSeconds: number }[];
}

export interface ForkVerdict extends DescribedVerdict {
  /** Whether the file proves that the log signed two histories. */
  readonly ok: boolean;
  readonly checks: readonly ForkCheck[];
  readonly asOf: null;
  /** Null if policy or file could not be read. Believe it only if the verdict is ok. */
  readonly about: {
    readonly type: typeof FORK_FORMAT;
    readonly origin: string;
    readonly checkpoints: readonly [ForkedCheckpoint, ForkedCheckpoint];
    /** Witnesses, by key name, that cosigned both: each has broken its word as the log has. */
    readonly cosignedBoth: readonly string[];
  } | null;
}

export interface ForkRequest {
  /** The bytes of the file. */
  readonly evidence: Uint8Array;
  /** The text of a verification policy: its logs and witnesses are believed to be who they are. */
  readonly policy: string;
  /** vkeys of further logs that the user knows, as of a centre's intake log. */
  readonly logVkeys?: readonly string[];
}

const forkSchema = v.strictObject({
  checkpoints: v.strictTuple([v.string(), v.string()]),
  format: v.literal(FORK_FORMAT),
  proof: v.exactOptional(
    v.strictObject({ hashes: v.pipe(v.array(v.string()), v.maxLength(MAX_HASHES)), root: v.string() }),
  ),
});

const anyFormat = v.looseObject({ format: v.literal(FORK_FORMAT) });

/** Whether these bytes say that they are a proof of misbehaviour, and not other evidence. Never throws. */
export function isForkEvidence(bytes: Uint8Array): boolean {
  try {
    return v.is(anyFormat, parseJson(bytes));
  } catch (error) {
    if (error instanceof EvidenceError) return false;
    throw error;
  }
}

/**
 * The bytes of the file.
 *
 * @throws EvidenceError `too-large`, `malformed-evidence` if the result would not parse
 */
export function formatForkEvidence({ checkpoints, proof }: ForkEvidence): Uint8Array {
  const bytes = formatCanonicalJson({
    checkpoints: [...checkpoints],
    format: FORK_FORMAT,
    ...(proof === undefined
      ? {}
      : { proof: { hashes: proof.hashes.map(encodeBase64), root: encodeBase64(proof.root) } }),
  });
  parseForkEvidence(bytes);
  return bytes;
}

/**
 * Parses the file, strictly; verifies nothing.
 *
 * @throws EvidenceError `too-large`, `malformed-json`, `not-canonical-json`, `malformed-evidence`
 */
export function parseForkEvidence(bytes: Uint8Array): OpenedFork {
  const parsed = v.safeParse(forkSchema, parseJson(bytes), { abortEarly: true });
  if (!parsed.success) throw malformed(explainIssues(parsed.issues));
  const { checkpoints, proof } = parsed.output;
  const claimed = [readClaim(checkpoints[0], 'first'), readClaim(checkpoints[1], 'second')] as const;
  const [first, second] = claimed;
  if (first.treeSize > second.treeSize) throw malformed('the larger checkpoint stands first');
  if ((first.treeSize === second.treeSize) !== (proof === undefined)) {
    throw malformed('a proof stands exactly where the sizes of the two checkpoints differ');
  }
  if (proof === undefined) return { checkpoints, claimed };
  const root = readHash(proof.root, 'the root of the proof');
  const hashes = proof.hashes.map((hash, at) => readHash(hash, `hash ${at} of the proof`));
  return { checkpoints, claimed, proof: { root, hashes } };
}

/**
 * Judges a file that should prove that a log signed two histories. Offline; never throws on a bad file or a bad policy.
 *
 * @throws TlogError `malformed-vkey`, `unsupported-key-type` for one of `logVkeys`
 */
export function verifyFork({ evidence, policy: policyText, logVkeys = [] }: ForkRequest): ForkVerdict {
  const known = logVkeys.map(parseVkey);
  const policy = attempt(() => parseVerificationPolicy(policyText));
  const opened = attempt(() => parseForkEvidence(evidence));
  const checks = [
    policy.ok
      ? holds('policy', `it names the logs of ${policy.value.instance}`, 'whoever gave you the policy')
      : fails('policy', policy.reason),
    opened.ok
      ? holds('evidence', 'the file parses, with two checkpoints', 'nobody (the file was read here)')
      : fails('evidence', opened.reason),
    policy.ok && opened.ok
      ? checkSignatures(policy.value, known, opened.value)
      : notChecked('signatures', policy.ok ? 'evidence' : 'policy'),
    opened.ok ? checkContradiction(opened.value) : notChecked('contradiction', 'evidence'),
  ];
  const about = policy.ok && opened.ok ? describeFork(policy.value, opened.value) : null;
  const failed = checks.find(({ ok }) => !ok);
  return {
    ok: failed === undefined,
    sentence: toPlainText(
      failed === undefined && about !== null
        ? inOneSentence(about)
        : `Refused: this is no proof of misbehaviour: ${failed?.reason ?? ''}.`,
      2000,
    ),
    checks,
    notShown: failed === undefined ? NOT_SHOWN : [],
    asOf: null,
    about,
  };
}

const NOT_SHOWN: readonly string[] = [
  'Which of the two histories others were shown: ask the centres that follow this log.',
  'Whether the operator meant to, restored an old backup, or lost the key to somebody else: the log’s key signed both.',
  'What stands in the entries of either history: the file has two checkpoints, not the entries.',
];

type About = NonNullable<ForkVerdict['about']>;

function inOneSentence({ checkpoints: [first, second], cosignedBoth, origin }: About): string {
  const how =
    first.treeSize === second.treeSize
      ? `two different trees of ${first.treeSize} entries, with the roots ${shorten(first.root)} and ${shorten(second.root)}`
      : `a tree of ${first.treeSize} entries with the root ${shorten(first.root)}, and a tree of ${second.treeSize} entries that does not begin with it`;
  const witnesses =
    cosignedBoth.length === 0
      ? ''
      : ` ${list(cosignedBoth)} cosigned both, and so broke ${cosignedBoth.length === 1 ? 'its' : 'their'} word too.`;
  return `Proof of misbehaviour: ${origin} signed two histories: ${how}.${witnesses}`;
}

function checkSignatures(
  policy: VerificationPolicy,
  known: readonly NoteVerifier[],
  { checkpoints, claimed: [first, second] }: OpenedFork,
): ForkCheck {
  if (first.origin !== second.origin) {
    return fails('signatures', `the checkpoints are of two logs, ${first.origin} and ${second.origin}`);
  }
  const keys = [...policy.tlog.logs.map(({ key }) => key), ...known].filter(
    ({ name, type }) => name === first.origin && type !== 0x04,
  );
  if (keys.length === 0) {
    return fails('signatures', `neither the policy nor you name the key of the log ${first.origin}`);
  }
  for (const [at, note] of checkpoints.entries()) {
    const reasons = keys.map((key) => whyNotSigned(note, key));
    if (!reasons.includes(undefined)) {
      return fails('signatures', `checkpoint ${at + 1} is not signed by the log: ${reasons[0] ?? ''}`);
    }
  }
  const source = policy.tlog.logs.some(({ key }) => key.name === first.origin) ? 'the policy' : 'the log key';
  return holds(
    'signatures',
    `both checkpoints carry a signature by the key of ${first.origin}`,
    `whoever gave you ${source}, by naming another key than the log’s`,
  );
}

function whyNotSigned(note: string, key: NoteVerifier): string | undefined {
  try {
    openCheckpoint(note, key);
    return undefined;
  } catch (error) {
    if (error instanceof TlogError) return error.message;
    throw error;
  }
}

/**
 * Sound because a root fixes the tree under it: a proof that leads from (a, R) to (b, root of b) shows that R is what
 * b's tree has at size a. An honest log signed that R, so nobody can make such a file against it.
 */
function checkContradiction({ claimed: [first, second], proof }: OpenedFork): ForkCheck {
  const arithmetic = 'nobody (it is arithmetic on SHA-256)';
  if (proof === undefined) {
    return equalBytes(first.root, second.root)
      ? fails('contradiction', 'both checkpoints have one size and one root, so they do not contradict')
      : holds('contradiction', `two different roots for ${first.treeSize} entries`, arithmetic);
  }
  const isProven = verifyConsistency({
    oldSize: first.treeSize,
    newSize: second.treeSize,
    oldRoot: proof.root,
    newRoot: second.root,
    proof: proof.hashes,
  });
  if (!isProven) {
    return fails(
      'contradiction',
      `the proof does not show what the tree of ${second.treeSize} entries has at ${first.treeSize}`,
    );
  }
  return equalBytes(proof.root, first.root)
    ? fails('contradiction', 'the larger tree begins with the smaller one, so they do not contradict')
    : holds(
        'contradiction',
        `the tree of ${second.treeSize} entries has another root at ${first.treeSize} than the log signed there`,
        arithmetic,
      );
}

function describeFork(policy: VerificationPolicy, { checkpoints, claimed }: OpenedFork): About {
  const checkpointAt = (at: 0 | 1): ForkedCheckpoint => ({
    treeSize: claimed[at].treeSize,
    root: encodeHex(claimed[at].root),
    cosignedBy: cosignersOf(policy, checkpoints[at]),
  });
  const [first, second] = [checkpointAt(0), checkpointAt(1)];
  const ofSecond = new Set(second.cosignedBy.map(({ name }) => name));
  return {
    type: FORK_FORMAT,
    origin: claimed[0].origin,
    checkpoints: [first, second],
    cosignedBoth: first.cosignedBy.map(({ name }) => name).filter((name) => ofSecond.has(name)),
  };
}

/** A bad cosignature is nobody's: whoever passed the note on could have put it there. */
function cosignersOf(policy: VerificationPolicy, noteText: string): ForkedCheckpoint['cosignedBy'] {
  const { signatures, text } = parseNote(noteText);
  return policy.tlog.witnesses.flatMap(({ key }) => {
    if (key.type !== 0x04) return [];
    for (const { keyId, name, signature } of signatures) {
      if (name !== key.name || keyId !== key.keyId) continue;
      const verified = verifyCosignature(key, text, signature);
      if (verified !== undefined) return [{ name, timeSeconds: verified.timeSeconds }];
    }
    return [];
  });
}

/** The two checkpoints in words, for a reader who has not verified them. One line each. */
export function describeClaims({ claimed, checkpoints }: OpenedFork): readonly string[] {
  return claimed.map(({ origin, root, treeSize }, at) => {
    const { signatures } = parseNote(checkpoints[at] ?? '');
    const names = [...new Set(signatures.map(({ name }) => name))];
    return toPlainText(
      `Checkpoint of ${origin}: ${treeSize} entries, root ${encodeHex(root)}; with signatures in the name of ${list(names)}`,
      2000,
    );
  });
}

function readClaim(note: string, which: string): Checkpoint {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw malformed(`the ${which} checkpoint: ${cause.message}`, { cause });
  }
}

function readHash(text: string, what: string): Uint8Array {
  try {
    const hash = decodeBase64(text);
    if (hash.length === HASH_BYTES) return hash;
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw malformed(`${what} is not standard base64 with padding`, { cause });
  }
  throw malformed(`${what} is not ${HASH_BYTES} bytes`);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return parseCanonicalJson(bytes, { maxBytes: MAX_EVIDENCE_BYTES, maxDepth: 4 });
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    const { code } = cause;
    const isOwn = code === 'too-large' || code === 'malformed-json' || code === 'not-canonical-json';
    throw new EvidenceError(isOwn ? code : 'malformed-evidence', cause.message, { cause });
  }
}

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

function attempt<T>(read: () => T): Read<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (error instanceof EvidenceError) return { ok: false, reason: error.message };
    throw error;
  }
}

function holds(name: ForkCheckName, reason: string, collusion: string): ForkCheck {
  return { name, ok: true, reason: toPlainText(reason, 1000), collusion: toPlainText(collusion, 1000) };
}

function fails(name: ForkCheckName, reason: string): ForkCheck {
  return { name, ok: false, reason: toPlainText(reason, 1000), collusion: null };
}

function notChecked(name: ForkCheckName, needed: ForkCheckName): ForkCheck {
  return fails(name, `not checked because “${needed}” does not hold`);
}

function malformed(why: string, options?: ErrorOptions): EvidenceError {
  return new EvidenceError('malformed-evidence', `malformed proof of misbehaviour: ${why}`, options);
}
