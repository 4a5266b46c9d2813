// Who stands behind a key: an object that the keys log commits to and does not hold. Whoever is shown it checks it against
// the log; when its last copy is erased, every proof stays valid, and the salt keeps anyone from guessing the name.

import { sha256 } from '@noble/hashes/sha2.js';
import { encodeHex } from '@vitrine/tlog';
import * as v from 'valibot';
import { formatCanonicalJson, parseCanonicalJson } from './canonical-json.ts';
import { StatementError } from './error.ts';
import { sha256Hex } from './scalars.ts';
import { explainIssues } from './schema-issue.ts';

/** The largest holder object accepted, in bytes. */
export const MAX_KEY_HOLDER_BYTES = 4096;

const keyHolder = v.strictObject({
  holder: v.pipe(
    v.string(),
    v.regex(
      /^[^\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]{1,500}$/u,
      'expected 1–500 characters, none that controls, hides or reorders text',
    ),
  ),
  salt: sha256Hex,
});

/** `holder`: who it is, in words. `salt`: 32 random bytes in hex. */
export type KeyHolder = v.InferOutput<typeof keyHolder>;

/**
 * The bytes of a holder object.
 *
 * @throws StatementError `malformed-body`
 */
export function formatKeyHolder(holder: KeyHolder): Uint8Array {
  return formatCanonicalJson(checkHolder(holder));
}

/**
 * The inverse of formatKeyHolder.
 *
 * @throws StatementError `too-large`, `malformed-json`, `not-canonical-json`, `malformed-body`
 */
export function parseKeyHolder(bytes: Uint8Array): KeyHolder {
  return checkHolder(parseCanonicalJson(bytes, { maxBytes: MAX_KEY_HOLDER_BYTES, maxDepth: 1 }));
}

/** What a `key-add/v1` says of its holder: hex SHA-256 of the object's bytes. */
export function commitmentTo(holder: KeyHolder): string {
  return encodeHex(sha256(formatKeyHolder(holder)));
}

function checkHolder(value: unknown): KeyHolder {
  const parsed = v.safeParse(keyHolder, value);
  if (parsed.success) return parsed.output;
  throw new StatementError('malformed-body', `not the holder of a key: ${explainIssues(parsed.issues)}`);
}
