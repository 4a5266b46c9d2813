/** A statement on its way into the root log of a centre: signed here, registered with its bodies, and the centre's promise checked. */
import type { AcceptedStatement, ApiClient } from '@vitrine/api';
import { formatStatement, payloadDigestOf, signStatement, StatementError } from '@vitrine/statements';
import type { RootStatement } from '@vitrine/statements';
import { encodeBase64 } from '@vitrine/tlog';
import { connect, patiently, statementsOrigin } from './centre-connection.ts';
import { checkPromise, fetchStatementEvidence } from './evidence-source.ts';
import { couldNotRun, refused } from './failure.ts';
import { policyToHold } from './policy-option.ts';
import { readSigningKey } from './signing-key.ts';
import type { Terminal } from './terminal.ts';
import { waiting } from './waiting.ts';

/** The options of every command that says something in the root log. */
export interface SayingOptions {
  readonly server: string;
  readonly key: string;
  /** Whom the evidence must convince; the centre's own policy where it is not given. */
  readonly policy?: string;
  readonly json?: boolean;
}

/** A statement, and the bodies that it names. */
export interface Saying {
  readonly statement: RootStatement;
  readonly bodies: readonly Uint8Array[];
}

export interface Registered {
  readonly digest: string;
  readonly accepted: AcceptedStatement;
}

/**
 * @param compose what is said, for the root log of this origin
 * @throws Failure, ApiError
 */
export async function sayAtCentre(
  options: SayingOptions,
  terminal: Terminal,
  compose: (log: string, client: ApiClient, onWait: (reason: string) => void) => Promise<Saying> | Saying,
): Promise<Registered> {
  const signer = await readSigningKey(options.key, (text) => terminal.note(text));
  const client = connect(options.server);
  const onWait = waiting(terminal);
  const log = await statementsOrigin(client);
  const { bodies, statement } = await compose(log, client, onWait);
  const policy = await policyToHold(options.policy, client, log, onWait);
  const digest = digestOf(statement);
  const envelope = new TextDecoder().decode(await signStatement(statement, [signer]));
  const {
    statements: [accepted],
  } = await patiently(
    () =>
      client.call('registerStatements', {
        body: { log: 'statements', envelopes: [envelope], bodies: bodies.map(encodeBase64) },
      }),
    onWait,
  );
  if (accepted?.digest !== digest) throw refused('the centre accepted another statement than the one sent');
  checkPromise(await fetchStatementEvidence(client, digest, onWait), policy, { accepted, digest });
  return { digest, accepted };
}

/** Where and when it was accepted, as a line for people. */
export function acceptedInWords({ accepted }: Registered): string {
  return `accepted  entry ${accepted.index}, ${new Date(accepted.registeredAt).toISOString()}\n`;
}

/** @throws Failure when the values make no statement */
function digestOf(statement: RootStatement): string {
  try {
    return payloadDigestOf(formatStatement(statement));
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw couldNotRun(cause.message, cause);
  }
}
