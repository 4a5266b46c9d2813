// Evidence and a policy in, a verdict out: docs/formats/evidence.md, "Verdict".

import { type Verify, verifyEd25519 } from '@vitrine/statements';
import {
  checkAdmitted,
  checkAge,
  checkEvidence,
  checkFile,
  checkInclusion,
  checkKeysCurrent,
  checkKeysLog,
  checkNotWithdrawn,
  checkPolicy,
  checkRelease,
  checkRootCheckpoint,
  type FileFacts,
  type Outcome,
  type PolicySource,
  standingWithdrawals,
} from './checks.ts';
import type { Facts } from './facts.ts';
import { whatIsNotShown } from './not-shown.ts';
import type { OpenedEvidence } from './opened-evidence.ts';
import { toPlainText } from './plain-text.ts';
import { composeSentence } from './sentence.ts';
import type { Check, CheckName, Verdict, VerdictSubject } from './verdict.ts';
import type { VerificationPolicy } from './verification-policy.ts';

export interface VerificationRequest {
  /** The bytes of an evidence file. */
  readonly evidence: Uint8Array;
  /** The text of a verification policy: all that is believed. */
  readonly policy: string;
  /** The file that the evidence should be about, hashed by the caller. */
  readonly file?: FileFacts;
  /** This machine's time, for the age only; Date.now() unless given. */
  readonly nowMs?: number;
  /** The greatest age of the view; the smaller of this and the policy's counts. */
  readonly maxAgeMs?: number;
  /** Whom the policy was taken from. */
  readonly policySource?: PolicySource;
  /** Ed25519 in JavaScript unless given. */
  readonly verify?: Verify;
}

const MAX_REASON = 1000;
const MAX_SENTENCE = 2000;

/**
 * Verifies evidence offline. Never throws on bad evidence or a bad policy: they are refusals, with the check
 * that says why.
 *
 * @throws TypeError if `file.sha256` is not 64 lower-case hex digits
 * @throws RangeError if a number of the request is not a non-negative safe integer
 */
export function verifyEvidence(request: VerificationRequest): Verdict {
  const { file, policySource, verify = verifyEd25519 } = request;
  const nowMs = request.nowMs ?? Date.now();
  checkRequest(request);

  const policy = checkPolicy(request.policy, policySource);
  const evidence = checkEvidence(request.evidence);
  const keysLog =
    policy.ok && evidence.ok
      ? checkKeysLog(policy.value, evidence.value, verify)
      : notChecked({ policy, evidence });
  const root =
    policy.ok && evidence.ok
      ? checkRootCheckpoint(policy.value, evidence.value)
      : notChecked({ policy, evidence });
  const keysCurrent =
    policy.ok && keysLog.ok && root.ok
      ? checkKeysCurrent(policy.value, keysLog.value, root.value)
      : notChecked({ policy, 'keys-log': keysLog, 'root-checkpoint': root });
  const inclusion =
    evidence.ok && root.ok
      ? checkInclusion(evidence.value, root.value)
      : notChecked({ evidence, 'root-checkpoint': root });
  const admitted =
    policy.ok && evidence.ok && keysLog.ok && root.ok && inclusion.ok
      ? checkAdmitted(policy.value, evidence.value, keysLog.value, root.value, verify)
      : notChecked({ policy, evidence, 'keys-log': keysLog, 'root-checkpoint': root, inclusion });
  const opened = valueOf(evidence);
  const maxAgeMs = smaller(request.maxAgeMs, valueOf(policy)?.maxAgeMs);

  const checks: Check[] = [
    toCheck('policy', policy),
    toCheck('evidence', evidence),
    toCheck('keys-log', keysLog),
    toCheck('root-checkpoint', root),
    toCheck('keys-current', keysCurrent),
    toCheck('inclusion', inclusion),
    toCheck('admitted', admitted),
  ];
  if (file !== undefined) {
    checks.push(toCheck('file', evidence.ok ? checkFile(evidence.value, file) : notChecked({ evidence })));
  }
  if (opened === undefined || opened.artifact !== undefined) {
    const release =
      evidence.ok && admitted.ok ? checkRelease(evidence.value) : notChecked({ evidence, admitted });
    checks.push(toCheck('release', release));
  }
  if (opened === undefined || opened.artifact !== undefined || opened.release !== undefined) {
    const notWithdrawn =
      evidence.ok && root.ok && admitted.ok
        ? checkNotWithdrawn(evidence.value, root.value)
        : notChecked({ evidence, 'root-checkpoint': root, admitted });
    checks.push(toCheck('not-withdrawn', notWithdrawn));
  }
  if (maxAgeMs !== undefined) {
    const age =
      policy.ok && root.ok
        ? checkAge(policy.value, root.value, maxAgeMs, nowMs)
        : notChecked({ policy, 'root-checkpoint': root });
    checks.push(toCheck('age', age));
  }

  const facts: Facts = {
    policySource,
    file,
    maxAgeMs,
    nowMs,
    policy: valueOf(policy),
    opened,
    keys: valueOf(keysLog),
    root: valueOf(root),
    admissions: valueOf(admitted),
    withdrawals: opened !== undefined && admitted.ok ? standingWithdrawals(opened) : [],
  };
  return {
    ok: checks.every(({ ok }) => ok),
    sentence: toPlainText(composeSentence(checks, facts), MAX_SENTENCE),
    checks,
    notShown: whatIsNotShown(facts).map((line) => toPlainText(line, MAX_REASON)),
    asOf: root.ok
      ? { rootSize: root.value.treeSize, logTime: new Date(root.value.timeMs).toISOString() }
      : null,
    about: facts.policy === undefined || opened === undefined ? null : subjectOf(facts.policy, opened),
  };
}

