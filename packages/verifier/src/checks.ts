// The checks of a verdict, each by itself. docs/formats/evidence.md says what they mean together.

import { sha256 } from '@noble/hashes/sha2.js';
import {
  type Admitted,
  admit,
  foldKeys,
  isValidAt,
  type KeyRecord,
  type KeysEntry,
  type KeysState,
  type ListedArtifact,
  parseArtifactList,
  StatementError,
  type Verify,
  type WithdrawalStatement,
} from '@vitrine/statements';
import { encodeHex, hashLeaf, rootOfLeaves, verifyCheckpoint, verifyInclusion } from '@vitrine/tlog';
import { formatDuration } from './duration.ts';
import { EvidenceError } from './error.ts';
import type { Evidence } from './evidence.ts';
import { type OpenedEvidence, type OpenedStatement, openEvidence } from './opened-evidence.ts';
import { type Cosigners, cosignersOf, type VerifiedCheckpoint, whoCouldFork } from './parties.ts';
import { formatTime, isDate, list, quoteBody, shorten } from './plain-text.ts';
import { parseVerificationPolicy, type VerificationPolicy } from './verification-policy.ts';

export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly reason: string; readonly collusion: string }
  | { readonly ok: false; readonly reason: string };

/** What the user holds, hashed by the caller. */
export interface FileFacts {
  readonly name: string;
  /** Hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Whom the policy was taken from: the vendor whose statements it judges, or someone else. */
export type PolicySource = 'vendor' | 'other';

export interface CheckedKeys {
  readonly state: KeysState;
  readonly entries: readonly KeysEntry[];
  readonly timeMs: number;
  readonly cosigners: Cosigners;
}

export interface CheckedRoot {
  readonly checkpoint: VerifiedCheckpoint;
  readonly treeSize: number;
  readonly timeMs: number;
  readonly cosigners: Cosigners;
}

/** Clocks of log and witnesses may differ by this much: no statement is dated later than its checkpoint. */
const CLOCK_TOLERANCE_MS = 60_000;

/** How far this machine's clock may be behind before a checkpoint counts as dated in the future. */
const FUTURE_TOLERANCE_MS = 300_000;

export function checkPolicy(text: string, source: PolicySource | undefined): Outcome<VerificationPolicy> {
  try {
    const policy = parseVerificationPolicy(text);
    return holds(
      policy,
      `it names the logs of ${policy.instance} and pins entry 0 of its keys log`,
      source === 'vendor'
        ? `${policy.instance} alone, by giving you other keys than it gives others`
        : 'whoever gave you the policy, alone, by naming other keys than the vendor’s',
    );
  } catch (error) {
    if (error instanceof EvidenceError) return fails(error.message);
    throw error;
  }
}

export function checkEvidence(bytes: Uint8Array): Outcome<OpenedEvidence> {
  try {
    const opened = openEvidence(bytes);
    const count = opened.statements.length;
    return holds(
      opened,
      `the file parses, with ${count} ${count === 1 ? 'statement' : 'statements'} and ${opened.evidence.keys.leaves.length} entries of the keys log`,
      'nobody (the file was read here)',
    );
  } catch (error) {
    if (error instanceof EvidenceError) return fails(`the evidence does not parse: ${error.message}`);
    throw error;
  }
}

export function checkKeysLog(
  policy: VerificationPolicy,
  { evidence }: { readonly evidence: Pick<Evidence, 'keys'> },
  verify: Verify,
): Outcome<CheckedKeys> {
  const { leaves } = evidence.keys;
  const verdict = verifyCheckpoint(evidence.keys.checkpoint, policy.tlog);
  if (!verdict.ok) return fails(`the checkpoint of the keys log: ${verdict.reason}`);
  const { checkpoint, timeSeconds } = verdict;
  if (checkpoint.origin !== policy.keysOrigin)
    return fails(`its checkpoint is of another log than ${policy.keysOrigin}`);
  const timeMs = (timeSeconds ?? Number.NaN) * 1000;
  if (!isDate(timeMs)) return fails('the checkpoint of the keys log has a time that does not exist');
  if (checkpoint.treeSize !== leaves.length) {
    return fails(
      `the keys log has ${checkpoint.treeSize} entries, the evidence holds ${leaves.length}: all are needed, so that no revocation is left out`,
    );
  }
  // Before anything is read from the leaves: past this line only the log itself can waste our time.
  if (!equal(rootOfLeaves(leaves.map(hashLeaf)), checkpoint.root)) {
    return fails('the entries in the evidence are not those of the signed keys log');
  }
  const [entry0] = leaves;
  if (entry0 === undefined || encodeHex(sha256(entry0)) !== policy.keysEntry0) {
    return fails(
      'entry 0 of the keys log is not the one that the policy pins: these are other keys than the policy’s',
    );
  }
  const { entries, state } = foldKeys(policy.keysOrigin, leaves, verify);
  if (state.unsound !== undefined) return fails(`the keys log is not sound: ${state.unsound.reason}`);
  if (state.rootKeys === undefined) return fails('entry 0 of the keys log does not establish root keys');
  if (state.lastRegisteredAtMs > timeMs + CLOCK_TOLERANCE_MS) {
    return fails('the keys log holds an entry dated after its own checkpoint');
  }
  const idle = entries.filter(({ counts }) => !counts).length;
  const { keys, threshold } = state.rootKeys;
  const cosigners = cosignersOf(policy, verdict);
  return holds(
    { state, entries, timeMs, cosigners },
    `all ${leaves.length} entries as of ${formatTime(timeMs)}, from the pinned entry 0${idle === 0 ? '' : `; ${idle} of them count for nothing`}`,
    `${whoCouldFork(policy, cosigners)}, by showing you another keys log than others see; or whoever holds ${threshold} of the ${keys.length} root keys`,
  );
}

export function checkRootCheckpoint(
  policy: VerificationPolicy,
  { statements }: OpenedEvidence,
): Outcome<CheckedRoot> {
  const [note, ...others] = new Set(statements.map(({ proof }) => proof.checkpointNote));
  if (note === undefined || others.length > 0) return fails('the proofs carry different checkpoints');
  const verdict = verifyCheckpoint(note, policy.tlog);
  if (!verdict.ok) return fails(`the checkpoint of the root log: ${verdict.reason}`);
  const { checkpoint, timeSeconds } = verdict;
  if (checkpoint.origin !== policy.rootOrigin)
    return fails(`the checkpoint is of another log than ${policy.rootOrigin}`);
  const timeMs = (timeSeconds ?? Number.NaN) * 1000;
  if (!isDate(timeMs)) return fails('the checkpoint of the root log has a time that does not exist');
  const cosigners = cosignersOf(policy, verdict);
  const who = cosigners.others.length === 0 ? `${policy.instance} itself only` : list(cosigners.others);
  return holds(
    { checkpoint: verdict, treeSize: checkpoint.treeSize, timeMs, cosigners },
    `root size ${checkpoint.treeSize} as of ${formatTime(timeMs)}, signed by the log and cosigned by ${who}`,
    `${whoCouldFork(policy, cosigners)}, by showing you another log than others see`,
  );
}

export function checkKeysCurrent(
  policy: VerificationPolicy,
  keys: CheckedKeys,
  root: CheckedRoot,
): Outcome<undefined> {
  if (keys.timeMs < root.timeMs) {
    return fails(
      `the keys log is shown as of ${formatTime(keys.timeMs)}, before the root log’s ${formatTime(root.timeMs)}: a revocation in between could be missing`,
    );
  }
  return holds(
    undefined,
    'the keys log is shown as of a time no earlier than the root log’s',
    `${whoCouldFork(policy, root.cosigners)}, by giving a checkpoint a false date`,
  );
}

export function checkInclusion({ statements }: OpenedEvidence, root: CheckedRoot): Outcome<undefined> {
  for (const { leaf, proof } of statements) {
    const included = verifyInclusion({
      leafHash: hashLeaf(leaf),
      leafIndex: proof.index,
      treeSize: root.treeSize,
      proof: proof.hashes,
      root: root.checkpoint.checkpoint.root,
    });
    if (!included)
      return fails(`a statement is not proven to be entry ${proof.index} of the ${root.treeSize} in the log`);
  }
  const indices = statements.map(({ proof }) => String(proof.index));
  return holds(
    undefined,
    `${indices.length === 1 ? 'entry' : 'entries'} ${list(indices)} of ${root.treeSize}`,
    'nobody (SHA-256 would have to be broken)',
  );
}

/** The admissions of all statements, in the evidence's order, the first apart. */
export interface Admissions {
  readonly about: Admitted;
  readonly all: readonly Admitted[];
}

export function checkAdmitted(
  policy: VerificationPolicy,
  { statements }: OpenedEvidence,
  keys: CheckedKeys,
  root: CheckedRoot,
  verify: Verify,
): Outcome<Admissions> {
  const byIndex = statements.toSorted((a, b) => a.proof.index - b.proof.index);
  for (const [i, later] of byIndex.entries()) {
    const earlier = byIndex[i - 1];
    if (earlier !== undefined && later.registeredAtMs < earlier.registeredAtMs) {
      return fails(
        `entry ${later.proof.index} is dated before entry ${earlier.proof.index}: the log’s dates are false`,
      );
    }
    if (later.registeredAtMs > root.timeMs + CLOCK_TOLERANCE_MS) {
      return fails(`entry ${later.proof.index} is dated after the checkpoint that holds it`);
    }
  }
  const all: Admitted[] = [];
  for (const { leaf, proof } of statements) {
    const admission = admit(keys.state, { origin: policy.rootOrigin, leafIndex: proof.index, leaf }, verify);
    if (!admission.admitted) return fails(`entry ${proof.index} is not admitted: ${admission.reason}`);
    all.push(admission);
  }
  const [about] = all;
  if (about === undefined) return fails('there is no statement');
  const signers = about.signers.map((keyid) => `key ${shorten(keyid)}`);
  const whose = `whoever holds ${list(signers)}`;
  const ended = about.signers.some((keyid) => !isStillValid(keys.state.keys.get(keyid), keys.timeMs));
  const { keys: rootKeys, threshold } = keys.state.rootKeys ?? { keys: [], threshold: 0 };
  return holds(
    { about, all },
    `signed by ${list(signers)}, which could say this then by the registration policy`,
    `${whose}, alone; or whoever holds ${threshold} of the ${rootKeys.length} root keys, by letting a wrong key in${ended ? '; or the log together with the holder of a key that has ended since, by dating a statement back, which anyone who reads the log would see' : ''}`,
  );
}

function isStillValid(key: KeyRecord | undefined, atMs: number): boolean {
  return key !== undefined && isValidAt(key, atMs);
}

export function checkFile({ artifact }: OpenedEvidence, file: FileFacts): Outcome<undefined> {
  if (artifact === undefined) return fails('the evidence is not about a file');
  const { predicate, subject } = artifact.statement;
  const [{ digest }] = subject;
  if (file.sha256 !== digest.sha256) {
    return fails(`its SHA-256 is ${file.sha256}, the statement names ${digest.sha256}`);
  }
  if (file.sizeBytes !== predicate.sizeBytes) {
    return fails(`it has ${file.sizeBytes} bytes, the statement names ${predicate.sizeBytes}`);
  }
  return holds(
    undefined,
    `its SHA-256 and size (${predicate.sizeBytes} bytes) are those of the statement`,
    'nobody (the file was hashed by your own program, and SHA-256 would have to be broken)',
  );
}

export function checkRelease({ artifact, bodies, release }: OpenedEvidence): Outcome<undefined> {
  if (artifact === undefined) return fails('the evidence is not about a file');
  if (release === undefined) return fails('the release that the artifact names is not in the evidence');
  const { predicate, subject } = artifact.statement;
  const { artifacts, product, version } = release.statement.predicate;
  if (product !== predicate.product || version !== predicate.version) {
    return fails(
      `the artifact says ${predicate.product} ${predicate.version}, its release says ${product} ${version}`,
    );
  }
  const body = bodies.get(artifacts.list);
  if (body === undefined) {
    return fails(
      'the release’s list of artifacts is not in the evidence: the file may have been added after the release',
    );
  }
  const listed = readList(body);
  if (listed === undefined || listed.length !== artifacts.count)
    return fails('the release’s list of artifacts is malformed');
  const [{ digest, name }] = subject;
  const found = listed.find((each) => each.name === name);
  if (found?.sha256 !== digest.sha256 || found.sizeBytes !== predicate.sizeBytes) {
    return fails('the file is not on the list of artifacts that was published with the release');
  }
  return holds(
    undefined,
    `${product} ${version}, entry ${release.proof.index}, lists this file among its ${artifacts.count}`,
    'whoever holds the publisher’s key, alone, by signing a false list',
  );
}

function readList(body: Uint8Array): readonly ListedArtifact[] | undefined {
  try {
    return parseArtifactList(body);
  } catch (error) {
    if (error instanceof StatementError) return undefined;
    throw error;
  }
}

/** A withdrawal that stands against the release of the evidence. */
export interface StandingWithdrawal {
  readonly leafIndex: number;
  readonly registeredAtMs: number;
  /** The text of its reason, for people; undefined if the evidence does not hold it. */
  readonly reason?: string;
}

/** The withdrawals that stand: those that say the product and version of what they withdraw. */
export function standingWithdrawals(opened: OpenedEvidence): readonly StandingWithdrawal[] {
  return opened.withdrawals
    .filter((withdrawal) => concernsRelease(withdrawal, opened))
    .map(({ proof, registeredAtMs, statement }) => {
      const body = opened.bodies.get(statement.predicate.reason.digest);
      return {
        leafIndex: proof.index,
        registeredAtMs,
        ...(body === undefined ? {} : { reason: quoteBody(body) }),
      };
    });
}

function concernsRelease(
  { statement: { predicate } }: OpenedStatement<WithdrawalStatement>,
  { artifact, release }: OpenedEvidence,
): boolean {
  const named = release?.statement.predicate ?? artifact?.statement.predicate;
  return named !== undefined && named.product === predicate.product && named.version === predicate.version;
}

export function checkNotWithdrawn(opened: OpenedEvidence, root: CheckedRoot): Outcome<undefined> {
  const [withdrawal] = standingWithdrawals(opened);
  if (withdrawal !== undefined) {
    const { leafIndex, reason, registeredAtMs } = withdrawal;
    return fails(
      `the release was withdrawn on ${formatTime(registeredAtMs)} (entry ${leafIndex})${reason === undefined ? '; the reason is not in the evidence' : `: “${reason}”`}`,
    );
  }
  const idle = opened.withdrawals.length;
  return holds(
    undefined,
    `no withdrawal in the evidence stands against it, as of root size ${root.treeSize}${idle === 0 ? '' : `; ${idle} that name another product or version count for nothing`}`,
    'whoever made this evidence, alone, by leaving a withdrawal out',
  );
}

export function checkAge(
  policy: VerificationPolicy,
  root: Pick<CheckedRoot, 'timeMs' | 'cosigners'>,
  maxAgeMs: number,
  nowMs: number,
): Outcome<undefined> {
  const ageMs = nowMs - root.timeMs;
  const limit = maxAgeMs % 1000 === 0 ? formatDuration(maxAgeMs) : `${maxAgeMs} ms`;
  if (ageMs < -FUTURE_TOLERANCE_MS) {
    return fails(
      `the log time, ${formatTime(root.timeMs)}, is after this machine’s ${formatTime(nowMs)}: one of the clocks is wrong`,
    );
  }
  if (ageMs > maxAgeMs) {
    return fails(
      `the view is of ${formatTime(root.timeMs)}, and may be no older than ${limit}: get newer evidence`,
    );
  }
  return holds(
    undefined,
    `the view is of ${formatTime(root.timeMs)}, within ${limit}`,
    `${whoCouldFork(policy, root.cosigners)}, by giving the checkpoint a false date; or whoever sets this machine’s clock`,
  );
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}

function holds<T>(value: T, reason: string, collusion: string): Outcome<T> {
  return { ok: true, value, reason, collusion };
}

function fails(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
