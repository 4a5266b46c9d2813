/** What a tree may hold at most, and the guard that counts it. */
import { SourceError } from './source-error.ts';

export interface SourceLimits {
  readonly maxEntries: number;
  /** Of all files together. */
  readonly maxTotalBytes: number;
  /** Decompressed to compressed bytes of an archive; watched once {@link RATIO_WATCHED_FROM_BYTES} have come out. */
  readonly maxCompressionRatio: number;
}

const RATIO_WATCHED_FROM_BYTES = 64 * 1024 * 1024;

export const defaultLimits: SourceLimits = {
  maxEntries: 2_000_000,
  maxTotalBytes: 256 * 2 ** 30,
  maxCompressionRatio: 200,
};

/** Counts entries and bytes of one reading of a tree. */
export class LimitGuard {
  readonly #limits: SourceLimits;
  #entries = 0;
  #totalBytes = 0;

  constructor(limits: SourceLimits) {
    this.#limits = limits;
  }

  /**
   * Counts one entry, before its content is read.
   * @throws SourceError too-many-entries | too-large
   */
  take(path: string, sizeBytes: number): void {
    this.#entries++;
    if (this.#entries > this.#limits.maxEntries)
      throw new SourceError('too-many-entries', `the tree has over ${this.#limits.maxEntries} entries`, {
        path,
      });
    this.addBytes(path, sizeBytes);
  }

  /** Counts bytes of an entry whose size was not known before. @throws SourceError too-large */
  addBytes(path: string, sizeBytes: number): void {
    this.#totalBytes += sizeBytes;
    if (this.#totalBytes > this.#limits.maxTotalBytes)
      throw new SourceError(
        'too-large',
        `with this entry the tree is over ${this.#limits.maxTotalBytes} bytes`,
        {
          path,
        },
      );
  }

  /**
   * Compares what went into a decompressor with what came out of it.
   * @throws SourceError compression-ratio
   */
  checkRatio(archive: string, compressedBytes: number, bytes: number): void {
    if (bytes > RATIO_WATCHED_FROM_BYTES && bytes > compressedBytes * this.#limits.maxCompressionRatio)
      throw new SourceError(
        'compression-ratio',
        `the archive expands over ${this.#limits.maxCompressionRatio} times; raise the limit if this is meant`,
        { path: archive },
      );
  }
}
