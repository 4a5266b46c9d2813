/**
 * What the vault asks of its storage. Paths are relative to the vault's folder, with `/`. Implementations throw
 * VaultError `disk-full` or `io`, nothing else.
 */

/** A file that one writer extends and patches. */
export interface WritableFile {
  sizeBytes(): Promise<number>;
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  /** What was written is on disk when this resolves. After a failure nothing written before it may be relied on. */
  sync(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface ReadableFile {
  sizeBytes(): Promise<number>;
  /** Fills `into` from `position`; returns how many bytes there were. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Idempotent; waits for reads under way. */
  close(): Promise<void>;
}

export interface VaultFiles {
  /** Names in a folder, sorted; none when it does not exist. */
  list(folder: string): Promise<string[]>;
  /** Makes a folder and its parents, durably. */
  makeFolder(path: string): Promise<void>;
  /** When a file or folder was last modified, in milliseconds since 1970; undefined when it does not exist. */
  modifiedAtMs(path: string): Promise<number | undefined>;
  /** The first `maxBytes` of a small file; undefined when it does not exist. */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  openForReading(path: string): Promise<ReadableFile | undefined>;
  /** Opens a file for writing, making it when it does not exist. */
  openForWriting(path: string): Promise<WritableFile>;
  /** Makes or replaces a small file: a reader, also after a crash, sees the old content or the new. Durable when it
   * resolves; the replaced content's blocks are overwritten where the file system writes in place. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Moves a folder with everything in it, atomically and durably. Its files must have been synced. */
  move(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with everything in it; without effect when it does not exist. */
  remove(path: string): Promise<void>;
}

/** What the index knows of one pack. */
export interface IndexedPack {
  readonly packId: string;
  /** SHA-256 of the beginning of the pack's table file, which differs for every encryption of a table. */
  readonly tableFingerprint: Uint8Array;
  readonly objectCount: number;
  /** Where the pack's committed ciphertext ends. */
  readonly endOffset: number;
}

/**
 * Finds the packs of an object by its name, HMAC(vault key, SHA-256 of content). Derived from the tables: it may be lost
 * or old, never ahead of them. Synchronous on purpose: look-up, deduplication and append happen in one tick.
 */
export interface VaultIndex {
  /** The packs that hold the object: normally one. */
  packsOf(name: Uint8Array): string[];
  packs(): IndexedPack[];
  pack(packId: string): IndexedPack | undefined;
  namesOf(packId: string): Uint8Array[];
  /** In one transaction: the pack is as given, and its names gain these. */
  extendPack(pack: IndexedPack, added: readonly Uint8Array[]): void;
  /** In one transaction: the pack is as given, and its names are exactly these. */
  replacePack(pack: IndexedPack, names: readonly Uint8Array[]): void;
  removePack(packId: string): void;
  close(): void;
}
