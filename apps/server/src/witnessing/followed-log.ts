/**
 * A log that somebody else writes, as this server holds it: verified before it is durable, in the layout of its URLs,
 * read like a log of one's own. It only grows. What is held may reach further than what readers are shown: a mirror
 * holds a checkpoint before the writer publishes it.
 */
import {
  edgeAddresses,
  FsckError,
  type LogSource,
  openSource,
  readBundle,
  readTile,
  type SourceLocation,
} from '@vitrine/fsck';
import {
  bundlesOfTree,
  EMPTY_ROOT,
  equalBytes,
  formatBundlePath,
  formatTilePath,
  MAX_NOTE_BYTES,
  type NoteVerifier,
  openCheckpoint,
  parseVkey,
  TILE_WIDTH,
  TlogError,
  tilesOfTree,
  tileWidth,
} from '@vitrine/tlog';
import { nativeVerifier } from '../log/checkpoint-signing.ts';
import { type EngineLogger, silent } from '../log/engine-logger.ts';
import type { Entry, EntryKind, LogView, PublishedCheckpoint } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import { LogReader } from '../log/log-reader.ts';
import type { TileFile } from '../log/log-store.ts';
import { Waiters } from '../log/waiters.ts';
import { FollowError } from './follow-error.ts';
import type { BundleRun, FollowedStore, KeptNotes } from './followed-store.ts';
import { type Edge, EMPTY_EDGE, GrowthProof, rootOf } from './growth-proof.ts';

/** Whether readers may be shown a checkpoint that the log has signed; and its time, in seconds since 1970. */
export type Acceptance =
  | { readonly ok: true; readonly cosignedAt: number }
  | { readonly ok: false; readonly reason: string };

export type FollowedLogOptions = {
  /** By which this server names it. */
  readonly name: string;
  /** The log's own Ed25519 key; its name is the origin. */
  readonly vkey: string;
  readonly kind: EntryKind['kind'];
  readonly store: FollowedStore;
  /** Keep every shown checkpoint, readable by size with `checkpointAt`. */
  readonly keepHistory?: boolean;
  /** By default the log's own signature is enough, and no time is known (0). */
  readonly accept?: (note: string) => Acceptance;
  readonly logger?: EngineLogger;
};

/** What came of an offered checkpoint. */
export type Received = {
  /**
   * - `grown`: it is newer, and all of it is held now
   * - `unchanged`: it is the one shown, or it is held and was not to be shown
   * - `shown`: its tree is held already, and it is shown now: for the first time, or with newer signatures
   * - `stale`: it is older than what is shown, and of the same history
   */
  readonly outcome: 'grown' | 'unchanged' | 'shown' | 'stale';
  readonly offeredSize: number;
  readonly heldSize: number;
};

type Signed = { readonly size: number; readonly root: Uint8Array; readonly note: string };
type Held = Edge & Signed;

