// Base 64 (RFC 4648, section 4) and Base 16, in exactly one encoding per value. The platform's decoders are
// lenient (white space, missing padding, stray bits), which would let one signature travel as many notes.

import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { TlogError } from './error.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CHARACTERS = Array.from(ALPHABET);
const VALUES = new Map(CHARACTERS.map((character, value) => [character.charCodeAt(0), value]));
const PADDING = 0x3d;

/** Standard Base 64 with padding (RFC 4648, section 4). */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += CHARACTERS[group >> 18] ?? '';
    text += CHARACTERS[(group >> 12) & 63] ?? '';
    text += left > 1 ? (CHARACTERS[(group >> 6) & 63] ?? '') : '=';
    text += left > 2 ? (CHARACTERS[group & 63] ?? '') : '=';
  }
  return text;
}

/**
 * The inverse of encodeBase64: accepts exactly the texts that it produces.
 *
 * @throws TlogError `malformed-base64`
 */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0) throw malformed(`its length, ${text.length}, is not a multiple of four`);
  let padding = 0;
  while (padding < 2 && text.charCodeAt(text.length - 1 - padding) === PADDING) padding++;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  const significant = text.length - padding;
  let group = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = i < significant ? VALUES.get(text.charCodeAt(i)) : 0;
    if (value === undefined) throw malformed(`character ${i + 1} is not in its alphabet`);
    group = (group << 6) | value;
    if (i % 4 !== 3) continue;
    // Writes past the end of a typed array are dropped, which is what the padding asks for.
    bytes[at++] = group >> 16;
    bytes[at++] = (group >> 8) & 255;
    bytes[at++] = group & 255;
    if (i < text.length - 1) group = 0;
  }
  const strayBits = padding === 2 ? group & 0xffff : padding === 1 ? group & 0xff : 0;
  if (strayBits !== 0) throw malformed('its last character carries stray bits');
  return bytes;
}

function malformed(why: string): TlogError {
  return new TlogError('malformed-base64', `not canonical Base 64: ${why}`);
}

/** Lower-case Base 16. */
export function encodeHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/**
 * The inverse of encodeHex: an even number of lower-case digits.
 *
 * @throws TlogError `malformed-hex`
 */
export function decodeHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text) || text.endsWith('\n')) {
    throw new TlogError('malformed-hex', 'not lower-case hexadecimal with an even number of digits');
  }
  return hexToBytes(text);
}
