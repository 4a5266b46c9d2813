/**
 * The one writer of a log. What waits is gathered into a batch as soon as the batch before is durable (adaptive
 * group commit): few callers get short batches at once, many get long ones.
 */
import { HASH_BYTES, MAX_ENTRY_BYTES } from '@vitrine/tlog';
import type { LogSigner } from './checkpoint-signing.ts';
import {
  catchUp,
  Deduplication,
  IDENTITY_BYTES,
  isIndexOf,
  type Known,
  writeIdentity,
} from './deduplication.ts';
import { writeLeafHash } from './hashing.ts';
import type { Appended, LogSpec, Seal } from './log.ts';
import type { LogState } from './log-state.ts';
import { LogError, type LogErrorCode } from './log-error.ts';
import { type LogReader, REGISTERED_AT_BYTES, readLeaf } from './log-reader.ts';
import type { CommittedBatch, IdentityIndex, LogStore } from './log-store.ts';
import type { LogCounters } from './metrics.ts';
import type { EngineLogger } from './engine-logger.ts';
import type { LogLimits } from './limits.ts';
import type { RegistrationClock } from './registration-clock.ts';
import { replayBatch } from './replay.ts';
import type { Tail } from './tail.ts';

const RETRY_AFTER_MS = 1_000;
const RECOVER_FIRST_MS = 100;
const RECOVER_MOST_MS = 30_000;

/** What keeps a log from being written when it is opened, and nobody from reading it. */
const READABLE: readonly LogErrorCode[] = ['disk-full', 'awaiting-witnesses', 'behind-witness'];
/** After these the writer never goes on by itself. */
const FINAL: readonly LogErrorCode[] = ['stale-writer', 'behind-witness'];

type Group = {
  readonly entries: readonly Uint8Array[];
  readonly bytes: number;
  /** 32 bytes an entry. */
  readonly identities: Buffer;
  readonly queuedAtMs: number;
  readonly resolve: (appended: Appended[]) => void;
  readonly reject: (error: unknown) => void;
};

export type SequencerParts = {
  readonly spec: LogSpec;
  readonly signer: LogSigner;
  readonly store: LogStore;
  readonly tail: Tail;
  readonly reader: LogReader;
  readonly identities: IdentityIndex;
  /** null for an open log. */
  readonly registrationClock: RegistrationClock | null;
  readonly limits: LogLimits;
  readonly counters: LogCounters;
  readonly logger: EngineLogger;
  /** Asked after taking over and before the first signature; null where nobody else cosigns. */
  readonly confirm: (() => Promise<void>) | null;
  /** Why the last publication failed, or null if it did not. */
  /** Whether a fork of this log is known that is not resolved. */
  readonly isFrozen: () => boolean;
  /** Why the log has ended, in words, as the root log says; null while it goes on. */
  readonly whyClosed: () => string | null;
  readonly publicationFailure: () => LogError | null;
  /** Called after each commit, before its callers are answered. */
  readonly onCommitted: () => void;
};

export class Sequencer {
  readonly #parts: SequencerParts;
  readonly #deduplication: Deduplication;
  readonly #maxEntryBytes: number;
  #epoch = 0;
  #confirmed: boolean;
  #state: LogState = 'open';
  #closing = false;
  #sealed = false;
  /** Why the newest entry is the last one, in words, if it says so. */
  #ended: string | null = null;
  #stopCause: unknown = null;
  #queue: Group[] = [];
  #queuedEntries = 0;
  #queuedBytes = 0;
  #running: Promise<void> | null = null;
  #recovery: { timer: NodeJS.Timeout | null; done: Promise<void> | null } = { timer: null, done: null };

  constructor(parts: SequencerParts) {
    const { spec, identities, reader } = parts;
    this.#parts = parts;
    this.#confirmed = parts.confirm === null;
    this.#deduplication = new Deduplication(spec.entries, identities, reader);
    const most = spec.entries.kind === 'open' ? MAX_ENTRY_BYTES : MAX_ENTRY_BYTES - REGISTERED_AT_BYTES;
    this.#maxEntryBytes = Math.min(spec.maxEntryBytes ?? most, most);
  }

  get state(): LogState {
    return this.#state;
  }

