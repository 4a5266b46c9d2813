/** A JSON file of the user's, read as what a schema says. */
import { explainIssues } from '@vitrine/statements';
import * as v from 'valibot';
import { couldNotRun } from './failure.ts';
import { readBounded } from './local-file.ts';

const MAX_BYTES = 1024 * 1024;

/** @throws Failure that says where it is something else */
export async function readJsonFile<Output>(
  file: string,
  schema: v.GenericSchema<unknown, Output>,
): Promise<Output> {
  const bytes = await readBounded(file, MAX_BYTES);
  if (bytes.length > MAX_BYTES) throw couldNotRun(`${file} is over ${MAX_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw couldNotRun(`${file} is not JSON in UTF-8`, cause);
  }
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) throw couldNotRun(`${file}: ${explainIssues(parsed.issues)}`);
  return parsed.output;
}
