// Ed25519 verification, so strict that what passes here passes everywhere. The implementations differ on signatures
// that only a malicious signer makes, which would let it show a signature that one party accepts and another
// refuses:
//
//   Go, OpenSSL 3.0, most others   the "ref10" rule: S below the group order; [S]B - [k]A is computed without the
//                                  cofactor, and its canonical encoding must equal R, octet by octet
//   OpenSSL 3.5 (Node 24)          the same, and neither A nor R may be of small order (a small-order A has
//   and dalek's verify_strict      signatures that fit many messages)
//   noble, ZIP 215                 multiplies by the cofactor, which accepts more than any of these
//
// We hold to the second: on C2SP/CCTV's 914 edge cases it answers as this runtime's node:crypto does, and all that
// it accepts, Go accepts. Signatures of honest keys are the same under every rule.

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
  if (a === undefined || a.isSmallOrder()) return false;
  const k = Point.Fn.create(bytesToNumberLE(sha512(concatBytes(r, publicKey, message))));
  const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
  return !expected.isSmallOrder() && equalBytes(expected.toBytes(), r);
}

function decodePoint(encoding: Uint8Array): InstanceType<typeof Point> | undefined {
  try {
    return Point.fromBytes(encoding, true);
  } catch {
    return undefined;
  }
}
