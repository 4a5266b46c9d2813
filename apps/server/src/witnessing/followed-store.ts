/** Where a followed log is kept: the port that `storage/log-files` implements. One process, one caller at a time. */
import type { SourceLocation } from '@vitrine/fsck';
import type { HistoryRecord, LogStore, TileFile } from '../log/log-store.ts';

/** Full bundles to copy, each with its level-0 tile, where their hashes are proven already. */
export interface BundleRun {
  /** Index of the first bundle. */
  readonly firstIndex: number;
  /** The proven root of each bundle's level-0 tile, 32 bytes each, in order. */
  readonly roots: Uint8Array;
  /** Whether a growth that did not end may have left some of them. */
  readonly mayBeThere: boolean;
}

/** A growth under way: what lies above `fromSize` is there because of it, and is not held yet. */
export interface Growth {
  readonly fromSize: number;
  /** The signed checkpoint that it grows to. */
  readonly note: string;
}

/** What was kept the last time. */
export interface KeptNotes {
  /** The checkpoint that readers are shown; everything under it is durable. */
  readonly published: string | null;
  /** A newer one under which everything is durable too, but that is not shown. */
  readonly held: string | null;
  /** A growth that has begun, and has not ended or was not cleaned up after. */
  readonly growth: Growth | null;
}

export interface FollowedStore extends Pick<LogStore, 'readFile' | 'partialWidths' | 'readHistory'> {
  /** @throws LogError `corrupt`, `disk-full` */
  open(): Promise<KeptNotes>;
  /** Durable when it resolves. @throws LogError `disk-full` */
  beginGrowth(growth: Growth): Promise<void>;
  /** A failure is not an error: what is left is cleaned up at the next start. */
  endGrowth(): Promise<void>;

  /**
   * Copies runs of bundles from the source, several at once. A file is written only after its hashes gave the proven
   * root; each stands under its name whole or not at all, and is durable after `sync`. `bundles`: how many in all.
   * @throws FollowError `does-not-hold`, `unreachable`, `stopped` @throws LogError `disk-full`
   */
  copyBundles(
    source: SourceLocation,
    runs: AsyncIterable<BundleRun>,
    bundles: number,
    signal: AbortSignal,
  ): Promise<void>;
  /** As `copyBundles` writes. @throws LogError `disk-full` */
  writeFiles(files: readonly TileFile[]): Promise<void>;
  /** Makes these files durable, and their names. @throws LogError `disk-full` */
  sync(paths: Iterable<string>): Promise<void>;
  /** A failure is not an error. */
  removeFiles(paths: Iterable<string>): Promise<void>;
  /** Removes the partial tiles of this full path but those of `widths`; a failure is not an error. */
  removePartials(path: string, widths: readonly number[]): Promise<void>;

  /** Keeps a checkpoint under which everything is durable, without showing it. @throws LogError `disk-full` */
  hold(note: string): Promise<void>;
  /** As `LogStore.publish`. @throws LogError `disk-full` */
  publish(note: string, history: HistoryRecord | null): Promise<void>;
  /** Keeps both checkpoints of a fork; the same two are kept once. @returns where, for people */
  keepEvidence(held: string, offered: string): Promise<string>;
  close(): Promise<void>;
}
