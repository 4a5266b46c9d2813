// Signatures by passkeys (WebAuthn Level 3, section 7.2) as signatures of a DSSE envelope. The browser signs
// authenticatorData ‖ SHA-256(clientDataJSON); the challenge in clientDataJSON is SHA-256 of the PAE, so what is signed is the
// envelope. authenticatorData and clientDataJSON travel along in `sig`. The signature counter proves nothing offline and is
// not used. docs/formats/reviews.md, "Passkeys".

import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { decodeBase64, encodeBase64 } from '@vitrine/tlog';
import * as v from 'valibot';
import { formatCanonicalJson, parseCanonicalJson } from '../canonical-json.ts';
import { StatementError } from '../error.ts';
import { keyidOf } from '../key.ts';
import { base64 } from '../scalars.ts';
import { explainIssues } from '../schema-issue.ts';

// Every runtime we run in has TextDecoder, but the types of this browser-safe package name no runtime.
declare const TextDecoder: new (
  label: 'utf-8',
  options: { fatal: boolean },
) => { decode(bytes: Uint8Array): string };

// SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING of 65 octets, an uncompressed point }: RFC 5480, section 2.
const SPKI_PREFIX = Uint8Array.from([
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
  0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
]);
const POINT_BYTES = 65;
const MAX_SIGNATURE_BYTES = 1_536;
const RP_ID_HASH_BYTES = 32;
const LEAST_AUTHENTICATOR_DATA_BYTES = 37;
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const HAS_ATTESTED_CREDENTIAL = 0x40;
const HAS_EXTENSIONS = 0x80;

/** A passkey's public key, with the page that it speaks on: a signature made for another page does not count. */
export interface Passkey {
  /** 91 bytes, DER: an uncompressed point of P-256. */
  readonly spki: Uint8Array;
  /** Lower-case hex SHA-256 of the SPKI. */
  readonly keyid: string;
  /** The relying party's id, a domain. */
  readonly rpId: string;
  /** The origin of the page, as the browser writes it. */
  readonly origin: string;
}

/**
 * Whether `signature` (64 bytes, r ‖ s) over `message` is ECDSA with SHA-256 under the P-256 key in `spki` (91 bytes). A server
 * passes node:crypto here.
 */
export type VerifyP256 = (spki: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** ECDSA on P-256 in pure JavaScript. High s is allowed: authenticators do not normalise it. Never throws. */
export const verifyP256: VerifyP256 = (spki, message, signature) => {
  try {
    const point = spki.subarray(SPKI_PREFIX.length);
    return isP256Spki(spki) && p256.verify(signature, message, point, { lowS: false });
  } catch {
    return false;
  }
};

/**
 * Parses the SPKI of a P-256 key; the point is on the curve.
 *
 * @throws StatementError `malformed-key`
 */
export function parsePasskeySpki(spki: Uint8Array): { readonly spki: Uint8Array; readonly keyid: string } {
  if (!isP256Spki(spki) || !isPoint(spki.subarray(SPKI_PREFIX.length)))
    throw new StatementError(
      'malformed-key',
      'malformed key: it is not the SPKI of a P-256 key (91 bytes, DER, an uncompressed point)',
    );
  return { spki, keyid: keyidOf(spki) };
}

/** What a browser gives for an assertion, in bytes. `signature`: ASN.1 DER. */
export interface PasskeyAssertion {
  readonly authenticatorData: Uint8Array;
  readonly clientDataJSON: Uint8Array;
  readonly signature: Uint8Array;
}

const assertionSchema = v.strictObject({
  authenticatorData: base64,
  clientDataJSON: base64,
  signature: base64,
});

/** `sig` of an envelope: canonical JSON of the three, each in base64. */
export function formatPasskeySignature(assertion: PasskeyAssertion): Uint8Array {
  return formatCanonicalJson({
    authenticatorData: encodeBase64(assertion.authenticatorData),
    clientDataJSON: encodeBase64(assertion.clientDataJSON),
    signature: encodeBase64(assertion.signature),
  });
}

/** The challenge that a browser is to sign for a message (the PAE of an envelope): 32 bytes. */
export function passkeyChallenge(message: Uint8Array): Uint8Array {
  return sha256(message);
}

/**
 * Checks a passkey's signature of a message.
 *
 * @param sig as formatPasskeySignature writes it
 * @throws StatementError `bad-signature`, with what does not hold
 * @see WebAuthn Level 3, section 7.2, steps 10 to 21
 */
export function openPasskeySignature(
  key: Passkey,
  message: Uint8Array,
  sig: Uint8Array,
  verify: VerifyP256 = verifyP256,
): void {
  const { authenticatorData, clientDataJSON, signature } = parseSignature(sig);
  checkClientData(clientDataJSON, key, passkeyChallenge(message));
  checkAuthenticatorData(authenticatorData, key.rpId);
  const signed = concatBytes(authenticatorData, sha256(clientDataJSON));
  if (!verify(key.spki, signed, rawSignature(signature))) throw bad('it does not verify');
}

function parseSignature(sig: Uint8Array): PasskeyAssertion {
  let value: unknown;
  try {
    value = parseCanonicalJson(sig, { maxBytes: MAX_SIGNATURE_BYTES, maxDepth: 1 });
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw bad(`its three parts are written as canonical JSON: ${cause.message}`, cause);
  }
  const parsed = v.safeParse(assertionSchema, value);
  if (!parsed.success) throw bad(explainIssues(parsed.issues));
  return {
    authenticatorData: decodeBase64(parsed.output.authenticatorData),
    clientDataJSON: decodeBase64(parsed.output.clientDataJSON),
    signature: decodeBase64(parsed.output.signature),
  };
}

// Written by a browser, which may add members: what is read is what the specification defines.
const clientDataSchema = v.looseObject({
  challenge: v.string(),
  crossOrigin: v.optional(v.boolean(), false),
  origin: v.string(),
  topOrigin: v.optional(v.undefined()),
  type: v.string(),
});

function checkClientData(bytes: Uint8Array, key: Passkey, challenge: Uint8Array): void {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw bad('clientDataJSON is no JSON', cause);
  }
  const parsed = v.safeParse(clientDataSchema, value);
  if (!parsed.success) throw bad(`clientDataJSON: ${explainIssues(parsed.issues)}`);
  const { crossOrigin, origin, type } = parsed.output;
  if (type !== 'webauthn.get') throw bad('clientDataJSON is not of an assertion (webauthn.get)');
  if (parsed.output.challenge !== base64url(challenge))
    throw bad('it signs another challenge: the envelope is not what was signed');
  if (origin !== key.origin)
    throw bad(`it was made on a page of ${JSON.stringify(origin.slice(0, 200))}, not of ${key.origin}`);
  if (crossOrigin) throw bad('it was made in a frame of another page');
}