function checkRequest({ file, maxAgeMs, nowMs }: VerificationRequest): void {
  if (file !== undefined && !/^[0-9a-f]{64}$/.test(file.sha256)) {
    throw new TypeError('file.sha256 must be 64 lower-case hex digits');
  }
  for (const number of [file?.sizeBytes, maxAgeMs, nowMs]) {
    if (number !== undefined && (!Number.isSafeInteger(number) || number < 0)) {
      throw new RangeError(`${number} is not a non-negative safe integer`);
    }
  }
}

/** For a check that needs others which do not hold. */
function notChecked(needs: Partial<Record<CheckName, Outcome<unknown>>>): Outcome<never> {
  const failed = Object.entries(needs)
    .filter(([, { ok }]) => !ok)
    .map(([name]) => name);
  return { ok: false, reason: `not checked because “${failed[0] ?? ''}” does not hold` };
}

function toCheck(name: CheckName, outcome: Outcome<unknown>): Check {
  const reason = toPlainText(outcome.reason, MAX_REASON);
  return outcome.ok
    ? { name, ok: true, reason, collusion: toPlainText(outcome.collusion, MAX_REASON) }
    : { name, ok: false, reason, collusion: null };
}

function valueOf<T>(outcome: Outcome<T>): T | undefined {
  return outcome.ok ? outcome.value : undefined;
}

function smaller(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function subjectOf({ instance }: VerificationPolicy, { about, artifact }: OpenedEvidence): VerdictSubject {
  const { payloadDigest, proof, registeredAtMs, statement } = about;
  const { predicate } = statement;
  return {
    type: statement.predicateType,
    instance,
    leafIndex: proof.index,
    registeredAtMs,
    payloadDigest,
    ...('product' in predicate ? { product: predicate.product } : {}),
    ...('version' in predicate && typeof predicate.version === 'string'
      ? { version: predicate.version }
      : {}),
    ...(artifact === undefined
      ? {}
      : {
          name: artifact.statement.subject[0].name,
          sha256: artifact.statement.subject[0].digest.sha256,
          sizeBytes: artifact.statement.predicate.sizeBytes,
        }),
  };
}
