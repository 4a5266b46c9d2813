/** Reads one object out of a pack: authenticated piece by piece, and hashed when it is read whole. */
import { createHash, createSecretKey } from 'node:crypto';
import { ciphertextSize, openPiece, PIECE_BYTES, pieceCount, SEALED_PIECE_BYTES } from './object-cipher.ts';
import type { ObjectRow } from './pack-table.ts';
import type { ReadableFile } from './ports.ts';
import { VaultError } from './vault-error.ts';

/** How many pieces are read from disk at once. */
const PIECES_AHEAD = 16;

/**
 * The content of an object from `start` to `end`, in pieces of up to 64 KiB. When that is the whole object, its last piece
 * is given out only after the content has proved to have the digest.
 * @throws VaultError corrupt · io
 */
export async function* readObject(
  file: ReadableFile,
  row: ObjectRow,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const isWhole = start === 0 && end === row.sizeBytes;
  if (!isWhole && start === end) return;
  const key = createSecretKey(row.key);
  const hasher = isWhole ? createHash('sha256') : undefined;
  const lastPiece = pieceCount(row.sizeBytes) - 1;
  const finalPiece = isWhole ? lastPiece : Math.floor((end - 1) / PIECE_BYTES);
  let piece = Math.floor(start / PIECE_BYTES);
  for await (const sealed of readPieces(file, row, piece, finalPiece)) {
    for (let from = 0; from < sealed.length; from += SEALED_PIECE_BYTES) {
      const plain = openPiece(
        sealed.subarray(from, from + SEALED_PIECE_BYTES),
        key,
        piece,
        piece === lastPiece,
      );
      if (plain === undefined) {
        throw new VaultError('corrupt', `piece ${piece} of the object does not decrypt: it was altered`);
      }
      hasher?.update(plain);
      if (piece === lastPiece && hasher !== undefined && !hasher.digest().equals(row.digest)) {
        throw new VaultError('corrupt', 'the object decrypts, but does not hash to its digest');
      }
      const pieceStart = piece * PIECE_BYTES;
      yield plain.subarray(Math.max(0, start - pieceStart), end - pieceStart);
      piece += 1;
    }
  }
}

/**
 * Sealed pieces, up to 16 at once; the next are read while these are worked on. What is yielded is overwritten two rounds
 * later.
 */
async function* readPieces(
  file: ReadableFile,
  row: ObjectRow,
  firstPiece: number,
  finalPiece: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const end = Math.min((finalPiece + 1) * SEALED_PIECE_BYTES, ciphertextSize(row.sizeBytes));
  const batchBytes = Math.min(PIECES_AHEAD * SEALED_PIECE_BYTES, end - firstPiece * SEALED_PIECE_BYTES);
  const readFrom = async (position: number, into: Uint8Array): Promise<Uint8Array> => {
    const sealed = into.subarray(0, end - position);
    if ((await file.read(sealed, row.offset + position)) < sealed.length) {
      throw new VaultError('corrupt', 'the pack was cut short: the object reaches past its end');
    }
    return sealed;
  };
  let position = firstPiece * SEALED_PIECE_BYTES;
  let buffer: Buffer = Buffer.allocUnsafe(batchBytes);
  let otherBuffer: Buffer | undefined;
  let reading = readFrom(position, buffer);
  while (position < end) {
    const sealed = await reading;
    position += sealed.length;
    if (position < end) {
      const next: Buffer = otherBuffer ?? Buffer.allocUnsafe(batchBytes);
      otherBuffer = buffer;
      buffer = next;
      reading = readFrom(position, buffer);
      // Awaited in the next round; a consumer that stops before must not leave an unhandled rejection behind.
      reading.catch(() => undefined);
    }
    yield sealed;
  }
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
