/** A closing on its way into the root log of a centre, with its reason, and whether the centre kept its word. */
import type { AcceptedStatement } from '@vitrine/api';
import { encodeBase64 } from '@vitrine/tlog';
import { connect, hasProblem, patiently } from './centre-connection.ts';
import { checkPromise, fetchStatementEvidence } from './evidence-source.ts';
import { couldNotRun, refused } from './failure.ts';
import { formatKeyStatement } from './key-statement-file.ts';
import type { KeyStatementFile } from './key-statement-file.ts';
import { policyToHold } from './policy-option.ts';

/** @param reason the public body that it names @throws Failure, ApiError */
export async function registerClosing(
  server: string,
  file: KeyStatementFile,
  reason: Uint8Array | undefined,
  onWait: (reason: string) => void,
): Promise<AcceptedStatement> {
  if (reason === undefined) throw couldNotRun('give the reason: --reason TEXT or --reason-file FILE');
  const client = connect(server);
  const { digest, statement } = file;
  const policy = await policyToHold(undefined, client, statement.predicate.log, onWait);
  const envelope = new TextDecoder().decode(formatKeyStatement(file));
  const body = { log: 'statements' as const, envelopes: [envelope], bodies: [encodeBase64(reason)] };
  try {
    const {
      statements: [accepted],
    } = await patiently(() => client.call('registerStatements', { body }), onWait);
    if (accepted?.digest !== digest) throw refused('the centre accepted another statement than the one sent');
    checkPromise(await fetchStatementEvidence(client, digest, onWait), policy, { accepted, digest });
    return accepted;
  } catch (thrown) {
    if (hasProblem(thrown, 'log-moved', 'log-closed')) throw refused(thrown.message, thrown);
    throw thrown;
  }
}
