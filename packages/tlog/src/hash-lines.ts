// Hashes as C2SP's text formats carry them: each alone on its line, in Base 64.

import { decodeBase64 } from './base64.ts';
import type { TlogError } from './error.ts';
import { HASH_BYTES } from './merkle.ts';

/** `refuse` makes the error of the format at hand: `hash 3 has 31 bytes, not 32`. */
export type Refuse = (why: string, options?: ErrorOptions) => TlogError;

/** One hash of 32 bytes a line; `maxHashes` bounds the work before any line is decoded. */
export function parseHashLines(lines: readonly string[], maxHashes: number, refuse: Refuse): Uint8Array[] {
  if (lines.length > maxHashes) throw refuse(`it has more than ${maxHashes} hashes`);
  return lines.map((line, i) => parseHashLine(line, `hash ${i + 1}`, refuse));
}

/** The 32 bytes that `what` holds. */
export function parseHashLine(line: string, what: string, refuse: Refuse): Uint8Array {
  let hash: Uint8Array;
  try {
    hash = decodeBase64(line);
  } catch (cause) {
    throw refuse(`${what} is not canonical Base 64`, { cause });
  }
  if (hash.length !== HASH_BYTES) throw refuse(`${what} has ${hash.length} bytes, not 32`);
  return hash;
}
