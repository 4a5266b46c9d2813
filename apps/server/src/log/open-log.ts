/** One open log: puts sequencer, tail, reader and publication together behind the `Log` interface. */
import { EMPTY_ROOT } from '@vitrine/tlog';
import { Anchoring } from './anchoring.ts';
import { type Cosigner, LogSigner, type SignedCheckpoint } from './checkpoint-signing.ts';
import type { Clock } from './clock.ts';
import type { Cosigners } from './cosigners.ts';
import type { Appended, Entry, EntryKind, Head, Log, LogSpec, PublishedCheckpoint, Seal } from './log.ts';
import type { LogState } from './log-state.ts';
import { LogError } from './log-error.ts';
import { LogReader } from './log-reader.ts';
import type { IdentityIndex, LogStorage, LogStore } from './log-store.ts';
import { LogCounters, type LogMetrics } from './metrics.ts';
import type { EngineLogger } from './engine-logger.ts';
import type { LogLimits } from './limits.ts';
import type { Publication, Publishable } from './publication.ts';
import { RegistrationClock } from './registration-clock.ts';
import { Sequencer } from './sequencer.ts';
import { Tail } from './tail.ts';
import { Waiters } from './waiters.ts';

export type OpenLogParts = {
  readonly spec: LogSpec;
  readonly storage: LogStorage;
  readonly cosigner: Cosigner;
  /** null where nobody else cosigns. */
  readonly others: Cosigners | null;
  /** Whether a log has an unresolved fork. */
  readonly isFrozen: (origin: string) => boolean;
  readonly whyClosed: (origin: string) => string | null;
  readonly clock: Clock;
  readonly limits: LogLimits;
  readonly logger: EngineLogger;
  /** null for the root log, and where nothing is anchored. */
  readonly anchor: ((head: Head) => Promise<void>) | null;
};

export class OpenLog implements Log {
  readonly name: string;
  readonly origin: string;
  readonly vkey: string;
  readonly kind: EntryKind['kind'];
  readonly #clock: Clock;
  readonly #store: LogStore;
  readonly #identities: IdentityIndex;
  readonly #tail: Tail;
  readonly #reader: LogReader;
  readonly #sequencer: Sequencer;
  readonly #registrationClock: RegistrationClock | null;
  readonly #cosigner: Cosigner;
  readonly #keepHistory: boolean;
  readonly #counters = new LogCounters();
  readonly #logger: EngineLogger;
  readonly #anchoring: Anchoring | null;
  readonly #waiters = new Waiters<PublishedCheckpoint>();
  readonly #committedListeners = new Set<(size: number) => void>();
  readonly #publishedListeners = new Set<(checkpoint: PublishedCheckpoint) => void>();
  #published: PublishedCheckpoint | null;
  #offeredSize = 0;
  #publicationFailure: LogError | null = null;
  #failingSinceMs: number | null = null;
  #publication: Publication | null = null;
  #closed = false;

