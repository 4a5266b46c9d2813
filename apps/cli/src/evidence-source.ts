/** Evidence from a centre, and whether it keeps what the centre promised. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AcceptedStatement, ApiClient } from '@vitrine/api';
import { foldKeys, openAcceptance, parseStatementLeaf, StatementError } from '@vitrine/statements';
import { encodeHex, hashLeaf } from '@vitrine/tlog';
import {
  MAX_EVIDENCE_BYTES,
  parseEvidence,
  parseVerificationPolicy,
  verifyEvidence,
} from '@vitrine/verifier';
import { hasProblem, patiently } from './centre-connection.ts';
import { verifyWithOpenssl } from './ed25519.ts';
import { couldNotRun, reasonOf, refused } from './failure.ts';

/** How long publication is waited for, beyond the 30 s that the server itself waits. */
const PUBLICATION_PATIENCE_MS = 60_000;

/** At most `maxBytes` bytes of a response, and one more of a longer one, for the parser to refuse. */
export async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a response gave something else than bytes');
    parts.push(chunk);
    length += chunk.length;
    if (length > maxBytes) break;
  }
  return Buffer.concat(parts).subarray(0, maxBytes + 1);
}

/** The evidence about a statement, once it is published. @throws Failure when that takes too long; ApiError */
export async function fetchStatementEvidence(
  client: ApiClient,
  digest: string,
  onWait: (reason: string) => void,
): Promise<Uint8Array> {
  const deadline = performance.now() + PUBLICATION_PATIENCE_MS;
  for (let waitMs = 250; ; waitMs = Math.min(2 * waitMs, 4_000)) {
    try {
      return await patiently(
        async () =>
          readBody(await client.call('statementEvidence', { params: { digest } }), MAX_EVIDENCE_BYTES),
        onWait,
      );
    } catch (thrown) {
      if (!hasProblem(thrown, 'not-published-yet')) throw thrown;
      if (performance.now() > deadline)
        throw couldNotRun(
          'the statement is registered, but the centre has not published it yet; run the same command again later',
          thrown,
        );
      onWait(thrown.message);
      await sleep(waitMs);
    }
  }
}

/** A statement that the centre accepted, with the file that it is about, if it is about one. */
export interface PromisedStatement {
  readonly accepted: AcceptedStatement | undefined;
  readonly digest: string;
  readonly file?: { readonly name: string; readonly sha256: string; readonly sizeBytes: number };
}

/**
 * Checks that evidence is about the statement, holds under the policy, and shows the leaf that the acceptance promised,
 * signed by a key that the log itself says may accept.
 * @param mayBeWithdrawn whether a withdrawal is no reason to refuse it
 * @throws Failure that says which promise was broken
 */
export function checkPromise(
  evidence: Uint8Array,
  policy: string,
  { accepted, digest, file }: PromisedStatement,
  mayBeWithdrawn = false,
): void {
  const verdict = verifyEvidence({
    evidence,
    policy,
    verify: verifyWithOpenssl,
    ...(file === undefined ? {} : { file }),
  });
  const failed = verdict.checks.find(({ name, ok }) => !ok && !(mayBeWithdrawn && name === 'not-withdrawn'));
  if (failed !== undefined)
    throw refused(`the centre's evidence does not verify: ${failed.name}: ${failed.reason}`);
  const { statements, keys } = parseEvidence(evidence);
  const [about] = statements;
  if (about === undefined || parseStatementLeaf(about.leaf).payloadDigest !== digest)
    throw refused('the centre answered with evidence about another statement');
  if (accepted === undefined) return;
  const { keysOrigin } = parseVerificationPolicy(policy);
  try {
    const promise = openAcceptance(
      new TextEncoder().encode(accepted.acceptance),
      foldKeys(keysOrigin, keys.leaves, verifyWithOpenssl).state,
      verifyWithOpenssl,
    );
    if (promise.leafIndex !== about.proof.index || promise.leafHash !== encodeHex(hashLeaf(about.leaf)))
      throw refused(
        `the centre's acceptance promised another entry than it published; keep the acceptance, it is evidence: ${accepted.acceptance}`,
      );
  } catch (thrown) {
    if (!(thrown instanceof StatementError)) throw thrown;
    throw refused(`the centre's acceptance does not hold: ${reasonOf(thrown)}`, thrown);
  }
}
