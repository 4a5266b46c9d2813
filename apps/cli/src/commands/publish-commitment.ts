/** `vitrine publish commitment`: promises something, with a date and what shows that it is kept. */
import { acceptanceInWords } from '@vitrine/commitments';
import { commitmentStatement } from '@vitrine/statements';
import { readCommitmentDraft } from '../commitment-draft.ts';
import { printable } from '../printable.ts';
import { acceptedInWords, sayAtCentre } from '../statement-registration.ts';
import type { SayingOptions } from '../statement-registration.ts';
import type { Terminal } from '../terminal.ts';

export interface PublishCommitmentOptions extends SayingOptions {
  readonly file: string;
}

/** @returns the exit code @throws Failure, ApiError */
export async function publishCommitment(options: PublishCommitmentOptions, terminal: Terminal): Promise<0> {
  const { body, terms } = await readCommitmentDraft(options.file);
  for (const words of terms.acceptance === undefined ? [] : acceptanceInWords(terms.acceptance))
    terminal.note(`kept by: ${printable(words)}`);
  const registered = await sayAtCentre(options, terminal, (log) => ({
    statement: commitmentStatement({ ...terms, log }),
    bodies: [body],
  }));
  const { accepted, digest } = registered;
  if (options.json === true)
    terminal.print(`${JSON.stringify({ id: terms.id, commitment: digest, version: 1, accepted })}\n`);
  else terminal.print(`${terms.id} is promised.\n${acceptedInWords(registered)}`);
  return 0;
}
