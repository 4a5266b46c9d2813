/**
 * The log engine as the rest of the server sees it: named C2SP tlog-tiles logs, one writer each.
 * `openLogs` (open-logs.ts) makes them; `storage/log-files` holds them on disk.
 */
import type { Ed25519Key } from './ed25519-key.ts';
import type { LogError } from './log-error.ts';
import type { LogState } from './log-state.ts';
import type { LogMetrics } from './metrics.ts';

/**
 * What the leaves of a log are.
 * - `open`: the bytes given, as they are; identity = leaf hash.
 * - `registered`: u64be `registeredAt` (ms) ‖ the bytes given. `identityOf` receives the bytes WITHOUT
 *   registeredAt and returns 32 bytes; it MUST be pure and total (it is run again over the whole log when
 *   the identity index is rebuilt), and MUST be collision-resistant.
 */
export type EntryKind =
  | { readonly kind: 'open' }
  | { readonly kind: 'registered'; readonly identityOf: (entry: Uint8Array) => Uint8Array };

/** One log to create or open. */
export type LogSpec = {
  /** Folder and URL name, `[a-z][a-z0-9-]*`. */
  readonly name: string;
  /** The checkpoint's origin, also the name of the log's key: `NAME/<name>` of the instance. */
  readonly origin: string;
  readonly entries: EntryKind;
  readonly key: Ed25519Key;
  /** Longest entry in bytes, WITHOUT registeredAt; default and most: 65,535 (less 8 if registered). */
  readonly maxEntryBytes?: number;
  /** Keep every published checkpoint durably, readable by size with `checkpointAt`. */
  readonly keepHistory?: boolean;
  /** Anchor each new published size at once (the keys log) instead of at most once a second. */
  readonly anchorAtOnce?: boolean;
  /** Why the log ends with this leaf, in words; null for any other. Asked of the newest entry. */
  readonly endsWith?: (leaf: Uint8Array, leafIndex: number) => string | null;
};

/** What `append` returns for one entry, once it is durable. */
export type Appended = {
  readonly leafIndex: number;
  /** Milliseconds since 1970 as sequenced; null in an open log. */
  readonly registeredAt: number | null;
  /** 32 bytes: RFC 6962 hash of the leaf (with registeredAt, where there is one). */
  readonly leafHash: Uint8Array;
  /** True if the entry was in the log already, or came earlier in the same group; nothing was added. */
  readonly duplicate: boolean;
};

/** A checkpoint that everybody may see. */
export type PublishedCheckpoint = {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** The signed note: the log's own signature, then the instance's cosignature (0x04). */
  readonly note: string;
  /** Seconds since 1970: the time in the cosignature. */
  readonly cosignedAt: number;
  /** By log name: the notes published together with this one and dated no earlier (see `publishTogether`). */
  readonly companions: Readonly<Record<string, string>>;
};

/** One entry read back. */
export type Entry = {
  readonly leafIndex: number;
  /** The leaf: the bytes in the entry bundle. */
  readonly leaf: Uint8Array;
  /** null in an open log. */
  readonly registeredAt: number | null;
  /** The leaf without registeredAt. */
  readonly bytes: Uint8Array;
};

/** The head of a non-root log, to be anchored in the root log by a `head` entry. `root`: 32 bytes. */
export type Head = {
  readonly log: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
};

/** The reading half of a log: of one that is written here, and of one that is followed. */
export interface LogView {
  readonly name: string;
  readonly origin: string;
  /** The C2SP vkey of the log's key. */
  readonly vkey: string;
  readonly kind: EntryKind['kind'];
  /** Number of durable entries; at least `published.size`. */
  readonly size: number;
  /** The newest published checkpoint. */
  readonly published: PublishedCheckpoint;

  /**
   * The first checkpoint published from now on, or the newest if it covers the entry already.
   * @throws LogError `out-of-range` if the entry is not durable yet, `closed` if the log closes first
   */
  whenPublished(leafIndex: number): Promise<PublishedCheckpoint>;

  /** The newest note published at exactly this size; null if none was, or without `keepHistory`. */
  checkpointAt(size: number): Promise<PublishedCheckpoint | null>;

  /** Called after each publication. Returns how to stop. */
  onPublished(listener: (checkpoint: PublishedCheckpoint) => void): () => void;

  /**
   * The hashes of a tile: `width` × 32 bytes. Any width up to what is published, sliced from a wider tile
   * where needed. null if there is no such tile.
   * @throws RangeError for level > 63 or width outside 1..256
   */
  readTile(tile: {
    readonly level: number;
    readonly index: number;
    readonly width: number;
  }): Promise<Uint8Array | null>;
  /** An entry bundle of `width` entries (u16be length, bytes), as `readTile`. */
  readBundle(bundle: { readonly index: number; readonly width: number }): Promise<Uint8Array | null>;

