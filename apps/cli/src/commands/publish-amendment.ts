/** `vitrine publish amendment`: a promise reads differently from now on, for a public reason; the old text stays. */
import { inForce } from '@vitrine/commitments';
import { commitmentAmendmentStatement } from '@vitrine/statements';
import { digestOf, readCommitmentDraft } from '../commitment-draft.ts';
import { readCommitment } from '../commitment-at-centre.ts';
import { couldNotRun } from '../failure.ts';
import { readReason } from '../reason-option.ts';
import type { ReasonOptions } from '../reason-option.ts';
import { acceptedInWords, sayAtCentre } from '../statement-registration.ts';
import type { SayingOptions } from '../statement-registration.ts';
import type { Terminal } from '../terminal.ts';

export interface PublishAmendmentOptions extends SayingOptions, ReasonOptions {
  readonly file: string;
}

/** @returns the exit code @throws Failure, ApiError */
export async function publishAmendment(options: PublishAmendmentOptions, terminal: Terminal): Promise<0> {
  const { body, terms } = await readCommitmentDraft(options.file);
  const { announced, ...amended } = terms;
  if (announced !== undefined)
    throw couldNotRun(`${options.file}: an amendment is announced by being logged; take “announced” out`);
  const reason = await readReason(options);
  let version = 0;
  const registered = await sayAtCentre(options, terminal, async (log, client, onWait) => {
    const known = await readCommitment(client, terms.id, onWait);
    const newest = inForce(known);
    // The same again is the same statement, not another amendment.
    const isAgain = newest.body === amended.body.digest && newest.reason === digestOf(reason);
    version = isAgain ? newest.version : newest.version + 1;
    return {
      statement: commitmentAmendmentStatement({
        ...amended,
        commitment: known.digest,
        log,
        reason: { digest: digestOf(reason) },
        version,
      }),
      bodies: [body, reason],
    };
  });
  const { accepted, digest } = registered;
  if (options.json === true)
    terminal.print(`${JSON.stringify({ id: terms.id, amendment: digest, version, accepted })}\n`);
  else terminal.print(`${terms.id} is amended: version ${version}.\n${acceptedInWords(registered)}`);
  return 0;
}
