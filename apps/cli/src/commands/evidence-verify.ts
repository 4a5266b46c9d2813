/** `vitrine evidence verify FILE`: the verdict on evidence by itself, for statements that have no file, and for proofs of misbehaviour. */
import { judgeEvidence } from '../evidence-judgement.ts';
import { readEvidence } from '../evidence-renewal.ts';
import { readPolicy } from '../policy-option.ts';
import type { Terminal } from '../terminal.ts';
import { printVerdict } from '../verdict-output.ts';
import { waiting } from '../waiting.ts';
import { readMaxAge } from './verify.ts';

export interface EvidenceVerifyOptions {
  readonly policy: string;
  /** The centre that is asked for the newest evidence about the same statement; that is then judged. */
  readonly server?: string;
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
  const evidence = await readEvidence(file, options.server, waiting(terminal));
  const verdict = judgeEvidence(evidence, policy, {
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(options.logVkey === undefined ? {} : { logVkeys: options.logVkey }),
  });
  return printVerdict(verdict, options.json === true, terminal);
}
