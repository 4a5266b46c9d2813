/** The verdict on an evidence file of either kind: about a statement, or a proof of misbehaviour. */
import { TlogError } from '@vitrine/tlog';
import { verifyEvidence } from '@vitrine/verifier';
import type { DescribedVerdict } from '@vitrine/verifier';
import { isForkEvidence, verifyFork } from '@vitrine/verifier/fork';
import { verifyWithOpenssl } from './ed25519.ts';
import { couldNotRun } from './failure.ts';

export interface JudgementOptions {
  readonly maxAgeMs?: number;
  /** Of logs that the policy does not name, for a proof of misbehaviour. */
  readonly logVkeys?: readonly string[];
}

/** @param policy the text of a verification policy @throws Failure when a vkey is none */
export function judgeEvidence(
  evidence: Uint8Array,
  policy: string,
  { logVkeys = [], ...age }: JudgementOptions = {},
): DescribedVerdict {
  if (!isForkEvidence(evidence))
    return verifyEvidence({ evidence, policy, verify: verifyWithOpenssl, ...age });
  try {
    return verifyFork({ evidence, policy, logVkeys });
  } catch (thrown) {
    if (thrown instanceof TlogError) throw couldNotRun(`--log-vkey: ${thrown.message}`, thrown);
    throw thrown;
  }
}
