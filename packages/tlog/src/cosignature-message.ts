// The bytes under a timestamped Ed25519 cosignature (type 0x04): c2sp.org/tlog-cosignature, "Format" and
// "Ed25519 signed message".

import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { verifyEd25519 } from './ed25519.ts';

/** A u64 time and an Ed25519 signature. */
export const COSIGNATURE_BYTES = 72;

/** `cosignature/v1`, the time, and the whole text of the cosigned checkpoint, extension lines included. */
export function cosignatureMessage(noteText: Uint8Array, timeSeconds: number): Uint8Array {
  return concatBytes(utf8ToBytes(`cosignature/v1\ntime ${timeSeconds}\n`), noteText);
}

/** `timestamped_signature`: the time as a big-endian u64, then the 64-byte signature. */
export function formatTimestampedSignature(timeSeconds: number, signature: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(COSIGNATURE_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(timeSeconds));
  bytes.set(signature, 8);
  return bytes;
}

/**
 * The time in seconds of a `timestamped_signature` that verifies, else undefined. The specification's bound on
 * the time is 2^63 - 1; ours is 2^53 - 1, some 285 million years from now, so that it stays an exact number.
 */
export function verifyCosignatureBytes(
  publicKey: Uint8Array,
  noteText: Uint8Array,
  signature: Uint8Array,
): number | undefined {
  if (signature.length !== COSIGNATURE_BYTES) return undefined;
  const view = new DataView(signature.buffer, signature.byteOffset, signature.byteLength);
  const timeSeconds = Number(view.getBigUint64(0));
  if (!Number.isSafeInteger(timeSeconds)) return undefined;
  const message = cosignatureMessage(noteText, timeSeconds);
  return verifyEd25519(publicKey, message, signature.subarray(8)) ? timeSeconds : undefined;
}
