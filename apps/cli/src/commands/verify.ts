/** `vitrine verify FILE`: hashes the file and says what the evidence shows of it, under a policy. */
import { basename } from 'node:path';
import { EvidenceError, MAX_EVIDENCE_BYTES, parseDuration, verifyEvidence } from '@vitrine/verifier';
import type { Verdict } from '@vitrine/verifier';
import { connect, deepMessage, hasProblem, patiently } from '../centre-connection.ts';
import { verifyWithOpenssl } from '../ed25519.ts';
import { readBody } from '../evidence-source.ts';
import { couldNotRun } from '../failure.ts';
import { hashFile, readBounded } from '../local-file.ts';
import { formatBytes } from '../progress.ts';
import { readPolicy } from '../policy-option.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';
import { printVerdict } from '../verdict-output.ts';

export interface VerifyOptions {
  readonly policy: string;
  readonly evidence?: string;
  readonly server?: string;
  readonly maxAge?: string;
  readonly json?: boolean;
}

/** @returns the exit code: 0 verified, 1 refused @throws Failure when it could not run */
export async function verify(file: string, options: VerifyOptions, terminal: Terminal): Promise<0 | 1> {
  const { evidence: evidenceFile, server } = options;
  if ((evidenceFile === undefined) === (server === undefined))
    throw couldNotRun('give the evidence once: --evidence FILE or --server URL');
  const maxAgeMs = readMaxAge(options.maxAge);
  const policy = await readPolicy(options.policy);
  const task = terminal.progress.start(`hashing ${basename(file)}`, 'bytes');
  const hashed = await hashFile(file, (bytes) => task.update(bytes));
  task.end(formatBytes(hashed.sizeBytes));
  const evidence =
    evidenceFile !== undefined
      ? await readBounded(evidenceFile, MAX_EVIDENCE_BYTES)
      : await fetchEvidence(server ?? '', hashed.sha256, terminal);
  const verdict =
    evidence === undefined
      ? nothingKnown(server ?? '', hashed.sha256)
      : verifyEvidence({
          evidence,
          policy,
          verify: verifyWithOpenssl,
          file: { name: basename(file), ...hashed },
          ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
        });
  return printVerdict(verdict, options.json === true, terminal);
}

/** @throws Failure */
export function readMaxAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    return parseDuration(text);
  } catch (thrown) {
    if (!(thrown instanceof EvidenceError)) throw thrown;
    throw couldNotRun(`--max-age ${text}: ${thrown.message}`, thrown);
  }
}

/** The centre's evidence about the newest release that names this digest, or undefined when it knows none. */
async function fetchEvidence(
  server: string,
  sha256: string,
  terminal: Terminal,
): Promise<Uint8Array | undefined> {
  const client = connect(server);
  try {
    return await patiently(
      async () => readBody(await client.call('artifactEvidence', { params: { sha256 } }), MAX_EVIDENCE_BYTES),
      (reason) => terminal.note(`waiting: ${printable(reason)}`),
      'busy',
    );
  } catch (thrown) {
    if (hasProblem(thrown, 'not-found')) return undefined;
    throw couldNotRun(deepMessage(thrown), thrown);
  }
}

function nothingKnown(server: string, sha256: string): Verdict {
  return {
    ok: false,
    sentence: `Refused: nothing is known of this file at ${server}: no release there names its SHA-256, ${sha256}.`,
    checks: [
      {
        name: 'evidence',
        ok: false,
        reason: `the centre at ${server} has no evidence about a file with this SHA-256`,
        collusion: null,
      },
    ],
    notShown: ['whether another centre knows the file'],
    asOf: null,
    about: null,
  };
}
