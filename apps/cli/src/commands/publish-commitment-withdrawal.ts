/** `vitrine publish commitment-withdrawal`: a promise is withdrawn, for a public reason. */
import { commitmentWithdrawalStatement } from '@vitrine/statements';
import { readCommitment } from '../commitment-at-centre.ts';
import { digestOf } from '../commitment-draft.ts';
import { readReason } from '../reason-option.ts';
import type { ReasonOptions } from '../reason-option.ts';
import { acceptedInWords, sayAtCentre } from '../statement-registration.ts';
import type { SayingOptions } from '../statement-registration.ts';
import type { Terminal } from '../terminal.ts';

export interface PublishCommitmentWithdrawalOptions extends SayingOptions, ReasonOptions {
  readonly commitment: string;
}

/** @returns the exit code @throws Failure, ApiError */
export async function publishCommitmentWithdrawal(
  options: PublishCommitmentWithdrawalOptions,
  terminal: Terminal,
): Promise<0> {
  const { commitment: id } = options;
  const reason = await readReason(options);
  const registered = await sayAtCentre(options, terminal, async (log, client, onWait) => {
    const { digest, product } = await readCommitment(client, id, onWait);
    return {
      statement: commitmentWithdrawalStatement({
        commitment: digest,
        id,
        log,
        reason: { digest: digestOf(reason) },
        ...(product === undefined ? {} : { product }),
      }),
      bodies: [reason],
    };
  });
  const { accepted, digest } = registered;
  if (options.json === true) terminal.print(`${JSON.stringify({ id, withdrawal: digest, accepted })}\n`);
  else terminal.print(`${id} is withdrawn.\n${acceptedInWords(registered)}`);
  return 0;
}
