/**
 * What the vault promises its callers.
 *
 * Objects are asked for by the lower-case hex SHA-256 of their content. What is durable, and only that, is
 * visible: `has`, `missing`, `status`, `get` know nothing of what was put but not flushed. Whoever is about to
 * refer to objects in a statement therefore calls `flush()` and THEN sees that `missing(…)` is empty.
 */
import type { Readable } from 'node:stream';
import type { PackExport } from './pack-export.ts';
import type { VaultFiles, VaultIndex } from './ports.ts';
import type { VaultKeys } from './vault-keys.ts';

/** The part of a pino logger that the vault uses. Content digests are never logged, only names (HMACs). */
export interface VaultLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface VaultOptions {
  /** Where packs live: `openVaultStorage(dir)` of storage/vault-files gives both. */
  readonly files: VaultFiles;
  readonly index: VaultIndex;
  /** The instance's own vault identity and vault key (`generateVaultKeys`, `parseVaultKeys`). */
  readonly keys: VaultKeys;
  readonly logger?: VaultLogger;
  /** A pack takes no further object at this size. Default 64 MiB. */
  readonly packBytes?: number;
  /** A pack takes no further object at this count. Default 8,192. */
  readonly packObjects?: number;
  /** Staged uploads untouched for this long are removed. Default 7 days. */
  readonly uploadMaxAgeMs?: number;
  /** How many uploads may be unfinished at once. Default 256. */
  readonly maxUploads?: number;
  /** Milliseconds since 1970, for the age of staged uploads. Default `Date.now`. */
  readonly now?: () => number;
}

/** Bytes to store: in one piece, or streamed in pieces of any size. */
export type ByteSource = Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** What a caller claims of the bytes it gives; bytes that differ are refused and nothing is stored. */
export interface Claim {
  /** Lower-case hex. */
  readonly sha256?: string;
  readonly sizeBytes?: number;
}

export interface PutResult {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** False when the vault (or an unflushed put) had it already. */
  readonly isNew: boolean;
}

export type ObjectStatus =
  | { readonly state: 'stored'; readonly sizeBytes: number }
  | { readonly state: 'missing' }
  | { readonly state: 'disposed' };

export interface UploadState {
  /** The next append starts here: a multiple of 65,536, or `sizeBytes` when complete. */
  readonly offsetBytes: number;
  /** True when the object is stored, durably. */
  readonly isComplete: boolean;
}

export interface UploadOptions {
  /** What the object is uploaded for. Any text; default none. */
  readonly purpose?: string;
}

/** Bytes `start` (inclusive) to `end` (exclusive) of an object; `end` defaults to its size. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

export interface ObjectContent {
  /** Of the whole object, also when a range was asked for. */
  readonly sizeBytes: number;
  /** The object's bytes, or the range's. Destroy it when it is not read to its end. */
  readonly stream: Readable;
}

export interface CheckProgress {
  readonly packs: number;
  readonly packCount: number;
  readonly objects: number;
  readonly bytes: number;
}

export interface CheckProblem {
  /** The pack's folder name, or the path that is wrong, relative to the vault. */
  readonly pack: string;
  readonly reason: string;
}

export interface CheckReport {
  readonly ok: boolean;
  readonly packs: number;
  readonly objects: number;
  /** Sum of the objects' plain sizes. */
  readonly bytes: number;
  readonly problems: readonly CheckProblem[];
}

/** Counters since `openVault`, and gauges of now. */
export interface VaultMetrics {
  readonly packs: number;
  readonly objects: number;
  readonly disposedObjects: number;
  /** Bytes of the packs' files, padding included. */
  readonly packBytes: number;
  readonly uploadsOpen: number;
  readonly putObjects: number;
  readonly putBytes: number;
  readonly duplicateObjects: number;
  readonly flushes: number;
  readonly failedFlushes: number;
  readonly readObjects: number;
  readonly readBytes: number;
  readonly corruptReads: number;
}

/** All methods throw VaultError; those that take a digest throw TypeError when it is not lower-case hex. */
export interface Vault {
  /** Whether the object is stored, and its size. */
  status(sha256: string): Promise<ObjectStatus>;

  /** Whether the object is stored, durably. */
  has(sha256: string): Promise<boolean>;

  /** Those of the digests that are not stored (disposed ones included), in the order given, each once. */
  missing(digests: Iterable<string>): Promise<string[]>;

