/** What every reader gives: the files of a tree, one after another, as often as asked for. */
import type { FileMode } from './manifest.ts';

/** What `for await` goes through, whether or not it has to wait. */
export type Sequence<T> = Iterable<T> | AsyncIterable<T>;

export interface SourceFile {
  readonly path: string;
  readonly mode: FileMode;
  readonly sizeBytes: number;
  /**
   * The content, exactly `sizeBytes` in all. Can be read once, and only before the next file is asked for;
   * what is not read is passed over.
   * @throws SourceError source-changed | truncated | unreadable, while it is read
   */
  content(): Sequence<Uint8Array>;
}

export interface SourceTree {
  /** Where it was read from, in words: a folder, a revision, an archive. */
  readonly description: string;
  /**
   * Reads the tree from its beginning. Entries come in an order that is the reader's.
   * @param only paths to give; all without it
   * @throws SourceError when the tree is refused or cannot be read
   */
  files(only?: ReadonlySet<string>): Sequence<SourceFile>;
}