  get queuedEntries(): number {
    return this.#queuedEntries;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Takes over the log: applies the durable batches that are not in tiles yet. On a full disk it does so later, by
   * itself: until the store has copied them, nothing says that they are more than the page cache's, so they are not
   * shown either.
   * While too few witnesses answer, it signs nothing, and asks again by itself.
   * @throws LogError `log-missing`, `corrupt`, `wrong-key`
   */
  async start(): Promise<void> {
    const { spec, identities, reader, tail, logger } = this.#parts;
    try {
      await this.#takeOver();
      await this.#confirm();
    } catch (error) {
      if (!(error instanceof LogError) || !READABLE.includes(error.code)) throw error;
      this.#stop(error, RETRY_AFTER_MS);
    }
    if (!(await isIndexOf(spec.entries, identities, reader, tail.size))) {
      logger.warn({ log: spec.name }, 'the identity index is not of this log and is built again');
      await identities.clear();
    }
    await catchUp(spec.entries, identities, reader, tail.size);
    await this.#readEnd();
  }

  /** See `Log.append`. */
  async append(entries: readonly Uint8Array[]): Promise<Appended[]> {
    if (entries.length === 0) throw new RangeError('a group holds at least one entry');
    const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
    this.#admit(entries, bytes);
    return this.#enqueue(entries, bytes);
  }

  /** See `Log.seal`. */
  async seal(): Promise<Seal> {
    this.requireWriting();
    this.#sealed = true;
    while (this.#running !== null) await this.#running;
    return {
      append: async (entry) => {
        const [appended] = await this.#enqueue([entry], entry.length);
        if (appended === undefined) throw new TypeError('the log answered fewer entries than it was given');
        await this.#readEnd();
        return appended;
      },
      release: () => {
        this.#sealed = false;
      },
    };
  }

  #enqueue(entries: readonly Uint8Array[], bytes: number): Promise<Appended[]> {
    const identities = Buffer.allocUnsafe(entries.length * IDENTITY_BYTES);
    let offset = 0;
    for (const entry of entries) {
      writeIdentity(this.#parts.spec.entries, entry, identities, offset);
      offset += IDENTITY_BYTES;
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ entries, bytes, identities, queuedAtMs: performance.now(), resolve, reject });
      this.#queuedEntries += entries.length;
      this.#queuedBytes += bytes;
      this.#wake();
    });
  }

  /** See `Log.find`. */
  async find(identity: Uint8Array): Promise<number | null> {
    if (identity.length !== IDENTITY_BYTES) throw new RangeError('an identity has 32 bytes');
    const identities = Buffer.from(identity);
    const known = await this.#deduplication.findKnown([{ identities }], this.#parts.tail.size);
    return known?.[0]?.get(0)?.leafIndex ?? null;
  }

  /** Takes no more, commits what waits, and resolves. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#recovery.timer !== null) clearTimeout(this.#recovery.timer);
    await this.#recovery.done;
    this.#parts.tail.release();
    while (this.#running !== null) await this.#running;
    this.#state = 'closed';
    this.#rejectQueue(new LogError('closed', `the log ${this.#parts.spec.name} is closed`));
  }

  #admit(entries: readonly Uint8Array[], bytes: number): void {
    const { limits, spec, counters } = this.#parts;
    this.requireWriting();
    const longest = entries.find((entry) => entry.length > this.#maxEntryBytes);
    if (longest !== undefined) {
      throw new LogError(
        'entry-too-large',
        `an entry of ${longest.length} bytes is longer than the log ${spec.name} admits (${this.#maxEntryBytes})`,
      );
    }
    if (entries.length > limits.maxBatchEntries || bytes > limits.maxBatchBytes) {
      throw new LogError(
        'entry-too-large',
        `${entries.length} entries of ${bytes} bytes are too much for one group (${limits.maxBatchEntries} entries, ${limits.maxBatchBytes} bytes): send them in several`,
      );
    }
    const entriesAfter = this.#queuedEntries + entries.length;
    const bytesAfter = this.#queuedBytes + bytes;
    if (entriesAfter <= limits.maxQueuedEntries && bytesAfter <= limits.maxQueuedBytes) return;
    counters.overloads++;
    throw new LogError('overloaded', `the queue of the log ${spec.name} is full`, {
      retryAfterMs: RETRY_AFTER_MS,
    });
  }

  /** @throws LogError while the writer may sign nothing, not even what is durable already */
  requireSigning(): void {
    if (!this.#confirmed) throw this.#refusal();
    this.#requireNotFrozen();
  }

  /** See `Log.requireWriting`. */
  requireWriting(): void {
    if (this.#closing) throw new LogError('closed', `the log ${this.#parts.spec.name} is closed`);
    const ended = this.#ended ?? this.#parts.whyClosed();
    if (ended !== null) throw new LogError('log-closed', ended);
    if (this.#state !== 'open') throw this.#refusal();
    this.#requireNotFrozen();
    if (this.#sealed)
      throw new LogError('overloaded', `the log ${this.#parts.spec.name} is being closed`, {
        retryAfterMs: RETRY_AFTER_MS,
      });
  }

  /** What is durable decides, also after a crash right behind it. */
  async #readEnd(): Promise<void> {
    const { reader, spec, tail } = this.#parts;
    if (spec.endsWith === undefined || tail.size === 0) return;
    const { leaf, leafIndex } = await reader.readEntry(tail.size - 1);
    this.#ended = spec.endsWith(leaf, leafIndex);
  }

  #requireNotFrozen(): void {
    if (!this.#parts.isFrozen()) return;
    throw new LogError(
      'log-frozen',
      `${this.#parts.spec.origin} has signed two histories and is frozen: it goes on once its root keys have said which one is kept (docs/operating.md, “A fork”)`,
    );
  }

  #refusal(): LogError {
    if (this.#state === 'disk-full') return this.#diskFull();
    const cause = this.#stopCause;
    const told =
      cause instanceof LogError && (FINAL.includes(cause.code) || cause.code === 'awaiting-witnesses');
    return told ? cause : this.#stopped();
  }

  #diskFull(): LogError {
    return new LogError(
      'disk-full',
      'there is no space left to write the entry to: free some, and try again',
      {
        cause: this.#stopCause,
        retryAfterMs: RETRY_AFTER_MS,
      },
    );
  }

  #stopped(): LogError {
    return new LogError(
      'writer-stopped',
      `the log ${this.#parts.spec.name} could not write and is reading its end again; nothing pending was acknowledged`,
      { cause: this.#stopCause, retryAfterMs: RETRY_AFTER_MS },
    );
  }

  #wake(): void {
    // Started from a fresh turn of the loop, so that requests read in this one share the batch.
    this.#running ??= new Promise((resolve) => {
      setImmediate(() => {
        void this.#run().then(() => {
          this.#running = null;
          if (this.#queue.length > 0) this.#wake();
          resolve();
        });
      });
    });
  }

  async #run(): Promise<void> {
    const { tail, limits } = this.#parts;
    while (this.#queue.length > 0) {
      if (this.#state !== 'open') {
        this.#rejectQueue(this.#refusal());
        return;
      }
      while (tail.unwrittenBytes > limits.maxUnpublishedBytes && !this.#closing) {
        const failure = this.#parts.publicationFailure();
        // Cosigners may be away for hours: nobody is kept waiting for them, and memory stays bounded.
        if (failure?.code === 'no-quorum') {
          this.#rejectQueue(failure);
          return;
        }
        await tail.whenWritten();
      }
      const groups = this.#take();
      try {
        await this.#sequence(groups);
      } catch (error) {
        this.#parts.identities.truncate(tail.size);
        for (const group of groups) group.reject(error);
      }
    }
  }

  #take(): Group[] {
    const { maxBatchEntries, maxBatchBytes } = this.#parts.limits;
    let entries = 0;
    let bytes = 0;
    let count = 0;
    for (const group of this.#queue) {
      if (
        count > 0 &&
        (entries + group.entries.length > maxBatchEntries || bytes + group.bytes > maxBatchBytes)
      )
        break;
      entries += group.entries.length;
      bytes += group.bytes;
      count++;
    }
    this.#queuedEntries -= entries;
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  #rejectQueue(error: LogError): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedEntries = 0;
    this.#queuedBytes = 0;
    for (const group of queue) group.reject(error);
  }

  async #sequence(groups: readonly Group[]): Promise<void> {
    const { tail, identities, registrationClock, counters } = this.#parts;
    const known = await this.#deduplication.findKnown(groups, tail.size);
    const registeredAt = registrationClock?.read() ?? null;
    const batch = new BatchBuilder(tail.size, registeredAt, identities, groups);
    const answers = groups.map((group, i) => batch.add(group, known?.[i] ?? null));
    if (batch.leaves.length > 0) await this.#commit(batch, registeredAt);
    const nowMs = performance.now();
    for (const [i, group] of groups.entries()) {
      const appended = answers[i] ?? [];
      counters.appendSeconds.observe((nowMs - group.queuedAtMs) / 1000, appended.length);
      group.resolve(appended);
    }
    counters.duplicates += batch.duplicates;
  }

  async #commit(batch: BatchBuilder, registeredAt: number | null): Promise<void> {
    const { store, tail, identities, registrationClock, signer, counters, onCommitted } = this.#parts;
    const next = tail.next(batch.leaves, batch.leafHashes());
    const checkpoint = signer.sign(next.tree.size, next.tree.root());
    const startedAtMs = performance.now();
    try {
      await store.commitBatch(this.#epoch, tail.size, batch.leaves, checkpoint.note);
    } catch (cause) {
      throw this.#commitFailed(cause);
    }
    tail.append(next, checkpoint);
    if (registeredAt !== null) registrationClock?.advance(registeredAt);
    identities.settle();
    counters.commitSeconds.observe((performance.now() - startedAtMs) / 1000);
    counters.batches++;
    counters.entriesAdded += batch.leaves.length;
    onCommitted();
  }

  #commitFailed(cause: unknown): LogError {
    const { counters } = this.#parts;
    if (isFull(cause)) counters.diskFull++;
    else counters.unknownOutcome++;
    this.#stop(cause, RECOVER_FIRST_MS);
    const error = this.#refusal();
    this.#rejectQueue(error);
    return error;
  }

  /** Takes no more entries until the store could be opened again, which is tried after `delayMs`. */
  #stop(cause: unknown, delayMs: number): void {
    const { logger, spec } = this.#parts;
    const state = stateAfter(cause);
    // A disk may stay full for long, and a witness away.
    if (state === 'failed') logger.error({ log: spec.name, err: cause }, 'the writer has stopped');
    else if (state !== this.#state)
      logger.warn({ log: spec.name, err: cause }, 'entries are refused for now; it is tried again');
    this.#state = state;
    this.#stopCause = cause;
    if (cause instanceof LogError && FINAL.includes(cause.code)) return;
    this.#recoverIn(state === 'failed' ? delayMs : RETRY_AFTER_MS);
  }

  #recoverIn(delayMs: number): void {
    if (this.#closing) return;
    const timer = setTimeout(() => {
      this.#recovery = { timer: null, done: this.#recover(delayMs) };
    }, delayMs);
    timer.unref();
    this.#recovery = { timer, done: null };
  }

  async #recover(delayMs: number): Promise<void> {
    const { spec, identities, reader, tail, logger, onCommitted } = this.#parts;
    try {
      // Asking the witnesses again needs no new segment.
      if (this.#state !== 'awaiting-witnesses') await this.#takeOver();
      await this.#confirm();
      await catchUp(spec.entries, identities, reader, tail.size);
      await this.#readEnd();
      this.#state = 'open';
      this.#stopCause = null;
      logger.warn(
        { log: spec.name, epoch: this.#epoch, size: tail.size },
        'the writer goes on in a new segment',
      );
      onCommitted();
    } catch (err) {
      this.#stop(err, Math.min(2 * delayMs, RECOVER_MOST_MS));
    }
  }

  /** What the store says is durable decides. */
  async #takeOver(): Promise<void> {
    const { epoch, batches } = await this.#parts.store.open();
    for await (const batch of batches) this.#replay(batch);
    this.#epoch = epoch;
  }

  /** Once: what this process commits afterwards, no witness can hold before it. */
  async #confirm(): Promise<void> {
    if (this.#confirmed) return;
    await this.#parts.confirm?.();
    this.#confirmed = true;
  }

  #replay(batch: CommittedBatch): void {
    const { tail, signer, spec, registrationClock } = this.#parts;
    if (!replayBatch(batch, { tail, signer, log: spec.name })) return;
    for (const [i, leaf] of batch.entries.entries()) {
      const { registeredAt } = readLeaf(spec.entries.kind, batch.oldSize + i, leaf);
      if (registeredAt !== null) registrationClock?.advance(registeredAt);
    }
  }
}

