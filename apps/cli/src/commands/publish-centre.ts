/** `vitrine publish centre`: announces a transparency centre, or that it has closed. */
import { centreStatement, REGIONS } from '@vitrine/statements';
import * as v from 'valibot';
import { readJsonFile } from '../json-file.ts';
import { acceptedInWords, sayAtCentre } from '../statement-registration.ts';
import type { SayingOptions } from '../statement-registration.ts';
import type { Terminal } from '../terminal.ts';

export interface PublishCentreOptions extends SayingOptions {
  readonly file: string;
}

const centreFile = v.strictObject({
  centre: v.strictObject({
    name: v.string(),
    operator: v.string(),
    city: v.string(),
    country: v.string(),
    region: v.picklist(REGIONS),
    url: v.string(),
  }),
  witness: v.string(),
  mirror: v.string(),
  intake: v.strictObject({ origin: v.string(), vkey: v.string() }),
  version: v.number(),
  working: v.optional(v.boolean(), true),
});

/** @returns the exit code @throws Failure, ApiError */
export async function publishCentre(options: PublishCentreOptions, terminal: Terminal): Promise<0> {
  const announced = await readJsonFile(options.file, centreFile);
  const registered = await sayAtCentre(options, terminal, (log) => ({
    statement: centreStatement({ ...announced, log }),
    bodies: [],
  }));
  const { accepted, digest } = registered;
  const { centre, working } = announced;
  if (options.json === true)
    terminal.print(`${JSON.stringify({ centre: centre.name, announcement: digest, accepted })}\n`);
  else
    terminal.print(
      `${centre.name} is announced as ${working ? 'working' : 'closed'}.\n${acceptedInWords(registered)}`,
    );
  return 0;
}
