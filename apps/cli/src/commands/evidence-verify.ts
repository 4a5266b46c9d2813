/** `vitrine evidence verify FILE`: the verdict on evidence by itself, for statements that have no file. */
import { MAX_EVIDENCE_BYTES, verifyEvidence } from '@vitrine/verifier';
import { verifyWithOpenssl } from '../ed25519.ts';
import { readBounded } from '../local-file.ts';
import type { Terminal } from '../terminal.ts';
import { printVerdict } from '../verdict-output.ts';
import { readMaxAge, readPolicy } from './verify.ts';

export interface EvidenceVerifyOptions {
  readonly policy: string;
  readonly maxAge?: string;
  readonly json?: boolean;
}

/** @returns the exit code: 0 verified, 1 refused @throws Failure when it could not run */
export async function evidenceVerify(
  file: string,
  options: EvidenceVerifyOptions,
  terminal: Terminal,
): Promise<0 | 1> {
  const maxAgeMs = readMaxAge(options.maxAge);
  const policy = await readPolicy(options.policy);
  const evidence = await readBounded(file, MAX_EVIDENCE_BYTES);
  const verdict = verifyEvidence({
    evidence,
    policy,
    verify: verifyWithOpenssl,
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  });
  return printVerdict(verdict, options.json === true, terminal);
}