function checkAuthenticatorData(bytes: Uint8Array, rpId: string): void {
  if (bytes.length < LEAST_AUTHENTICATOR_DATA_BYTES) throw bad('authenticatorData is too short');
  const expected = sha256(new Uint8Array(Array.from(rpId, (character) => character.charCodeAt(0))));
  if (!expected.every((octet, i) => bytes[i] === octet))
    throw bad(`it was made for another relying party than ${rpId}`);
  const flags = bytes[RP_ID_HASH_BYTES] ?? 0;
  if ((flags & USER_PRESENT) === 0) throw bad('nobody was present');
  if ((flags & USER_VERIFIED) === 0)
    throw bad('the person was not verified by a PIN, a fingerprint or the like');
  const hasMore = (flags & (HAS_ATTESTED_CREDENTIAL | HAS_EXTENSIONS)) !== 0;
  if (!hasMore && bytes.length > LEAST_AUTHENTICATOR_DATA_BYTES)
    throw bad('authenticatorData has bytes that its flags do not announce');
}

/** SEQUENCE { INTEGER r, INTEGER s } in DER to r ‖ s, 32 bytes each: one signature, one spelling. */
function rawSignature(der: Uint8Array): Uint8Array {
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 72)
    throw bad('it is no ECDSA signature in DER');
  const r = readInteger(der, 2);
  const s = readInteger(der, r.end);
  if (s.end !== der.length) throw bad('it is no ECDSA signature in DER');
  return concatBytes(r.bytes, s.bytes);
}

function readInteger(der: Uint8Array, at: number): { readonly bytes: Uint8Array; readonly end: number } {
  const length = der[at + 1] ?? 0;
  const end = at + 2 + length;
  const value = der.subarray(at + 2, end);
  const [first = 0, second = 0] = value;
  const isPadded = first === 0 && length > 1 && second < 0x80;
  if (der[at] !== 0x02 || length < 1 || value.length !== length || first >= 0x80 || isPadded)
    throw bad('it is no ECDSA signature in DER');
  const digits = first === 0 ? value.subarray(1) : value;
  if (digits.length > 32) throw bad('it is no ECDSA signature on P-256');
  return { bytes: concatBytes(new Uint8Array(32 - digits.length), digits), end };
}

function isP256Spki(bytes: Uint8Array): boolean {
  return (
    bytes.length === SPKI_PREFIX.length + POINT_BYTES && SPKI_PREFIX.every((octet, i) => bytes[i] === octet)
  );
}

function isPoint(raw: Uint8Array): boolean {
  try {
    p256.Point.fromBytes(raw).assertValidity();
    return raw[0] === 0x04;
  } catch {
    return false;
  }
}

function base64url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function bad(why: string, cause?: unknown): StatementError {
  return new StatementError('bad-signature', `the passkey's signature does not count: ${why}`, { cause });
}
