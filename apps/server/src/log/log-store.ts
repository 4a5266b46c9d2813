/**
 * The storage ports of the log engine. `storage/log-files` implements them with files; a database can with one
 * transaction a batch. The engine is the only caller, and never calls `commitBatch` twice at once.
 */

/** A batch as it was committed: the leaves, and the signed checkpoint of size `oldSize + entries.length`. */
export type CommittedBatch = {
  readonly oldSize: number;
  readonly entries: readonly Uint8Array[];
  readonly checkpoint: string;
};

/** What a store knows when a writer starts on it. */
export type OpenedStore = {
  /** Higher than that of every writer before; goes with each `commitBatch`. */
  readonly epoch: number;
  /** The durable batches that reach past the published size, in order and without a gap. */
  readonly batches: Iterable<CommittedBatch> | AsyncIterable<CommittedBatch>;
};

/** What a store holds of a log, read without taking it over. */
export type CommittedLog = {
  /** As `LogStore.readPublished`. */
  readonly published: string | null;
  /** As `OpenedStore.batches`; none where only what is published is there. */
  readonly batches: readonly CommittedBatch[];
};

/**
 * A tile or an entry bundle. `path` is its URL path below the log, for example `tile/0/x001/234.p/7`. `bytes` is
 * called when it is written: there may be thousands, and one at a time is enough in memory.
 */
export type TileFile = { readonly path: string; readonly bytes: () => Uint8Array };

/** A published checkpoint as kept in the history; `companions` by log name. */
export type HistoryRecord = {
  readonly size: number;
  readonly note: string;
  readonly companions: Readonly<Record<string, string>>;
};

/** Where one log is kept. All promises reject with LogError, or with the error of the medium. */
export interface LogStore {
  /**
   * The note last published, or null if none was. Everything under it is durable in tiles and bundles. Changes
   * nothing, so a log can be read where there is no space to write it.
   * @throws LogError `log-missing`, `corrupt`
   */
  readPublished(): Promise<string | null>;

  /**
   * Makes this process the writer: raises the epoch, fences off every earlier one, and returns what is
   * durable. Called again after a `commitBatch` that failed; then what it returns decides.
   * @throws LogError `log-missing`, `corrupt` (naming file and offset)
   * @throws LogError `disk-full`: nothing is lost, and it may be tried again; nothing can be committed before
   */
  open(): Promise<OpenedStore>;

  /**
   * Commits entries and signed checkpoint together, atomically, and resolves once they are durable.
   * @throws LogError `disk-full`: nothing was stored
   * @throws LogError `stale-writer`: `epoch` or `oldSize` is not the store's; nothing was stored
   * @throws anything else: the outcome is unknown until `open` is called again
   */
  commitBatch(
    epoch: number,
    oldSize: number,
    entries: readonly Uint8Array[],
    checkpoint: string,
  ): Promise<void>;

  /** Writes tiles and bundles, each all or nothing to a reader, and resolves once all are durable. */
  writeTiles(files: readonly TileFile[]): Promise<void>;

  /**
   * Replaces the public checkpoint, atomically and durably, after the history record (if there is one) is
   * durable. `size`: everything below it is in tiles that `writeTiles` has made durable, so the batches below
   * it need not be kept.
   */
  publish(note: string, size: number, history: HistoryRecord | null): Promise<void>;

  /** Drops partial tiles that a full tile has replaced; a failure is not an error. */
  removePartials(fullTilePaths: readonly string[]): Promise<void>;

  /** A tile or bundle by its URL path, or null. */
  readFile(path: string): Promise<Uint8Array | null>;
  /** The widths w for which `<path>.p/<w>` is held. */
  partialWidths(path: string): Promise<number[]>;
  /** @throws LogError `corrupt` */
  readHistory(size: number): Promise<HistoryRecord | null>;

  close(): Promise<void>;
}

/**
 * Finds where an identity may stand. Derived: it can be deleted and is rebuilt. It holds 64 keyed bits of each
 * identity, so it may name wrong candidates (which the engine refutes by reading the entry), never miss one.
 * Identities are 32 bytes of `identities` at `offset`.
 */
export interface IdentityIndex {
  /** Entries below this are indexed. */
  readonly size: number;
  /** Indices where the identity may stand; a promise only if the disk has to be read. */
  candidates(identities: Uint8Array, offset: number): readonly number[] | Promise<readonly number[]>;
  /** As `candidates`, but only those that were added since `from`; memory alone. */
  candidatesSince(from: number, identities: Uint8Array, offset: number): readonly number[];
  /** Adds the identity of entry `size`. */
  add(identities: Uint8Array, offset: number): void;
  /** Forgets what was added from `size` on. MUST NOT go below what `settle` was told. */
  truncate(size: number): void;
  /** What has been added so far is durable in the log: it may go to disk. Never blocks. */
  settle(): void;
  /** Forgets everything: what it holds is not of this log. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** A folder or database of logs that this process has locked for writing. */
export interface LogStorage {
  /** Makes an empty log. @throws LogError `log-exists` */
  create(name: string): Promise<void>;
  /** @throws LogError `log-missing` when the store is opened */
  store(name: string): LogStore;
  /** `smallRuns`: for logs whose identities are slow to derive again. */
  identities(name: string, options: { readonly smallRuns: boolean }): Promise<IdentityIndex>;
  /** Lets the lock go; every store must be closed before. */
  close(): Promise<void>;
}
