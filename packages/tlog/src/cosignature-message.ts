// What both kinds of cosignature (0x04, 0x06) have in common, and the bytes under an Ed25519 one (0x04):
// c2sp.org/tlog-cosignature, "Format" and "Ed25519 signed message".

import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { verifyEd25519 } from './ed25519.ts';

/** A u64 time and an Ed25519 signature. */
export const COSIGNATURE_BYTES = 72;

/** A u64 time and an ML-DSA-44 signature. */
export const ML_DSA_44_COSIGNATURE_BYTES = 2428;

/** `cosignature/v1`, the time, and the whole text of the cosigned checkpoint, extension lines included. */
export function cosignatureMessage(noteText: Uint8Array, timeSeconds: number): Uint8Array {
  return concatBytes(utf8ToBytes(`cosignature/v1\ntime ${timeSeconds}\n`), noteText);
}

/** `timestamped_signature`: the time as a big-endian u64, then the signature. */
export function formatTimestampedSignature(timeSeconds: number, signature: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + signature.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(timeSeconds));
  bytes.set(signature, 8);
  return bytes;
}

/**
 * The time in seconds of a `timestamped_signature` of 8 bytes or more, undefined if it is out of bounds. The
 * specification's bound is 2^63 - 1; ours is 2^53 - 1, some 285 million years from now, so that it stays an exact
 * number.
 */
export function timeOfTimestampedSignature(bytes: Uint8Array): number | undefined {
  const timeSeconds = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0));
  return Number.isSafeInteger(timeSeconds) ? timeSeconds : undefined;
}

/** The time in seconds of an Ed25519 `timestamped_signature` that verifies, else undefined. */
export function verifyCosignatureBytes(
  publicKey: Uint8Array,
  noteText: Uint8Array,
  signature: Uint8Array,
): number | undefined {
  if (signature.length !== COSIGNATURE_BYTES) return undefined;
  const timeSeconds = timeOfTimestampedSignature(signature);
  if (timeSeconds === undefined) return undefined;
  const message = cosignatureMessage(noteText, timeSeconds);
  return verifyEd25519(publicKey, message, signature.subarray(8)) ? timeSeconds : undefined;
}

/** @throws RangeError unless `timeSeconds` is a time that a cosignature can state */
export function requireTime(timeSeconds: number): void {
  if (!Number.isSafeInteger(timeSeconds) || timeSeconds < 0) {
    throw new RangeError(`a cosignature's time must be whole seconds since 1970, not ${timeSeconds}`);
  }
}
