/** `vitrine publish event`: records that something happened in the world, with its sources. */
import { formatEventBody } from '@vitrine/commitments';
import { eventStatement } from '@vitrine/statements';
import { checked, digestOf, eventFile } from '../commitment-draft.ts';
import { readJsonFile } from '../json-file.ts';
import { acceptedInWords, sayAtCentre } from '../statement-registration.ts';
import type { SayingOptions } from '../statement-registration.ts';
import type { Terminal } from '../terminal.ts';

export interface PublishEventOptions extends SayingOptions {
  readonly file: string;
}

/** @returns the exit code @throws Failure, ApiError */
export async function publishEvent(options: PublishEventOptions, terminal: Terminal): Promise<0> {
  const { body: text, ...event } = await readJsonFile(options.file, eventFile);
  const body = checked(options.file, () => formatEventBody(text));
  const registered = await sayAtCentre(options, terminal, (log) => ({
    statement: eventStatement({ ...event, body: { digest: digestOf(body) }, log }),
    bodies: [body],
  }));
  const { accepted, digest } = registered;
  if (options.json === true) terminal.print(`${JSON.stringify({ event: digest, accepted })}\n`);
  else terminal.print(`${event.kind} of ${event.happened} is recorded.\n${acceptedInWords(registered)}`);
  return 0;
}
