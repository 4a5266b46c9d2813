/** Applies a schema and turns its first complaint into an error with a pointer. */
import * as v from 'valibot';
import { DocumentError, jsonPointer } from './document-error.ts';

/** @throws DocumentError schema */
export function checkSchema<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  what: string,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  throw new DocumentError('schema', `not ${what}: ${issue.message}`, jsonPointer(path));
}