  private constructor(
    parts: OpenLogParts,
    signer: LogSigner,
    opened: {
      readonly store: LogStore;
      readonly identities: IdentityIndex;
      readonly tail: Tail;
      readonly published: PublishedCheckpoint | null;
      readonly newestRegisteredAt: number;
    },
  ) {
    const { spec, clock, limits, logger, anchor, cosigner } = parts;
    this.name = spec.name;
    this.origin = spec.origin;
    this.vkey = signer.vkey;
    this.kind = spec.entries.kind;
    this.#clock = clock;
    this.#store = opened.store;
    this.#identities = opened.identities;
    this.#tail = opened.tail;
    this.#published = opened.published;
    this.#cosigner = cosigner;
    this.#keepHistory = spec.keepHistory ?? false;
    this.#logger = logger;
    this.#reader = new LogReader(this.kind, opened.store, opened.tail, () =>
      Math.max(this.#published?.size ?? 0, this.#offeredSize),
    );
    this.#registrationClock =
      this.kind === 'open' ? null : new RegistrationClock(clock, opened.newestRegisteredAt);
    this.#anchoring =
      anchor === null
        ? null
        : new Anchoring({
            log: { name: this.name, origin: this.origin },
            append: anchor,
            intervalMs: spec.anchorAtOnce === true ? 0 : limits.anchorIntervalMs,
            logger,
          });
    this.#sequencer = new Sequencer({
      spec,
      signer,
      store: opened.store,
      tail: opened.tail,
      reader: this.#reader,
      identities: opened.identities,
      registrationClock: this.#registrationClock,
      limits,
      counters: this.#counters,
      logger,
      confirm: confirmation(parts, opened.store, opened.tail),
      publicationFailure: () => this.#publicationFailure,
      isFrozen: () => parts.isFrozen(spec.origin),
      whyClosed: () => parts.whyClosed(spec.origin),
      onCommitted: () => this.#committed(),
    });
  }

  /**
   * Recovers a log: checks the published edge, replays what was durable after it. On a full disk the log is open
   * for reading at its published size, and recovers the rest by itself once there is space.
   * @throws LogError `log-missing`, `corrupt`, `wrong-key`
   */
  static async open(parts: OpenLogParts): Promise<OpenLog> {
    const { spec, storage, cosigner } = parts;
    const signer = new LogSigner(spec.origin, spec.key);
    const store = storage.store(spec.name);
    let identities: IdentityIndex | null = null;
    try {
      const published = await store.readPublished();
      const checkpoint =
        published === null
          ? signer.sign(0, EMPTY_ROOT)
          : signer.open(published, `the published checkpoint of ${spec.name}`);
      const tail = await Tail.load(checkpoint, (path) => store.readFile(path));
      const reader = new LogReader(spec.entries.kind, store, tail, () => tail.size);
      const newest =
        spec.entries.kind === 'open' || tail.size === 0 ? null : await reader.readEntry(tail.size - 1);
      identities = await storage.identities(spec.name, {
        smallRuns: spec.entries.kind === 'registered',
      });
      const log = new OpenLog(parts, signer, {
        store,
        identities,
        tail,
        published: published === null ? null : await publishedBefore(checkpoint, cosigner, store),
        newestRegisteredAt: newest?.registeredAt ?? 0,
      });
      await log.#sequencer.start();
      return log;
    } catch (error) {
      await identities?.close();
      await store.close();
      throw error;
    }
  }

  /** What the publication of this log works on. */
  get publishable(): Publishable {
    return {
      name: this.name,
      origin: this.origin,
      keepHistory: this.#keepHistory,
      store: this.#store,
      tail: this.#tail,
      registrationClock: this.#registrationClock,
      counters: this.#counters,
      publishedSize: () => this.#published?.size ?? null,
      publishedNote: () => this.#published?.note ?? null,
      onPublicationFailed: (error) => {
        this.#publicationFailure = error instanceof LogError ? error : null;
        this.#failingSinceMs ??= this.#clock.nowMs();
        // Whoever waits for memory looks again.
        this.#tail.release();
      },
      requireSigning: () => this.#sequencer.requireSigning(),
      onOffered: (size) => {
        this.#offeredSize = size;
      },
      consistencyProof: (from, to) => this.#reader.consistencyProof(from, to),
      onPublished: (checkpoint) => this.#shown(checkpoint),
    };
  }

  /** From now on commits are published; called once, before the log is handed out. */
  publishWith(publication: Publication): void {
    this.#publication = publication;
  }

  get state(): LogState {
    return this.#sequencer.state;
  }

  requireWriting(): void {
    this.#sequencer.requireWriting();
  }

  get publicationFailure(): LogError | null {
    return this.#publicationFailure;
  }

  get publicationFailingSinceMs(): number | null {
    return this.#failingSinceMs;
  }

  get newestRegisteredAt(): number | null {
    return this.#registrationClock?.newestMs ?? null;
  }

  registerFrom(timeMs: number): void {
    if (this.#registrationClock === null)
      throw new TypeError(`${this.name} is an open log: its entries have no time`);
    this.#registrationClock.raise(timeMs);
  }

  get size(): number {
    return this.#tail.size;
  }

  get published(): PublishedCheckpoint {
    if (this.#published === null)
      throw new LogError('out-of-range', `${this.name} has published nothing yet`);
    return this.#published;
  }

  append(entries: readonly Uint8Array[]): Promise<Appended[]> {
    return this.#sequencer.append(entries);
  }

  seal(): Promise<Seal> {
    return this.#sequencer.seal();
  }

  whenPublished(leafIndex: number): Promise<PublishedCheckpoint> {
    const refused = this.#waitRefusal(leafIndex);
    if (refused !== null) return Promise.reject(refused);
    if (this.#published !== null && leafIndex < this.#published.size) return Promise.resolve(this.#published);
    if (this.#closed) return Promise.reject(this.#closedError());
    return this.#waiters.wait(leafIndex);
  }

  whenAnchored(leafIndex: number): Promise<Head> {
    const refused = this.#waitRefusal(leafIndex);
    if (refused !== null) return Promise.reject(refused);
    if (this.#anchoring !== null) return this.#anchoring.whenAnchored(leafIndex);
    const { size, root } = this.#tail.checkpoint;
    return Promise.resolve({ log: this.name, origin: this.origin, size, root });
  }

  async republish(): Promise<PublishedCheckpoint> {
    if (this.#publication === null || this.#closed) throw this.#closedError();
    await this.#publication.publishNow();
    return this.published;
  }

  async checkpointAt(size: number): Promise<PublishedCheckpoint | null> {
    if (this.#published?.size === size) return this.#published;
    const record = await this.#store.readHistory(size);
    if (record === null || size > this.published.size) return null;
    const root = await this.#reader.rootAt(size);
    const { note, companions } = record;
    return { size, root, note, cosignedAt: this.#cosigner.timeOf(note) ?? 0, companions };
  }

  onCommitted(listener: (size: number) => void): () => void {
    this.#committedListeners.add(listener);
    return () => this.#committedListeners.delete(listener);
  }

  onPublished(listener: (checkpoint: PublishedCheckpoint) => void): () => void {
    this.#publishedListeners.add(listener);
    return () => this.#publishedListeners.delete(listener);
  }

  readTile(tile: { level: number; index: number; width: number }): Promise<Uint8Array | null> {
    return this.#reader.readTile(tile);
  }

  readBundle(bundle: { index: number; width: number }): Promise<Uint8Array | null> {
    return this.#reader.readBundle(bundle);
  }

  readEntries(start: number, end: number): AsyncIterable<Entry> {
    return this.#reader.readEntries(start, end);
  }

  readEntry(leafIndex: number): Promise<Entry> {
    return this.#reader.readEntry(leafIndex);
  }

  find(identity: Uint8Array): Promise<number | null> {
    return this.#sequencer.find(identity);
  }

  inclusionProof(leafIndex: number, treeSize: number): Promise<Uint8Array[]> {
    return this.#reader.inclusionProof(leafIndex, treeSize);
  }

  consistencyProof(from: number, to: number): Promise<Uint8Array[]> {
    return this.#reader.consistencyProof(from, to);
  }

  rootAt(treeSize: number): Promise<Uint8Array> {
    return this.#reader.rootAt(treeSize);
  }

  metrics(): LogMetrics {
    const counters = this.#counters;
    return {
      size: this.size,
      publishedSize: this.#published?.size ?? 0,
      entriesAdded: counters.entriesAdded,
      duplicates: counters.duplicates,
      batches: counters.batches,
      overloads: counters.overloads,
      commitFailures: { diskFull: counters.diskFull, unknownOutcome: counters.unknownOutcome },
      publications: counters.publications,
      publicationFailures: counters.publicationFailures,
      queuedEntries: this.#sequencer.queuedEntries,
      queuedBytes: this.#sequencer.queuedBytes,
      unpublishedBytes: this.#tail.unwrittenBytes,
      lastPublishedAtMs: counters.lastPublishedAtMs,
      state: this.state,
      commitSeconds: counters.commitSeconds.snapshot(),
      publishSeconds: counters.publishSeconds.snapshot(),
      appendSeconds: counters.appendSeconds.snapshot(),
    };
  }

  /** Takes no more entries; commits those that wait. */
  closeWriter(): Promise<void> {
    return this.#sequencer.close();
  }

  /** Lets the head on its way arrive. */
  async closeAnchoring(): Promise<void> {
    await this.#anchoring?.close();
  }

  /** After the last publication. */
  async closeStore(): Promise<void> {
    this.#closed = true;
    this.#waiters.rejectAll(this.#closedError());
    await this.#identities.close();
    await this.#store.close();
  }

  /** Starts anchoring what was published before this process. */
  anchorPublished(): void {
    if (this.#published !== null) this.#anchoring?.published(this.#published);
  }

  #committed(): void {
    this.#publication?.schedule();
    for (const listener of this.#committedListeners) this.#call(() => listener(this.#tail.size));
  }

  #shown(checkpoint: PublishedCheckpoint): void {
    this.#publicationFailure = null;
    this.#failingSinceMs = null;
    this.#published = checkpoint;
    this.#waiters.reached(checkpoint.size, checkpoint);
    this.#anchoring?.published(checkpoint);
    for (const listener of this.#publishedListeners) this.#call(() => listener(checkpoint));
  }

  /** A listener's fault must not undo what is durable. */
  #call(listener: () => void): void {
    try {
      listener();
    } catch (err) {
      this.#logger.error({ log: this.name, err }, 'a listener of the log threw');
    }
  }

  #waitRefusal(leafIndex: number): LogError | null {
    if (Number.isSafeInteger(leafIndex) && leafIndex >= 0 && leafIndex < this.#tail.size) return null;
    return new LogError('out-of-range', `the log ${this.name} has no durable entry ${leafIndex}`);
  }

  #closedError(): LogError {
    return new LogError('closed', `the log ${this.name} is closed`);
  }
}

async function publishedBefore(
  checkpoint: SignedCheckpoint,
  cosigner: Cosigner,
  store: LogStore,
): Promise<PublishedCheckpoint> {
  const history = await store.readHistory(checkpoint.size);
  return {
    ...checkpoint,
    cosignedAt: cosigner.timeOf(checkpoint.note) ?? 0,
    companions: history?.note === checkpoint.note ? history.companions : {},
  };
}

/** Asks the others what they hold of this log, once its end is known. */
function confirmation(
  { spec, others }: OpenLogParts,
  store: LogStore,
  tail: Tail,
): (() => Promise<void>) | null {
  if (others?.concern(spec.origin) !== true) return null;
  const reader = new LogReader(spec.entries.kind, store, tail, () => tail.size);
  return () =>
    others.confirm({ origin: spec.origin, size: tail.size, rootAt: (size) => reader.rootAt(size) });
}
