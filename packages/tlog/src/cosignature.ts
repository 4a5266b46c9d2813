// Timestamped Ed25519 cosignatures of checkpoints (type 0x04): c2sp.org/tlog-cosignature. The cosigner's name is
// not signed, so two cosigners must never share a key.

import { utf8ToBytes } from '@noble/hashes/utils.js';
import {
  COSIGNATURE_BYTES,
  cosignatureMessage,
  formatTimestampedSignature,
  ML_DSA_44_COSIGNATURE_BYTES,
  requireTime,
  timeOfTimestampedSignature,
  verifyCosignatureBytes,
} from './cosignature-message.ts';
import {
  checkNoteText,
  computeKeyId,
  type Ed25519Key,
  type NoteSignature,
  type NoteSigner,
  type NoteVerifier,
  noteVerifier,
} from './note.ts';

/**
 * Cosigns a checkpoint's text as of `timeSeconds` (POSIX time).
 *
 * @throws TlogError `malformed-note` on a text that no note can have, `malformed-vkey` on an invalid key
 * @throws RangeError on a time that is not a non-negative safe integer
 */
export function cosign(noteText: string, timeSeconds: number, key: Ed25519Key): NoteSignature {
  checkNoteText(noteText);
  const signer = cosignatureSigner(key, () => timeSeconds);
  return { name: signer.name, keyId: signer.keyId, signature: signer.sign(utf8ToBytes(noteText)) };
}

/**
 * A note signer of type 0x04; `nowSeconds` is asked for the time (POSIX seconds) at every signature.
 *
 * @throws TlogError `malformed-vkey` on an invalid name or key
 */
export function cosignatureSigner(key: Ed25519Key, nowSeconds: () => number): NoteSigner {
  const { name, publicKey } = noteVerifier(key.name, 0x04, key.publicKey);
  return {
    name,
    keyId: computeKeyId(name, 0x04, publicKey),
    sign: (message) => {
      const timeSeconds = nowSeconds();
      requireTime(timeSeconds);
      return formatTimestampedSignature(timeSeconds, key.sign(cosignatureMessage(message, timeSeconds)));
    },
  };
}

/**
 * The time that a cosignature of `noteText` states (POSIX seconds), or undefined if it does not verify.
 *
 * @throws TypeError if the verifier's key is not of type 0x04
 */
export function verifyCosignature(
  verifier: NoteVerifier,
  noteText: string,
  signature: Uint8Array,
): { readonly timeSeconds: number } | undefined {
  if (verifier.type !== 0x04) throw new TypeError(`the key of ${verifier.name} is not a cosigner's (0x04)`);
  const timeSeconds = verifyCosignatureBytes(verifier.publicKey, utf8ToBytes(noteText), signature);
  return timeSeconds === undefined ? undefined : { timeSeconds };
}

/**
 * The time of a cosignature, of either type, that `openNote` already verified (POSIX seconds). An ML-DSA-44 one may
 * state none, which is 0.
 *
 * @throws RangeError if the signature is not 72 or 2,428 bytes long, or its time is above 2^53 - 1
 */
export function cosignatureTime(signature: Uint8Array): number {
  if (signature.length !== COSIGNATURE_BYTES && signature.length !== ML_DSA_44_COSIGNATURE_BYTES) {
    throw new RangeError('not a timestamped cosignature');
  }
  const timeSeconds = timeOfTimestampedSignature(signature);
  if (timeSeconds === undefined) throw new RangeError('the time of the cosignature is above 2^53 - 1');
  return timeSeconds;
}
