/** Commitments and events as their authors write them: one JSON file with the terms and the text. */
import { hash } from 'node:crypto';
import { CommitmentError, formatCommitmentBody, parseAcceptance } from '@vitrine/commitments';
import {
  calendarPeriod,
  commitmentAcceptance,
  commitmentDue,
  commitmentId,
  productName,
} from '@vitrine/statements';
import * as v from 'valibot';
import { refused } from './failure.ts';
import { readJsonFile } from './json-file.ts';

const sources = v.optional(v.array(v.strictObject({ title: v.string(), url: v.string() })), []);

const commitmentFile = v.strictObject({
  id: commitmentId,
  product: v.exactOptional(productName),
  announced: v.exactOptional(calendarPeriod),
  due: commitmentDue,
  acceptance: v.exactOptional(commitmentAcceptance),
  body: v.strictObject({ by: v.string(), to: v.string(), title: v.string(), text: v.string(), sources }),
});

export const eventFile = v.strictObject({
  kind: v.string(),
  happened: calendarPeriod,
  product: v.exactOptional(productName),
  data: v.optional(v.record(v.string(), v.union([v.boolean(), v.number(), v.string()])), {}),
  body: v.strictObject({ title: v.string(), text: v.string(), sources }),
});

/** The terms of a commitment, as they go into a statement, and its body. */
export interface CommitmentDraft {
  readonly terms: Omit<v.InferOutput<typeof commitmentFile>, 'body'> & {
    readonly body: { readonly digest: string };
  };
  readonly body: Uint8Array;
}

/** @throws Failure; also when nothing could ever keep it */
export async function readCommitmentDraft(file: string): Promise<CommitmentDraft> {
  const { body: text, ...terms } = await readJsonFile(file, commitmentFile);
  return checked(file, () => {
    if (terms.acceptance !== undefined) parseAcceptance(terms.acceptance);
    const body = formatCommitmentBody(text);
    return { terms: { ...terms, body: { digest: digestOf(body) } }, body };
  });
}

/** Hex SHA-256. */
export function digestOf(body: Uint8Array): string {
  return hash('sha256', body, 'hex');
}

/** @throws Failure for what makes no commitment or event */
export function checked<Value>(file: string, make: () => Value): Value {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof CommitmentError)) throw cause;
    throw refused(`${file}: ${cause.message} (${cause.code})`, cause);
  }
}
