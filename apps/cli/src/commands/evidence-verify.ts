/** `vitrine evidence verify FILE`: the verdict on evidence by itself, for statements that have no file, and for proofs of misbehaviour. */
import { TlogError } from '@vitrine/tlog';
import { MAX_EVIDENCE_BYTES, verifyEvidence } from '@vitrine/verifier';
import { isForkEvidence, verifyFork } from '@vitrine/verifier/fork';
import { verifyWithOpenssl } from '../ed25519.ts';
import { couldNotRun } from '../failure.ts';
import { readBounded } from '../local-file.ts';
import type { Terminal } from '../terminal.ts';
import { printVerdict } from '../verdict-output.ts';
import { readMaxAge, readPolicy } from './verify.ts';

export interface EvidenceVerifyOptions {
  readonly policy: string;
  readonly maxAge?: string;
  /** Of logs that the policy does not name, for a proof of misbehaviour. */
  readonly logVkey?: readonly string[];
  readonly json?: boolean;
}

/** @returns the exit code: 0 verified (a proof of misbehaviour: it proves one), 1 refused @throws Failure when it could not run */
export async function evidenceVerify(
  file: string,
  options: EvidenceVerifyOptions,
  terminal: Terminal,
): Promise<0 | 1> {
  const maxAgeMs = readMaxAge(options.maxAge);
  const policy = await readPolicy(options.policy);
  const evidence = await readBounded(file, MAX_EVIDENCE_BYTES);
  if (isForkEvidence(evidence)) {
    const verdict = judgeFork(evidence, policy, options.logVkey ?? []);
    return printVerdict(verdict, options.json === true, terminal);
  }
  const verdict = verifyEvidence({
    evidence,
    policy,
    verify: verifyWithOpenssl,
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  });
  return printVerdict(verdict, options.json === true, terminal);
}

function judgeFork(
  evidence: Uint8Array,
  policy: string,
  logVkeys: readonly string[],
): ReturnType<typeof verifyFork> {
  try {
    return verifyFork({ evidence, policy, logVkeys });
  } catch (thrown) {
    if (thrown instanceof TlogError) throw couldNotRun(`--log-vkey: ${thrown.message}`, thrown);
    throw thrown;
  }
}
