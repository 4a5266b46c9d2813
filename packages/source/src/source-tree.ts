/** What every reader gives: the files of a tree, one after another, as often as asked for. */
import type { FileMode } from './manifest.ts';

export interface SourceFile {
  readonly path: string;
  readonly mode: FileMode;
  readonly sizeBytes: number;
  /**
   * The content, exactly `sizeBytes` in all. Can be read once, and only before the next file is asked for;
   * what is not read is passed over.
   * @throws SourceError source-changed | truncated | unreadable, while it is read
   */
  content(): AsyncIterable<Uint8Array>;
}

export interface SourceTree {
  /** Where it was read from, in words: a folder, a revision, an archive. */
  readonly description: string;
  /**
   * Reads the tree from its beginning. Entries come in an order that is the reader's.
   * @param only paths to give; all without it
   * @throws SourceError when the tree is refused or cannot be read
   */
  files(only?: ReadonlySet<string>): AsyncIterable<SourceFile>;
}

/** What a tree may hold at most. */
export interface SourceLimits {
  readonly maxEntries: number;
  /** Of all files together. */
  readonly maxTotalBytes: number;
  /** Decompressed to compressed bytes of an archive, watched once 64 MiB have come out. */
  readonly maxCompressionRatio: number;
}

export const defaultLimits: SourceLimits = {
  maxEntries: 2_000_000,
  maxTotalBytes: 256 * 2 ** 30,
  maxCompressionRatio: 200,
};