/** Where the tiles of an offered checkpoint are, and what to do with it once they are here. */
export type Offer = {
  readonly note: string;
  readonly source: SourceLocation;
  /** False: only hold it. */
  readonly show: boolean;
  /** The notes of the logs published together with this one, as `PublishedCheckpoint.companions`. */
  readonly companions?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

export class FollowedLog implements LogView {
  readonly name: string;
  readonly origin: string;
  readonly vkey: string;
  readonly kind: EntryKind['kind'];
  readonly #verifier: NoteVerifier;
  readonly #store: FollowedStore;
  readonly #keepHistory: boolean;
  readonly #accept: (note: string) => Acceptance;
  readonly #logger: EngineLogger;
  readonly #reader: LogReader;
  readonly #heldReader: LogReader;
  readonly #waiters = new Waiters<PublishedCheckpoint>();
  readonly #listeners = new Set<(checkpoint: PublishedCheckpoint) => void>();
  #held: Held = { ...EMPTY_EDGE, root: EMPTY_ROOT, note: '' };
  #published: PublishedCheckpoint | null = null;
  /** What a growth that did not end may have left reaches up to here. */
  #leftSize = 0;
  #serial: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(options: FollowedLogOptions, verifier: NoteVerifier) {
    const { name, vkey, kind, store, logger = silent, keepHistory = false } = options;
    this.name = name;
    this.origin = verifier.name;
    this.vkey = vkey;
    this.kind = kind;
    this.#verifier = nativeVerifier(verifier);
    this.#store = store;
    this.#keepHistory = keepHistory;
    this.#accept = options.accept ?? (() => ({ ok: true, cosignedAt: 0 }));
    this.#logger = logger;
    // Everything held is on disk.
    const held = (): number => this.#held.size;
    const tail = {
      get size() {
        return held();
      },
      tile: () => null,
      leavesOf: () => null,
    };
    this.#reader = new LogReader(kind, store, tail, () => this.#published?.size ?? 0);
    this.#heldReader = new LogReader(kind, store, tail, held);
  }

  /**
   * Opens what is kept, and checks that its right edge gives the roots that the log signed. An empty store is a log of
   * which nothing is known yet.
   * @throws TlogError `malformed-vkey`, `unsupported-key-type`
   * @throws LogError `corrupt`, `wrong-key` if the folder holds another log, `disk-full`
   */
  static async open(options: FollowedLogOptions): Promise<FollowedLog> {
    const verifier = parseVkey(options.vkey);
    if (verifier.type !== 0x01) {
      throw new TlogError('unsupported-key-type', `${verifier.name} is a cosigner's key, not a log's`);
    }
    const log = new FollowedLog(options, verifier);
    await log.#open(await options.store.open());
    return log;
  }

  get size(): number {
    return this.#held.size;
  }

  /** The newest checkpoint under which everything is durable here, shown or not; null before the first. */
  get held(): Signed | null {
    const { size, root, note } = this.#held;
    return note === '' ? null : { size, root, note };
  }

  /** Roots, proofs and tiles of all that is held, shown or not. */
  get heldTree(): Pick<LogView, 'rootAt' | 'consistencyProof' | 'readTile' | 'readBundle'> {
    return this.#heldReader;
  }

  get published(): PublishedCheckpoint {
    if (this.#published !== null) return this.#published;
    throw new LogError('out-of-range', `nothing of ${this.name} has been published here yet`);
  }

  /** Whether there is anything to show yet. */
  get isPublished(): boolean {
    return this.#published !== null;
  }

  /**
   * Takes in a checkpoint that the log may have signed: pulls what it covers beyond what is held, verifies all of it,
   * makes it durable, and then shows it or holds it. One at a time; if it throws, nothing is shown or held that was not.
   * @throws FollowError; with `fork` both checkpoints are kept as evidence
   * @throws LogError `disk-full`, `corrupt`, `closed`
   */
  receive(offer: Offer): Promise<Received> {
    const received = this.#serial.then(() => this.#receive(offer));
    this.#serial = received.catch(() => undefined);
    return received;
  }

  whenPublished(leafIndex: number): Promise<PublishedCheckpoint> {
    if (!Number.isSafeInteger(leafIndex) || leafIndex < 0 || leafIndex >= this.size) {
      return Promise.reject(
        new LogError('out-of-range', `${this.name} is not held up to entry ${leafIndex}`),
      );
    }
    if (this.#published !== null && leafIndex < this.#published.size) return Promise.resolve(this.#published);
    if (this.#closed) return Promise.reject(this.#closedError());
    return this.#waiters.wait(leafIndex);
  }

  onPublished(listener: (checkpoint: PublishedCheckpoint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async checkpointAt(size: number): Promise<PublishedCheckpoint | null> {
    if (this.#published?.size === size) return this.#published;
    const record = await this.#store.readHistory(size);
    if (record === null || size > this.published.size) return null;
    const { note, companions } = record;
    return { size, root: await this.rootAt(size), note, cosignedAt: this.#timeOf(note), companions };
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

  inclusionProof(leafIndex: number, treeSize: number): Promise<Uint8Array[]> {
    return this.#reader.inclusionProof(leafIndex, treeSize);
  }

  consistencyProof(from: number, to: number): Promise<Uint8Array[]> {
    return this.#reader.consistencyProof(from, to);
  }

  rootAt(treeSize: number): Promise<Uint8Array> {
    return this.#reader.rootAt(treeSize);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#serial;
    this.#waiters.rejectAll(this.#closedError());
    await this.#store.close();
  }

  async #open({ published, held, growth }: KeptNotes): Promise<void> {
    const shown = published === null ? null : this.#readKept(published, 'the checkpoint');
    const beyond = held === null ? null : this.#readKept(held, 'the checkpoint held but not shown');
    const newest = beyond !== null && beyond.size > (shown?.size ?? -1) ? beyond : shown;
    if (newest !== null) this.#held = await this.#readEdge(newest);
    if (shown !== null) {
      // Where it is not the newest, it is the beginning of it.
      if (shown !== newest && !equalBytes(await this.#heldReader.rootAt(shown.size), shown.root)) {
        throw new LogError('corrupt', `the checkpoint shown of ${this.name} does not belong to what is held`);
      }
      const history = await this.#store.readHistory(shown.size);
      const companions = history?.note === shown.note ? history.companions : {};
      this.#published = { ...shown, cosignedAt: this.#timeOf(shown.note), companions };
    }
    if (growth !== null)
      await this.#afterGrowth(growth.fromSize, this.#readKept(growth.note, 'a growth').size);
  }

  /** A process before has ended while the log grew: partial tiles of a size that nobody was shown go. */
  async #afterGrowth(fromSize: number, toSize: number): Promise<void> {
    if (toSize > this.size) {
      const partial = [...filesBetween(this.size, toSize)].filter(({ width }) => width < TILE_WIDTH);
      await this.#store.removeFiles(partial.map(({ path }) => path));
      this.#leftSize = toSize;
    } else {
      await this.#dropPartials(fromSize);
      await this.#store.endGrowth();
    }
  }

  #readKept(note: string, what: string): Signed {
    try {
      return this.#readSigned(note);
    } catch (cause) {
      if (!(cause instanceof TlogError)) throw cause;
      const isOther = cause.code === 'no-known-signature' || cause.code === 'origin-mismatch';
      throw new LogError(
        isOther ? 'wrong-key' : 'corrupt',
        `${what} kept of ${this.name} is not signed by ${this.vkey}: ${cause.message}. A folder holds one log; give another its own`,
        { cause },
      );
    }
  }

  /** @throws TlogError */
  #readSigned(note: string): Signed {
    const { checkpoint } = openCheckpoint(note, this.#verifier);
    return { size: checkpoint.treeSize, root: checkpoint.root, note };
  }

  /** @throws LogError `corrupt` */
  async #readEdge(signed: Signed): Promise<Held> {
    const source = this.#ownSource();
    const tiles = new Map<number, Uint8Array>();
    const fail = (path: string, why: string): never => {
      throw new LogError('corrupt', `${path} ${why}: empty the folder of ${this.name} and follow it again`);
    };
    for (const address of edgeAddresses(signed.size)) {
      const read = await readTile(source, address);
      tiles.set(address.level, 'hashes' in read ? read.hashes : fail(formatTilePath(address), read.fault));
      if (address.level > 0) continue;
      const bundle = await readBundle(source, address);
      const agrees = 'hashes' in bundle && 'hashes' in read && equalBytes(bundle.hashes, read.hashes);
      if (!agrees) fail(formatBundlePath(address), 'and its tile do not belong together');
    }
    const edge = { size: signed.size, tiles };
    if (!equalBytes(rootOf(edge), signed.root)) {
      fail(`the tiles at the edge of size ${signed.size}`, 'do not give the root that the log signed');
    }
    return { ...signed, tiles };
  }

  /** What is on disk here, read as if it were somebody else's. */
  #ownSource(): LogSource {
    return {
      lanes: 1,
      mayHoldGzip: false,
      partialWidths: () => [],
      read: async (path) => {
        const bytes = await this.#store.readFile(path);
        return bytes === null ? { fault: 'is missing', missing: true } : { bytes };
      },
    };
  }

  async #receive(offer: Offer): Promise<Received> {
    if (this.#closed) throw this.#closedError();
    const offered = this.#readOffered(offer.note);
    const acceptance = offer.show ? this.#accept(offer.note) : null;
    if (acceptance !== null && !acceptance.ok) {
      throw new FollowError(
        'bad-checkpoint',
        `the checkpoint of size ${offered.size} is not accepted: ${acceptance.reason}`,
      );
    }
    const outcome = (await this.#isHeld(offered))
      ? await this.#settle(offer, offered)
      : await this.#grow(offer, offered);
    return { outcome, offeredSize: offered.size, heldSize: this.size };
  }

  /** @throws FollowError `bad-checkpoint` */
  #readOffered(note: string): Signed {
    if (note.length > MAX_NOTE_BYTES) {
      throw new FollowError('bad-checkpoint', `the checkpoint is larger than ${MAX_NOTE_BYTES} bytes`);
    }
    let offered: Signed;
    try {
      offered = this.#readSigned(note);
    } catch (cause) {
      if (!(cause instanceof TlogError)) throw cause;
      throw new FollowError('bad-checkpoint', `the checkpoint is not the log's: ${cause.message}`, { cause });
    }
    if (offered.size > 0 || equalBytes(offered.root, EMPTY_ROOT)) return offered;
    throw new FollowError('bad-checkpoint', 'the checkpoint of size 0 has another root than the empty tree');
  }

  /** Whether the tree is one that is held, or its beginning. @throws FollowError `fork` if it contradicts that */
  async #isHeld(offered: Signed): Promise<boolean> {
    if (offered.size > this.size) return false;
    const own = await this.#heldReader.rootAt(offered.size);
    return equalBytes(own, offered.root) || this.#fork(offered);
  }

  async #fork(offered: Signed): Promise<never> {
    const { note, size } = this.#held;
    const where = await this.#store.keepEvidence(note, offered.note);
    const how =
      offered.size === size
        ? `two checkpoints of size ${size} with different roots`
        : `a checkpoint of size ${offered.size} that is not of one history with that of size ${size}`;
    throw new FollowError(
      'fork',
      `FORK: ${this.origin} has signed ${how}. Both are kept in ${where}, and nothing of the new one. Show them to others who follow this log`,
      { fork: { origin: this.origin, held: note, offered: offered.note } },
    );
  }

  /** The tree is held already. */
  async #settle(offer: Offer, offered: Signed): Promise<Received['outcome']> {
    const shown = this.#published;
    if (this.#held.note === '') this.#held = { ...this.#held, note: offered.note };
    if (!offer.show) return 'unchanged';
    if (shown !== null && offered.size < shown.size) return 'stale';
    if (shown?.note === offered.note) return 'unchanged';
    const cosignedAt = this.#timeOf(offered.note);
    // The same tree, signed again: never an older signature in place of a newer.
    if (shown?.size === offered.size && cosignedAt < shown.cosignedAt) return 'stale';
    if (shown === null || offered.size > shown.size) {
      const files = await this.#edgeFilesAt(offered.size);
      await this.#store.writeFiles(files);
      await this.#store.sync(paths(files));
    }
    await this.#show(offer, offered);
    if (shown !== null) await this.#dropPartials(shown.size);
    return 'shown';
  }

  async #grow(offer: Offer, offered: Signed): Promise<'grown'> {
    const before = this.#held;
    const shownSize = this.#published?.size ?? 0;
    const source = openSource(offer.source);
    const proof = await reached(() => GrowthProof.of(source, before, offered));
    if (proof === 'not-an-extension') return this.#fork(offered);
    // What was left above the new size belongs to a checkpoint that nobody was shown.
    if (this.#leftSize > offered.size) await this.#discard(offered.size, this.#leftSize);
    await this.#store.beginGrowth({ fromSize: shownSize, note: offered.note });
    const leftSize = Math.max(this.#leftSize, offered.size);
    try {
      await reached(() => this.#copy(proof, offer));
      await this.#store.writeFiles(proof.edgeFiles());
      await this.#store.sync(paths(filesBetween(before.size, offered.size)));
      if (!offer.show) await this.#store.hold(offered.note);
    } catch (error) {
      await this.#afterFailure(error, leftSize);
      throw error;
    }
    this.#held = { ...offered, tiles: proof.edge.tiles };
    this.#leftSize = 0;
    if (offer.show) await this.#show(offer, offered);
    await this.#dropPartials(before.size);
    if (offer.show && shownSize !== before.size) await this.#dropPartials(shownSize);
    await this.#store.endGrowth();
    return 'grown';
  }

  async #copy(proof: GrowthProof, { source, signal }: Offer): Promise<void> {
    const tiles: TileFile[] = [];
    const mayBeThere = this.#leftSize > this.size;
    async function* runs(): AsyncGenerator<BundleRun> {
      for await (const part of proof.parts()) {
        if ('tile' in part) tiles.push(part.tile);
        else yield { ...part.run, mayBeThere };
      }
    }
    await this.#store.copyBundles(source, runs(), proof.bundles, signal ?? new AbortController().signal);
    await this.#store.writeFiles(tiles);
  }

  /** What was verified is worth keeping for the next try, unless the log does not hold or the disk is full. */
  async #afterFailure(error: unknown, leftSize: number): Promise<void> {
    const isWorthIt = error instanceof FollowError && error.code !== 'does-not-hold';
    if (isWorthIt) this.#leftSize = leftSize;
    else {
      await this.#discard(this.size, leftSize);
      this.#leftSize = 0;
      await this.#store.endGrowth();
    }
  }

  async #discard(fromSize: number, toSize: number): Promise<void> {
    await this.#store.removeFiles(paths(filesBetween(fromSize, toSize)));
  }

  async #show({ companions = {} }: Offer, { size, root, note }: Signed): Promise<void> {
    const cosignedAt = this.#timeOf(note);
    await this.#store.publish(note, this.#keepHistory ? { size, note, companions } : null);
    const checkpoint = { size, root, note, cosignedAt, companions };
    this.#published = checkpoint;
    if (size >= this.#held.size) this.#held = { ...this.#held, note };
    this.#waiters.reached(size, checkpoint);
    for (const listener of this.#listeners) this.#tell(() => listener(checkpoint));
  }

  /** Partial tiles at the edge of an older size go, but those of what is shown and of what is held. */
  async #dropPartials(oldSize: number): Promise<void> {
    const current = [this.#published?.size ?? 0, this.size];
    for (const address of edgeAddresses(oldSize)) {
      const widths = current.map((size) => tileWidth(address, size)).filter((width) => width < TILE_WIDTH);
      const full = { ...address, width: TILE_WIDTH };
      await this.#store.removePartials(formatTilePath(full), widths);
      if (address.level === 0) await this.#store.removePartials(formatBundlePath(full), widths);
    }
  }

  /** The partial tiles and bundle of a size that is held, cut from the wider ones. */
  async #edgeFilesAt(size: number): Promise<TileFile[]> {
    const files: TileFile[] = [];
    for (const address of edgeAddresses(size)) {
      const tile = await this.#heldReader.readTile(address);
      if (tile !== null) files.push({ path: formatTilePath(address), bytes: () => tile });
      const bundle = address.level === 0 ? await this.#heldReader.readBundle(address) : null;
      if (bundle !== null) files.push({ path: formatBundlePath(address), bytes: () => bundle });
    }
    return files;
  }

  #timeOf(note: string): number {
    const acceptance = this.#accept(note);
    return acceptance.ok ? acceptance.cosignedAt : 0;
  }

  /** A listener's fault must not undo what is durable. */
  #tell(listener: () => void): void {
    try {
      listener();
    } catch (err) {
      this.#logger.error({ log: this.name, err }, 'a listener of the log threw');
    }
  }

  #closedError(): LogError {
    return new LogError('closed', `the log ${this.name} is closed`);
  }
}

/** The files that a tree of `toSize` has and one of `fromSize` has not. */
function* filesBetween(
  fromSize: number,
  toSize: number,
): Generator<{ readonly path: string; readonly width: number }> {
  for (const bundle of bundlesOfTree(toSize, fromSize))
    yield { path: formatBundlePath(bundle), width: bundle.width };
  for (const tile of tilesOfTree(toSize, fromSize)) yield { path: formatTilePath(tile), width: tile.width };
}

function* paths(files: Iterable<{ readonly path: string }>): Generator<string> {
  for (const { path } of files) yield path;
}

async function reached<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof FsckError) throw new FollowError('unreachable', cause.message, { cause });
    throw cause;
  }
}
