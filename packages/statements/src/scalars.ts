// The small values that statements are made of: digests, counts, names. Names are shown to people next to
// verdicts, so no character that reorders or hides text is allowed in one.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { decodeBase64 } from '@vitrine/tlog';
import * as v from 'valibot';

/** Lower-case hex SHA-256. */
export const sha256Hex = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, 'expected SHA-256 as 64 lower-case hex digits'),
);

/** Standard base64 with padding, in its one spelling. */
export const base64 = v.pipe(v.string(), v.check(isBase64, 'expected standard base64 with padding'));

/** A count, an index, a size in bytes or a time in milliseconds. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A count from 1. */
export const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** The name of an instance, NAME in the origins of its logs. */
export const instanceName = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._:-]*(?:\/[A-Za-z0-9][A-Za-z0-9._:-]*)*$/,
    'expected 1–128 letters, digits and . _ : - with / between parts',
  ),
);

/** The origin of a log: NAME/statements, NAME/keys. */
export const logOrigin = v.pipe(
  v.string(),
  v.maxLength(200),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*(?:\/[A-Za-z0-9][A-Za-z0-9._:-]*)+$/, 'expected NAME/<log>'),
);

export const productName = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1–64 of a–z 0–9 . _ - beginning with a letter or digit'),
);

export const versionName = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._+~:-]{0,63}$/,
    'expected 1–64 of A–Z a–z 0–9 . _ + ~ : - beginning with a letter or digit',
  ),
);

/** Where something answers, for a path to be appended to. */
export const httpUrl = v.pipe(
  v.string(),
  v.maxLength(200),
  v.regex(
    /^https?:\/\/(?:(?![?#])[\x21-\x7e])*(?![?#/])[\x21-\x7e]$/,
    'expected http(s)://… without a query, a fragment and a slash at its end',
  ),
);

/** A file name without a folder. */
export const artifactName = v.pipe(
  v.string(),
  v.check(
    isArtifactName,
    'expected 1–255 bytes, no / or \\, no control or direction-changing characters, not . or ..',
  ),
);

// Slashes of both kinds, since names become files; controls, line separators and the marks that change the
// direction of text, since names are read by people.
const FORBIDDEN_IN_NAMES = /[/\\\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

function isArtifactName(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || !name.isWellFormed()) return false;
  return !FORBIDDEN_IN_NAMES.test(name) && utf8ToBytes(name).length <= 255;
}

function isBase64(text: string): boolean {
  try {
    decodeBase64(text);
    return true;
  } catch {
    return false;
  }
}