  /**
   * Stores very many objects, each held in memory by the caller: made for 100,000 source files at a time. Accepted,
   * not yet durable: see `flush`. `onPut` is called for each in order.
   * @throws VaultError digest-mismatch · size-mismatch · disposed (objects before the refused one stay accepted) ·
   * disk-full · io
   */
  putMany(
    objects:
      | AsyncIterable<{ readonly bytes: Uint8Array } & Claim>
      | Iterable<{ readonly bytes: Uint8Array } & Claim>,
    onPut?: (result: PutResult) => void,
  ): Promise<{ readonly objects: number; readonly newObjects: number; readonly sizeBytes: number }>;

  /**
   * Stores one object of any size in constant memory. Up to 8 MiB it is accepted, not yet durable: see `flush`;
   * above, it is durable when this resolves.
   * @throws VaultError digest-mismatch · size-mismatch · disposed · disk-full · io; an error of the source itself is
   * passed on. In all cases nothing is stored.
   */
  put(source: ByteSource, claim?: Claim): Promise<PutResult>;

  /** `put` and `flush` for one object (a note, an SBOM): durable and visible when it resolves. */
  store(source: ByteSource, claim?: Claim): Promise<PutResult>;

  /**
   * Everything accepted before is durable and visible when this resolves.
   * @throws VaultError disk-full · io: what was accepted since the last flush is gone, for every caller, and must be
   * put again; so ask `missing` after `flush` before relying on objects that others may have put.
   */
  flush(): Promise<void>;

  /**
   * Opens, or goes on with, the upload of one large object; it survives the end of this process, encrypted. An object
   * that is stored already is complete at once, unless it `mustArrive`: then nothing tells that it is stored. Uploads of one object
   * for several purposes know nothing of each other: what was sent for one counts for no other.
   * @throws VaultError disposed · size-mismatch (stored with another size) · too-many-uploads · upload-busy
   */
  openUpload(
    sha256: string,
    sizeBytes: number,
    options?: UploadOptions & { readonly mustArrive?: boolean },
  ): Promise<UploadState>;

  /**
   * Appends to an open upload. When the source ends early, or breaks, what arrived in whole pieces of 65,536 bytes is
   * kept, and the state (or `openUpload`) says where to go on. The piece that reaches `sizeBytes` completes it.
   * @throws VaultError no-upload · offset-mismatch · upload-busy · disposed · disk-full · io · size-mismatch or
   * digest-mismatch (then the upload is gone: start again)
   */
  append(
    sha256: string,
    offsetBytes: number,
    source: ByteSource,
    options?: UploadOptions,
  ): Promise<UploadState>;

  /** Forgets the unfinished uploads of an object, for whatever purpose; without effect when there is none. */
  abortUpload(sha256: string): Promise<void>;

  /**
   * An object's content, streamed. Every 64 KiB piece is authenticated before it is given out, and the whole is hashed
   * before its last piece is: a stream that ends without an error was the object. A range is authenticated piece by piece.
   * @throws VaultError missing · disposed · corrupt · range-not-satisfiable · io; the stream errors with the same
   */
  get(sha256: string, range?: ByteRange): Promise<ObjectContent>;

  /** An object's content, or a range of it, in one piece. @throws as `get`, and too-large above `maxBytes`. */
  getBytes(
    sha256: string,
    options: { readonly maxBytes: number; readonly range?: ByteRange },
  ): Promise<Uint8Array>;

  /**
   * Ends an object: its data key is gone from disk when this resolves, and it is never stored again. Only for the code that
   * processes a logged `disposal` statement. Idempotent, also for objects that were never stored; a crash half-way is
   * completed by the next `openVault`.
   */
  dispose(sha256: string): Promise<void>;

  /** Whether a disposal has ended the object. */
  isDisposed(sha256: string): boolean;

  /** The packs as other centres copy them: encrypted. */
  readonly packs: PackExport;

  /**
   * Lets another centre open packs, once it has copies of them: `all` are those there are, and those to come. Copies and
   * changes no ciphertext. What its holder has read cannot be taken back. Returns how many packs were granted anew; after a failure, the
   * same again completes it.
   * @param recipient age, post-quantum hybrid
   * @throws VaultError wrong-recipient · missing · corrupt · disk-full · io
   */
  grant(recipient: string, packIds: 'all' | readonly string[]): Promise<number>;

  /** Grants no further pack to a recipient, and takes its grants out of the packs here. Returns from how many. */
  endGrants(recipient: string): Promise<number>;

  /** Reads everything: every grant, table and object, and compares the index. Writes nothing, never throws on bad data. */
  check(options?: {
    readonly onProgress?: (progress: CheckProgress) => void;
    readonly signal?: AbortSignal;
  }): Promise<CheckReport>;

  metrics(): VaultMetrics;

  /** Flushes and closes. */
  close(): Promise<void>;
}
