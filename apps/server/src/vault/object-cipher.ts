/**
 * The ciphertext of an object: 64 KiB pieces, each sealed with AES-256-GCM under the object's own data key, a random
 * nonce, and as associated data the piece's index and whether it is the last. Format and reasons: docs/formats/vault.md,
 * "Objects".
 *
 * Pieces cannot be swapped, repeated or dropped: their index is authenticated. The object cannot be cut short: only its
 * last piece opens as the last. Nonces are random, not counters, because a resumed upload may seal a piece a second time
 * with other content.
 */
import { createCipheriv, createDecipheriv, type KeyObject, randomFillSync } from 'node:crypto';

/** Plain bytes of every piece but the last. */
export const PIECE_BYTES = 65_536;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What sealing adds to a piece: its nonce before it, its tag after it. */
const OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;
export const SEALED_PIECE_BYTES = PIECE_BYTES + OVERHEAD_BYTES;

/** How many pieces an object has: one at least, so that an empty object is authenticated too. */
export function pieceCount(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / PIECE_BYTES));
}

/** How many bytes of ciphertext an object of this size has. */
export function ciphertextSize(sizeBytes: number): number {
  return sizeBytes + OVERHEAD_BYTES * pieceCount(sizeBytes);
}

/** Seals one piece. `key` is a secret key object: raw bytes cost twice the time of a small object. Returns nonce, ciphertext and tag, to be written one after the other. */
export function sealPiece(
  plain: Uint8Array,
  key: KeyObject,
  pieceIndex: number,
  isLast: boolean,
): readonly [nonce: Uint8Array, ciphertext: Uint8Array, tag: Uint8Array] {
  const nonce = nextNonce();
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(pieceIndex, isLast));
  const ciphertext = cipher.update(plain);
  cipher.final();
  return [nonce, ciphertext, cipher.getAuthTag()];
}

/** Opens one piece; undefined when it is not the piece of this key, index and position. */
export function openPiece(
  sealed: Uint8Array,
  key: KeyObject,
  pieceIndex: number,
  isLast: boolean,
): Uint8Array | undefined {
  if (sealed.length < OVERHEAD_BYTES) return undefined;
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(pieceIndex, isLast));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plain = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plain;
}

// Used again for every piece: setAAD takes it in at once.
const position = new Uint8Array(9);
const positionView = new DataView(position.buffer);

/** u64 big-endian piece index, then 1 for the last piece, else 0. */
function associatedData(pieceIndex: number, isLast: boolean): Uint8Array {
  positionView.setBigUint64(0, BigInt(pieceIndex));
  position[8] = isLast ? 1 : 0;
  return position;
}

// A call for 12 random bytes costs as much as one for 12 kB.
const noncePool = Buffer.alloc(NONCE_BYTES * 1024);
let nonceOffset = noncePool.length;

function nextNonce(): Uint8Array {
  if (nonceOffset === noncePool.length) {
    randomFillSync(noncePool);
    nonceOffset = 0;
  }
  nonceOffset += NONCE_BYTES;
  return noncePool.subarray(nonceOffset - NONCE_BYTES, nonceOffset);
}