/** Lays the new entries of a batch into memory of its own, in order, and answers each caller's entries. */
class BatchBuilder {
  readonly leaves: Uint8Array[] = [];
  duplicates = 0;
  readonly #oldSize: number;
  readonly #registeredAt: number | null;
  readonly #index: IdentityIndex;
  readonly #slab: Buffer;
  readonly #leafHashes: Buffer;
  readonly #identities: Buffer;
  #end = 0;

  constructor(oldSize: number, registeredAt: number | null, index: IdentityIndex, groups: readonly Group[]) {
    const entries = groups.reduce((sum, group) => sum + group.entries.length, 0);
    const bytes = groups.reduce((sum, group) => sum + group.bytes, 0);
    this.#oldSize = oldSize;
    this.#registeredAt = registeredAt;
    this.#index = index;
    this.#slab = Buffer.allocUnsafe(bytes + (registeredAt === null ? 0 : entries * REGISTERED_AT_BYTES));
    this.#leafHashes = Buffer.allocUnsafe(entries * HASH_BYTES);
    // In an open log the identity is the leaf hash.
    this.#identities =
      registeredAt === null ? this.#leafHashes : Buffer.allocUnsafe(entries * IDENTITY_BYTES);
  }

  leafHashes(): Uint8Array {
    return this.#leafHashes.subarray(0, this.leaves.length * HASH_BYTES);
  }