  /**
   * The durable entries start ≤ i < end, in order, published or not; at most one bundle in memory.
   * @throws LogError `out-of-range` if end > size, `corrupt` if a bundle on disk does not hold them
   */
  readEntries(start: number, end: number): AsyncIterable<Entry>;
  /** One durable entry. @throws LogError `out-of-range`, `corrupt` */
  readEntry(leafIndex: number): Promise<Entry>;

  /**
   * RFC 6962 inclusion proof, hashes of 32 bytes, leaf to root.
   * @throws LogError `out-of-range` unless leafIndex < treeSize ≤ published size
   */
  inclusionProof(leafIndex: number, treeSize: number): Promise<Uint8Array[]>;
  /** RFC 6962 consistency proof. @throws LogError `out-of-range` unless 0 < from ≤ to ≤ published size */
  consistencyProof(from: number, to: number): Promise<Uint8Array[]>;
  /** The root (32 bytes) at any size ≤ published size. @throws LogError `out-of-range` */
  rootAt(treeSize: number): Promise<Uint8Array>;
}

/** A log that takes nothing but from whoever holds this, until it is released. */
export interface Seal {
  /** @throws LogError as `Log.append` */
  append(entry: Uint8Array): Promise<Appended>;
  release(): void;
}

/** One log, open for reading and writing. */
export interface Log extends LogView {
  readonly state: LogState;
  /** Why the last publication failed: `no-quorum` says which cosigners are missing. null if it did not. */
  readonly publicationFailure: LogError | null;
  /** Since when every publication has failed, milliseconds since 1970; null while they succeed. */
  readonly publicationFailingSinceMs: number | null;
  /** @throws LogError as `append` would, while it would refuse whatever it is given */
  requireWriting(): void;
  /** registeredAt of the newest durable entry, 0 without one; null in an open log. */
  readonly newestRegisteredAt: number | null;
  /**
   * Entries appended from now on are registered at this time (ms) or later: how the order of two logs is kept although each has
   * times of its own. @throws TypeError in an open log
   */
  registerFrom(timeMs: number): void;

  /**
   * Appends a group: all of its new entries stand in one batch with consecutive indices, or none is added.
   * Resolves once the batch is durable (not yet published), with one result an entry, in order. An entry
   * whose identity the log has, or that stands twice in the group, is answered with the existing index.
   * The bytes MUST NOT be changed before it settles.
   * @throws LogError `entry-too-large`, `overloaded`, `disk-full`, `writer-stopped`, `clock-behind`,
   *   `clock-jumped`, `awaiting-witnesses`, `behind-witness`, `log-frozen`, `log-closed`, `no-quorum` (so much waits for cosignatures that memory is
   *   full), `closed`. After each of them nothing of the group was acknowledged, and the caller may
   *   append it again: whatever did become durable is then found as a duplicate.
   * @throws RangeError for an empty group
   */
  append(entries: readonly Uint8Array[]): Promise<Appended[]>;

  /**
   * Takes no more entries but those of who holds the seal, and resolves once what was queued is durable: so the log can be ended at a
   * size that somebody has signed. Meanwhile it refuses as `overloaded`.
   * @throws LogError as `append` would
   */
  seal(): Promise<Seal>;

  /**
   * Resolves when a head that covers the entry stands in the root log, that is when the injected `anchor`
   * has resolved for it. At once in the root log itself.
   * @throws LogError `out-of-range`, `closed`
   */
  whenAnchored(leafIndex: number): Promise<Head>;

  /**
   * Publishes now, with a cosignature dated no earlier than this call (and the logs coupled to this one as
   * well). Calls at the same time share one publication.
   * @throws LogError `closed`, `disk-full`, `writer-stopped`, `clock-behind`, `awaiting-witnesses`, `behind-witness`, `no-quorum`
   */
  republish(): Promise<PublishedCheckpoint>;

  /** Called after each commit, and when the writer goes on, with the number of durable entries. Returns how to stop. */
  onCommitted(listener: (size: number) => void): () => void;
  /**
   * The index of the entry with this identity (32 bytes: the leaf hash in an open log), or null.
   * Sees durable entries only.
   */
  find(identity: Uint8Array): Promise<number | null>;

  metrics(): LogMetrics;
}

/** The open logs of an instance. */
export interface Logs {
  readonly names: readonly string[];
  /** @throws LogError `log-missing` */
  get(name: string): Log;
  /**
   * Refuses new entries, commits and publishes what is queued, and lets the folder go. What was acknowledged
   * is durable whether or not the last publication succeeds.
   */
  close(): Promise<void>;
}

/** Logs by name, for reading: those that are written here, and those that are followed. */
export interface LogViews {
  readonly names: readonly string[];
  /** @throws LogError `log-missing` */
  get(name: string): LogView;
}

/** Whether the log is one that this server writes. */
export function isWritten(log: LogView): log is Log {
  return 'append' in log;
}
