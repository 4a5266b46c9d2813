// Ed25519 verification by the rules of "ref10", which Go's crypto/ed25519, OpenSSL (so node:crypto) and most
// others share: S must be below the group order; A is decoded leniently; [S]B - [k]A is computed without the
// cofactor, and its canonical encoding must equal the R of the signature, octet by octet. noble's own verify
// multiplies by the cofactor (RFC 8032's other option), so a signature made by a malicious key could pass in a
// browser and fail on every server: whoever saw it could be told that it was never valid. C2SP/CCTV's vectors
// hold us to the same answer everywhere.

import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { equalBytes } from './bytes.ts';

const { Point } = ed25519;

/**
 * Whether `signature` (64 bytes) over `message` verifies under `publicKey` (32 bytes). Never throws on bad
 * values: anything malformed does not verify. Public data only: not constant-time.
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const r = signature.subarray(0, 32);
  const s = bytesToNumberLE(signature.subarray(32));
  if (s >= Point.Fn.ORDER) return false;
  const a = decodePoint(publicKey);
  if (a === undefined) return false;
  const k = Point.Fn.create(bytesToNumberLE(sha512(concatBytes(r, publicKey, message))));
  const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
  return equalBytes(expected.toBytes(), r);
}

function decodePoint(encoding: Uint8Array): InstanceType<typeof Point> | undefined {
  try {
    return Point.fromBytes(encoding, true);
  } catch {
    return undefined;
  }
}
