// Ed25519 keys as they are written everywhere in Vitrine: SubjectPublicKeyInfo (RFC 8410, section 4).

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { decodeBase64, encodeBase64, encodeHex, verifyEd25519 as verifyRaw } from '@vitrine/tlog';
import { StatementError } from './error.ts';

// SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 octets }: DER leaves no other spelling.
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/** The length of an Ed25519 SPKI in bytes. */
export const SPKI_BYTES = 44;

export interface PublicKey {
  /** 44 bytes, DER. */
  readonly spki: Uint8Array;
  /** Lower-case hex SHA-256 of the SPKI. */
  readonly keyid: string;
}

/**
 * Whether `signature` (64 bytes) over `message` verifies under the key in `spki` (44 bytes). A server passes
 * node:crypto here; the default is verifyEd25519, which gives the same answers.
 */
export type Verify = (spki: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** Ed25519 in pure JavaScript, by the rules that OpenSSL follows. Never throws. */
export const verifyEd25519: Verify = (spki, message, signature) =>
  isSpki(spki) && verifyRaw(spki.subarray(SPKI_PREFIX.length), message, signature);

/**
 * Parses an SPKI. Points of small order are refused: under them one signature can stand for several messages. So are
 * second spellings of a point. Points of mixed order are not looked for: that costs more than a verification, which
 * anyone could make a server pay for, and the rules of verification leave them nothing to gain.
 *
 * @throws StatementError `malformed-key`
 */
export function parseSpki(spki: Uint8Array): PublicKey {
  if (!isSpki(spki)) throw malformed('it is not the SPKI of an Ed25519 key (44 bytes, DER)');
  if (!isUsablePoint(spki.subarray(SPKI_PREFIX.length))) {
    throw malformed('it is no point of Ed25519 in canonical form, or one of small order');
  }
  return { spki, keyid: keyidOf(spki) };
}

/**
 * Parses an SPKI in standard base64.
 *
 * @throws StatementError `malformed-key`
 */
export function parsePublicKey(base64: string): PublicKey {
  return parseSpki(decode(base64));
}

/** The inverse of parsePublicKey. */
export function formatPublicKey({ spki }: PublicKey): string {
  return encodeBase64(spki);
}

/**
 * The SPKI of a raw public key (32 bytes).
 *
 * @throws StatementError `malformed-key`
 */
export function publicKeyFromRaw(raw: Uint8Array): PublicKey {
  return parseSpki(concatBytes(SPKI_PREFIX, raw));
}

/** Lower-case hex SHA-256 of an SPKI. */
export function keyidOf(spki: Uint8Array): string {
  return encodeHex(sha256(spki));
}

function isSpki(bytes: Uint8Array): boolean {
  return bytes.length === SPKI_BYTES && SPKI_PREFIX.every((octet, i) => bytes[i] === octet);
}

function isUsablePoint(raw: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(raw).isSmallOrder();
  } catch {
    return false;
  }
}

function decode(base64: string): Uint8Array {
  try {
    return decodeBase64(base64);
  } catch (cause) {
    throw new StatementError('malformed-key', 'a key is written as standard base64 of its SPKI', { cause });
  }
}

function malformed(why: string): StatementError {
  return new StatementError('malformed-key', `malformed key: ${why}`);
}
