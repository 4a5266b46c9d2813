/**
 * A large object on its way into a pack of its own. It is encrypted and hashed as it arrives, in a staging folder laid out as the
 * pack it will be; the rename of that folder is the commit, so nothing is copied. When digest and size are known from
 * the start, the table is written first, and an interrupted object can be taken up again, also by another process.
 */
import { createHash, createSecretKey, type Hash, type KeyObject, randomBytes } from 'node:crypto';
import { CiphertextWriter } from './ciphertext-writer.ts';
import { ciphertextSize, openPiece, PIECE_BYTES, SEALED_PIECE_BYTES } from './object-cipher.ts';
import type { PackIdentity } from './pack-envelope.ts';
import { OBJECTS_FILE, type PackShelf } from './pack-shelf.ts';
import { type ObjectRow, PackTable } from './pack-table.ts';
import { paddedSize } from './padding.ts';
import type { ReadableFile } from './ports.ts';
import type { Claim } from './vault-contract.ts';
import { VaultError } from './vault-error.ts';

export interface FinishedObject {
  readonly pack: PackIdentity;
  readonly folder: string;
  readonly row: ObjectRow;
  readonly endOffset: number;
}

export class StagedObject {
  readonly pack: PackIdentity;
  readonly #shelf: PackShelf;
  readonly #folder: string;
  readonly #claim: Claim;
  readonly #key: Uint8Array;
  readonly #secretKey: KeyObject;
  readonly #writer: CiphertextWriter;
  readonly #hasher: Hash;
  readonly #isTableWritten: boolean;
  /** The beginning of the next piece. */
  readonly #piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #pieceUsed = 0;
  #sealedPieces: number;

  private constructor(
    shelf: PackShelf,
    pack: PackIdentity,
    folder: string,
    claim: Claim,
    key: Uint8Array,
    writer: CiphertextWriter,
    sealed: { readonly pieces: number; readonly hasher: Hash },
    isTableWritten: boolean,
  ) {
    this.#shelf = shelf;
    this.pack = pack;
    this.#folder = folder;
    this.#claim = claim;
    this.#key = key;
    this.#secretKey = createSecretKey(key);
    this.#writer = writer;
    this.#sealedPieces = sealed.pieces;
    this.#hasher = sealed.hasher;
    this.#isTableWritten = isTableWritten;
  }

  /** Begins an object in a new folder of staging. */
  static async begin(
    shelf: PackShelf,
    folderOf: (packId: string) => string,
    claim: Claim,
  ): Promise<StagedObject> {
    const pack = await shelf.begin(folderOf);
    const folder = folderOf(pack.packId);
    const key = randomBytes(32);
    const { sha256, sizeBytes } = claim;
    const isPlanned = sha256 !== undefined && sizeBytes !== undefined;
    try {
      if (isPlanned) {
        const row = { digest: Buffer.from(sha256, 'hex'), key, offset: 0, sizeBytes };
        await shelf.replaceTable(
          pack,
          PackTable.empty.with([row], paddedSize(ciphertextSize(sizeBytes))),
          folder,
        );
      }
      const writer = new CiphertextWriter(await shelf.files.openForWriting(`${folder}/${OBJECTS_FILE}`), 0);
      const nothing = { pieces: 0, hasher: createHash('sha256') };
      return new StagedObject(shelf, pack, folder, claim, key, writer, nothing, isPlanned);
    } catch (error) {
      await shelf.files.remove(folder);
      throw error;
    }
  }

