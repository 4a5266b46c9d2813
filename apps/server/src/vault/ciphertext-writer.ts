/**
 * Appends ciphertext to a pack's file: seals pieces into 1 MiB buffers at once, writes the buffers behind the caller's
 * back, in order. Sealing never waits, so that look-up, deduplication and append can be one tick; callers await
 * `pressure()` between objects.
 */
import { createSecretKey, type KeyObject, randomFillSync } from 'node:crypto';
import { PIECE_BYTES, pieceCount, sealPiece } from './object-cipher.ts';
import type { WritableFile } from './ports.ts';

const BUFFER_BYTES = 1 << 20;
/** How many full buffers may wait for the disk before `pressure()` makes callers wait. */
const BUFFERS_AHEAD = 3;

export class CiphertextWriter {
  readonly #file: WritableFile;
  #position: number;
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #used = 0;
  readonly #spare: Buffer[] = [];
  #waiting = 0;
  #writes: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  /** Takes over `file`, and appends from `position`. */
  constructor(file: WritableFile, position: number) {
    this.#file = file;
    this.#position = position;
  }

  /** Where the next byte goes. */
  get position(): number {
    return this.#position;
  }

  /** Appends a whole object; returns where it begins. */
  sealObject(content: Uint8Array, key: Uint8Array): number {
    const secretKey = createSecretKey(key);
    const offset = this.#position;
    const pieces = pieceCount(content.length);
    for (let index = 0; index < pieces; index++) {
      const plain = content.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES);
      this.sealPiece(plain, secretKey, index, index === pieces - 1);
    }
    return offset;
  }

  sealPiece(plain: Uint8Array, key: KeyObject, pieceIndex: number, isLast: boolean): void {
    for (const part of sealPiece(plain, key, pieceIndex, isLast)) this.#append(part);
  }

  /** Appends random bytes, which nobody can tell from ciphertext. */
  pad(sizeBytes: number): void {
    for (let left = sizeBytes; left > 0; ) {
      const part = Math.min(left, BUFFER_BYTES - this.#used);
      randomFillSync(this.#buffer, this.#used, part);
      this.#advance(part);
      left -= part;
    }
  }

  /** Something to wait for before more is appended; undefined when there is nothing. Rejects once writing has failed. */
  pressure(): Promise<void> | undefined {
    if (this.#failure === undefined && this.#waiting <= BUFFERS_AHEAD) return undefined;
    return this.#settled();
  }

  /** Everything appended is in the file when this resolves: it survives this process, not yet the machine. */
  async drain(): Promise<void> {
    this.#enqueue();
    await this.#settled();
  }

  /** Everything appended is in the file, durably, when this resolves. */
  async sync(): Promise<void> {
    await this.drain();
    await this.#file.sync();
  }

  /** Closes the file, after the writes under way. What was not synced may be lost. */
  async close(): Promise<void> {
    await this.#writes;
    await this.#file.close();
  }

  /** Closes the file after a failure, cut to `sizeBytes` so that the space is free again. */
  async abandon(sizeBytes: number | undefined): Promise<void> {
    await this.#writes;
    try {
      if (sizeBytes !== undefined) await this.#file.truncate(sizeBytes);
    } catch {
      // The next openVault cuts the file.
    }
    await this.#file.close();
  }

  #append(part: Uint8Array): void {
    for (let taken = 0; taken < part.length; ) {
      const piece = part.subarray(taken, taken + BUFFER_BYTES - this.#used);
      this.#buffer.set(piece, this.#used);
      this.#advance(piece.length);
      taken += piece.length;
    }
  }

  #advance(sizeBytes: number): void {
    this.#used += sizeBytes;
    this.#position += sizeBytes;
    if (this.#used === BUFFER_BYTES) this.#enqueue();
  }

  /** Hands the buffer over for writing. Its last part may be short: the next buffer goes on behind it. */
  #enqueue(): void {
    if (this.#used === 0) return;
    const buffer = this.#buffer;
    const bytes = buffer.subarray(0, this.#used);
    const position = this.#position - this.#used;
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    this.#used = 0;
    this.#waiting += 1;
    this.#writes = this.#writes.then(async () => {
      try {
        // After a failure the rest would leave a hole before it.
        if (this.#failure === undefined) await this.#file.write(bytes, position);
      } catch (error) {
        this.#failure = { error };
      }
      this.#waiting -= 1;
      if (this.#spare.length < BUFFERS_AHEAD) this.#spare.push(buffer);
    });
  }

  async #settled(): Promise<void> {
    await this.#writes;
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
