/** `vitrine publish withdraw`: says of a release that it must not be used, and why. */
import { withdrawalStatement } from '@vitrine/statements';
import { hasProblem } from '../centre-connection.ts';
import { refused } from '../failure.ts';
import { readReason } from '../reason-option.ts';
import type { ReasonOptions } from '../reason-option.ts';
import { document } from '../release-contents.ts';
import { acceptedInWords, sayAtCentre } from '../statement-registration.ts';
import type { SayingOptions } from '../statement-registration.ts';
import type { Terminal } from '../terminal.ts';

export interface PublishWithdrawOptions extends SayingOptions, ReasonOptions {
  readonly product: string;
  readonly release: string;
}

/** @returns the exit code @throws Failure, ApiError */
export async function publishWithdraw(options: PublishWithdrawOptions, terminal: Terminal): Promise<0> {
  const { product, release: version } = options;
  const reason = document('reason', await readReason(options));
  let release = '';
  const registered = await sayAtCentre(options, terminal, async (log, client) => {
    const named = await client.call('release', { params: { product, version } }).catch((thrown: unknown) => {
      if (hasProblem(thrown, 'not-found'))
        throw refused(`the centre has no release ${version} of ${product}`, thrown);
      throw thrown;
    });
    release = named.digest;
    return {
      statement: withdrawalStatement({ log, product, version, release, reason: { digest: reason.digest } }),
      bodies: [reason.bytes],
    };
  });
  const { accepted, digest } = registered;
  if (options.json === true)
    terminal.print(`${JSON.stringify({ product, version, release, withdrawal: digest, accepted })}\n`);
  else
    terminal.print(
      `${product} ${version} ${accepted.duplicate ? 'was already withdrawn for this reason' : 'is withdrawn'}.\n${acceptedInWords(registered)}`,
    );
  return 0;
}
