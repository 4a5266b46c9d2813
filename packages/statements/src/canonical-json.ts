// Canonical JSON: RFC 8785 (JCS), for values whose numbers are safe integers. One value has one spelling, so
// the digest of the bytes is the digest of the value, and a duplicate member or a second spelling of a number
// cannot mean one thing to one reader and another to the next.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { StatementError } from './error.ts';

// Every runtime we run in has TextDecoder, but the types of this browser-safe package name no runtime.
declare const TextDecoder: new (
  label: 'utf-8',
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [member: string]: JsonValue };

export interface JsonLimits {
  readonly maxBytes: number;
  /** How many objects and arrays may stand within one another; 16 unless given. */
  readonly maxDepth?: number;
}

const DEFAULT_MAX_DEPTH = 16;

/**
 * The canonical bytes of a value.
 *
 * @throws RangeError on a number that is not a safe integer and on text with half a surrogate pair
 * @see RFC 8785, section 3.2
 */
export function formatCanonicalJson(value: JsonValue): Uint8Array {
  return utf8ToBytes(serialize(value));
}

/**
 * Parses bytes that are their value's canonical form, and no others.
 *
 * @throws StatementError `too-large`, `malformed-json` (not UTF-8, not JSON, nested too deep),
 * `not-canonical-json` (white space, order, duplicate members, other spellings, unsafe numbers)
 */
export function parseCanonicalJson(bytes: Uint8Array, limits: JsonLimits): JsonValue {
  if (bytes.length > limits.maxBytes) {
    throw new StatementError(
      'too-large',
      `${bytes.length} bytes of JSON, at most ${limits.maxBytes} are allowed`,
    );
  }
  // Before JSON.parse, because what follows recurses: the attacker picks the depth.
  checkDepth(bytes, limits.maxDepth ?? DEFAULT_MAX_DEPTH);
  const text = decodeUtf8(bytes);
  const value = parseJson(text);
  if (respell(value) !== text) {
    throw new StatementError(
      'not-canonical-json',
      'the JSON is not in canonical form (RFC 8785): white space, order of members, a member twice, or another spelling of a number or a string',
    );
  }
  return value;
}

function serialize(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return serializeNumber(value);
  if (typeof value === 'string') return serializeString(value);
  if (isArray(value)) return `[${value.map(serialize).join(',')}]`;
  // The default order of sort is that of UTF-16 code units, as section 3.2.3 wants.
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${serializeString(name)}:${serialize(member)}`).join(',')}}`;
}

function serializeNumber(value: number): string {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`);
  return String(value);
}

function serializeString(value: string): string {
  if (!value.isWellFormed()) throw new RangeError('text with half a surrogate pair has no UTF-8');
  return JSON.stringify(value);
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function respell(value: JsonValue): string | undefined {
  try {
    return serialize(value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function parseJson(text: string): JsonValue {
  try {
    // Exactly what JSON.parse returns without a reviver.
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new StatementError('malformed-json', 'not JSON', { cause });
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new StatementError('malformed-json', 'not UTF-8', { cause });
  }
}

function checkDepth(bytes: Uint8Array, maxDepth: number): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const octet = bytes[i];
    if (inString) {
      if (octet === 0x5c) i++;
      else if (octet === 0x22) inString = false;
    } else if (octet === 0x22) inString = true;
    else if (octet === 0x7b || octet === 0x5b) {
      depth++;
      if (depth > maxDepth) {
        throw new StatementError('malformed-json', `JSON nested deeper than ${maxDepth}`);
      }
    } else if (octet === 0x7d || octet === 0x5d) depth--;
  }
}