  /**
   * Takes up an object that was interrupted: reads what is there, keeps the pieces that open, cuts off what does not.
   * @throws VaultError corrupt when the folder does not hold the beginning of this object
   */
  static async resume(
    shelf: PackShelf,
    folder: string,
    packId: string,
    claim: Required<Claim>,
  ): Promise<StagedObject> {
    const { pack, table } = await shelf.load(packId, folder);
    const row = table.find(Buffer.from(claim.sha256, 'hex'));
    if (row?.sizeBytes !== claim.sizeBytes || table.rowCount !== 1) {
      throw new VaultError('corrupt', `staging folder ${folder} is not that of this object and size`);
    }
    const reader = await shelf.files.openForReading(`${folder}/${OBJECTS_FILE}`);
    let sealed = { pieces: 0, hasher: createHash('sha256') };
    if (reader !== undefined) {
      try {
        sealed = await readSealedPieces(reader, row);
      } finally {
        await reader.close();
      }
    }
    const position = sealed.pieces * SEALED_PIECE_BYTES;
    const file = await shelf.files.openForWriting(`${folder}/${OBJECTS_FILE}`);
    try {
      await file.truncate(position);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new StagedObject(
      shelf,
      pack,
      folder,
      claim,
      row.key,
      new CiphertextWriter(file, position),
      sealed,
      true,
    );
  }

  /** How many bytes have arrived in whole pieces. */
  get sealedBytes(): number {
    return this.#sealedPieces * PIECE_BYTES;
  }

  /** How many bytes have arrived. */
  get receivedBytes(): number {
    return this.sealedBytes + this.#pieceUsed;
  }

  /** Takes the next bytes. @throws VaultError size-mismatch · disk-full · io */
  async write(bytes: Uint8Array): Promise<void> {
    const { sizeBytes = Number.MAX_SAFE_INTEGER } = this.#claim;
    if (this.receivedBytes + bytes.length > sizeBytes) {
      throw new VaultError('size-mismatch', `more than the ${sizeBytes} bytes that were announced arrived`);
    }
    for (let taken = 0; taken < bytes.length; ) {
      // A full piece waits until it is known not to be the last.
      if (this.#pieceUsed === PIECE_BYTES) {
        this.#seal(this.#piece, false);
        this.#pieceUsed = 0;
      }
      const isBuffered = this.#pieceUsed > 0 || bytes.length - taken <= PIECE_BYTES;
      if (isBuffered) {
        const part = bytes.subarray(taken, taken + PIECE_BYTES - this.#pieceUsed);
        this.#piece.set(part, this.#pieceUsed);
        this.#pieceUsed += part.length;
        taken += part.length;
      } else {
        this.#seal(bytes.subarray(taken, taken + PIECE_BYTES), false);
        taken += PIECE_BYTES;
      }
      await this.#writer.pressure();
    }
  }

  /** The end of what arrives for now: only whole pieces are kept, and they are in the file. */
  async pause(): Promise<void> {
    if (this.#pieceUsed === PIECE_BYTES && this.receivedBytes < (this.#claim.sizeBytes ?? 0)) {
      this.#seal(this.#piece, false);
    }
    this.#pieceUsed = 0;
    await this.#writer.drain();
  }

  /**
   * Everything has arrived: seals the last piece and syncs. The folder is then a pack, ready to be adopted.
   * @throws VaultError digest-mismatch · size-mismatch · disk-full · io
   */
  async finish(): Promise<FinishedObject> {
    const sizeBytes = this.receivedBytes;
    if (this.#claim.sizeBytes !== undefined && this.#claim.sizeBytes !== sizeBytes) {
      throw new VaultError(
        'size-mismatch',
        `${this.#claim.sizeBytes} bytes were announced, ${sizeBytes} arrived; nothing was stored`,
      );
    }
    this.#seal(this.#piece.subarray(0, this.#pieceUsed), true);
    this.#pieceUsed = 0;
    const digest = this.#hasher.digest();
    if (this.#claim.sha256 !== undefined && this.#claim.sha256 !== digest.toString('hex')) {
      throw new VaultError(
        'digest-mismatch',
        'the bytes do not have the SHA-256 that was claimed; nothing was stored',
      );
    }
    const row: ObjectRow = { digest, key: this.#key, offset: 0, sizeBytes };
    const endOffset = paddedSize(this.#writer.position);
    this.#writer.pad(endOffset - this.#writer.position);
    await this.#writer.sync();
    await this.#writer.close();
    if (!this.#isTableWritten) {
      await this.#shelf.replaceTable(this.pack, PackTable.empty.with([row], endOffset), this.#folder);
    }
    return { pack: this.pack, folder: this.#folder, row, endOffset };
  }

  /** Leaves the folder for a later `resume`. */
  async close(): Promise<void> {
    await this.#writer.close();
  }

  async discard(): Promise<void> {
    await this.#writer.close();
    await this.#shelf.files.remove(this.#folder);
  }

  #seal(plain: Uint8Array, isLast: boolean): void {
    this.#hasher.update(plain);
    this.#writer.sealPiece(plain, this.#secretKey, this.#sealedPieces, isLast);
    if (!isLast) this.#sealedPieces += 1;
  }
}

/** Hashes the pieces at the beginning of a file that open as not the last, up to the first that does not. */
async function readSealedPieces(
  file: ReadableFile,
  row: ObjectRow,
): Promise<{ pieces: number; hasher: Hash }> {
  const hasher = createHash('sha256');
  const key = createSecretKey(row.key);
  const sealed = Buffer.allocUnsafe(16 * SEALED_PIECE_BYTES);
  for (let pieces = 0; ; ) {
    const available = await file.read(sealed, pieces * SEALED_PIECE_BYTES);
    for (let from = 0; from + SEALED_PIECE_BYTES <= available; from += SEALED_PIECE_BYTES) {
      const plain = openPiece(sealed.subarray(from, from + SEALED_PIECE_BYTES), key, pieces, false);
      if (plain === undefined) return { pieces, hasher };
      hasher.update(plain);
      pieces += 1;
    }
    if (available < sealed.length) return { pieces, hasher };
  }
}