  add(group: Group, known: Known | null): Appended[] {
    return group.entries.map((entry, position) => {
      const existing = known?.get(position) ?? this.#sameBatch(group.identities, position * IDENTITY_BYTES);
      if (existing !== null) {
        this.duplicates++;
        return existing;
      }
      return this.#append(entry, group.identities, position * IDENTITY_BYTES);
    });
  }

  #sameBatch(identities: Buffer, offset: number): Appended | null {
    for (const candidate of this.#index.candidatesSince(this.#oldSize, identities, offset)) {
      const at = (candidate - this.#oldSize) * IDENTITY_BYTES;
      if (
        this.#identities.compare(identities, offset, offset + IDENTITY_BYTES, at, at + IDENTITY_BYTES) === 0
      ) {
        return { ...this.#answer(candidate), duplicate: true };
      }
    }
    return null;
  }

  #append(entry: Uint8Array, identities: Buffer, offset: number): Appended {
    const start = this.#end;
    if (this.#registeredAt !== null) {
      this.#slab.writeBigUInt64BE(BigInt(this.#registeredAt), start);
      this.#end += REGISTERED_AT_BYTES;
    }
    this.#slab.set(entry, this.#end);
    this.#end += entry.length;
    const leaf = this.#slab.subarray(start, this.#end);
    const at = this.leaves.length * HASH_BYTES;
    identities.copy(this.#identities, at, offset, offset + IDENTITY_BYTES);
    if (this.#registeredAt !== null) writeLeafHash(leaf, this.#leafHashes, at);
    this.#index.add(identities, offset);
    this.leaves.push(leaf);
    return this.#answer(this.#oldSize + this.leaves.length - 1);
  }

  #answer(leafIndex: number): Appended {
    const at = (leafIndex - this.#oldSize) * HASH_BYTES;
    const leafHash = this.#leafHashes.subarray(at, at + HASH_BYTES);
    return { leafIndex, registeredAt: this.#registeredAt, leafHash, duplicate: false };
  }
}

function stateAfter(cause: unknown): LogState {
  if (isFull(cause)) return 'disk-full';
  return cause instanceof LogError && cause.code === 'awaiting-witnesses' ? 'awaiting-witnesses' : 'failed';
}

function isFull(error: unknown): boolean {
  return error instanceof LogError && error.code === 'disk-full';
}
