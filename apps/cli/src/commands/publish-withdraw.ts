/** `vitrine publish withdraw`: says of a release that it must not be used, and why. */
import { formatStatement, payloadDigestOf, signStatement, withdrawalStatement } from '@vitrine/statements';
import { encodeBase64 } from '@vitrine/tlog';
import { connect, hasProblem, patiently, statementsOrigin } from '../centre-connection.ts';
import { checkPromise, fetchStatementEvidence } from '../evidence-source.ts';
import { refused } from '../failure.ts';
import { policyToHold } from '../policy-option.ts';
import { readReason } from '../reason-option.ts';
import type { ReasonOptions } from '../reason-option.ts';
import { document } from '../release-contents.ts';
import { readSigningKey } from '../signing-key.ts';
import type { Terminal } from '../terminal.ts';
import { waiting } from '../waiting.ts';

export interface PublishWithdrawOptions extends ReasonOptions {
  readonly server: string;
  readonly key: string;
  readonly product: string;
  /** Whom the evidence must convince; the centre's own policy where it is not given. */
  readonly policy?: string;
  readonly release: string;
  readonly json?: boolean;
}

/** @returns the exit code @throws Failure, ApiError */
export async function publishWithdraw(options: PublishWithdrawOptions, terminal: Terminal): Promise<0> {
  const { product, release: version } = options;
  const reason = document('reason', await readReason(options));
  const signer = await readSigningKey(options.key, (text) => terminal.note(text));
  const client = connect(options.server);
  const onWait = waiting(terminal);
  const [log, release] = await Promise.all([
    statementsOrigin(client),
    client.call('release', { params: { product, version } }).catch((thrown: unknown) => {
      if (hasProblem(thrown, 'not-found'))
        throw refused(`the centre has no release ${version} of ${product}`, thrown);
      throw thrown;
    }),
  ]);
  const policy = await policyToHold(options.policy, client, log, onWait);
  const statement = withdrawalStatement({
    log,
    product,
    version,
    release: release.digest,
    reason: { digest: reason.digest },
  });
  const digest = payloadDigestOf(formatStatement(statement));
  const envelope = new TextDecoder().decode(await signStatement(statement, [signer]));
  const {
    statements: [accepted],
  } = await patiently(
    () =>
      client.call('registerStatements', {
        body: { log: 'statements', envelopes: [envelope], bodies: [encodeBase64(reason.bytes)] },
      }),
    onWait,
  );
  if (accepted?.digest !== digest) throw refused('the centre accepted another statement than the one sent');
  const evidence = await fetchStatementEvidence(client, digest, onWait);
  checkPromise(evidence, policy, { accepted, digest });
  if (options.json === true)
    terminal.print(
      `${JSON.stringify({ product, version, release: release.digest, withdrawal: digest, accepted })}\n`,
    );
  else
    terminal.print(
      `${product} ${version} ${accepted.duplicate ? 'was already withdrawn for this reason' : 'is withdrawn'}.\n` +
        `accepted  entry ${accepted.index}, ${new Date(accepted.registeredAt).toISOString()}\n`,
    );
  return 0;
}
