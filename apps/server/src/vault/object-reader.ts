/** Reads one object out of a pack: authenticated piece by piece, and hashed when it is read whole. */
import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { ciphertextSize, openPiece, PIECE_BYTES, pieceCount, SEALED_PIECE_BYTES } from './object-cipher.ts';
import type { ObjectRow } from './pack-table.ts';
import type { ReadableFile } from './ports.ts';
import { VaultError } from './vault-error.ts';

/** How many pieces are read from disk at once. */
const PIECES_AHEAD = 16;

/**
 * The content of an object from `start` to `end`, in blocks of up to 1 MiB. When that is the whole object, its last block is
 * given out only after the content has proved to have the digest.
 * @throws VaultError corrupt · io
 */
export async function* readObject(
  file: ReadableFile,
  row: ObjectRow,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const whole = start === 0 && end === row.sizeBytes;
  if (!whole && start === end) return;
  const hasher = whole ? createHash('sha256') : undefined;
  const key = createSecretKey(row.key);
  const lastPiece = pieceCount(row.sizeBytes) - 1;
  const finalPiece = whole ? lastPiece : Math.floor((end - 1) / PIECE_BYTES);
  const readFrom = (piece: number): Promise<Uint8Array> =>
    readPieces(file, row, piece, Math.min(PIECES_AHEAD, finalPiece + 1 - piece));

  let piece = Math.floor(start / PIECE_BYTES);
  let reading = readFrom(piece);
  while (piece <= finalPiece) {
    const sealed = await reading;
    const first = piece;
    const next = Math.min(first + PIECES_AHEAD, finalPiece + 1);
    if (next <= finalPiece) {
      reading = readFrom(next);
      // Awaited in the next round; a consumer that stops before must not leave an unhandled rejection behind.
      reading.catch(() => undefined);
    }
    const block = openPieces(sealed, key, first, lastPiece);
    hasher?.update(block);
    piece = next;
    if (hasher !== undefined && next > finalPiece && !hasher.digest().equals(row.digest)) {
      throw new VaultError('corrupt', 'the object decrypts, but does not hash to its digest');
    }
    const blockStart = first * PIECE_BYTES;
    yield block.subarray(Math.max(0, start - blockStart), end - blockStart);
  }
}

async function readPieces(
  file: ReadableFile,
  row: ObjectRow,
  firstPiece: number,
  count: number,
): Promise<Uint8Array> {
  const from = firstPiece * SEALED_PIECE_BYTES;
  const to = Math.min(from + count * SEALED_PIECE_BYTES, ciphertextSize(row.sizeBytes));
  const sealed = Buffer.allocUnsafe(to - from);
  if ((await file.read(sealed, row.offset + from)) < sealed.length) {
    throw new VaultError('corrupt', 'the pack was cut short: the object reaches past its end');
  }
  return sealed;
}

function openPieces(sealed: Uint8Array, key: KeyObject, firstPiece: number, lastPiece: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < sealed.length; from += SEALED_PIECE_BYTES) {
    const index = firstPiece + pieces.length;
    const piece = openPiece(
      sealed.subarray(from, from + SEALED_PIECE_BYTES),
      key,
      index,
      index === lastPiece,
    );
    if (piece === undefined) {
      throw new VaultError('corrupt', `piece ${index} of the object does not decrypt: it was altered`);
    }
    pieces.push(piece);
  }
  const [only] = pieces;
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
}

/** A file for reading small objects in the order they lie in: fetched a mebibyte at a time, one reader at a time. */
export function readAhead(file: ReadableFile): ReadableFile {
  const window = Buffer.allocUnsafeSlow(1 << 20);
  let windowStart = 0;
  let windowBytes = 0;
  return {
    sizeBytes: () => file.sizeBytes(),
    close: () => file.close(),
    read: async (into, position) => {
      if (into.length > window.length / 2) return await file.read(into, position);
      if (position < windowStart || position + into.length > windowStart + windowBytes) {
        windowStart = position;
        windowBytes = await file.read(window, position);
      }
      const from = position - windowStart;
      return window.copy(into, 0, from, Math.min(from + into.length, windowBytes));
    },
  };
}
