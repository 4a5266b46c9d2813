/**
 * Makes checkpoints public. Order, on which every reader relies: tiles and bundles durable, then the instance's own
 * cosignature, then those of others, then the history record, then the checkpoint in one rename, then whoever waits is told.
 *
 * Logs that are published together are one publication: the lead is cosigned first, at T; each companion after it,
 * at T or later, and shown before it. Of the lead's cosignatures only those stay whose cosigner has cosigned every companion
 * afterwards: so whoever cites the lead's checkpoint can cite companions no older, under any quorum.
 */
import { cosignatureTime, formatNote, type NoteSignature, parseNote } from '@vitrine/tlog';
import type { Cosigner, SignedCheckpoint } from './checkpoint-signing.ts';
import type { Clock } from './clock.ts';
import type { Cosigners } from './cosigners.ts';
import type { PublishedCheckpoint } from './log.ts';
import { LogError, type LogErrorCode } from './log-error.ts';
import type { LogStore } from './log-store.ts';
import type { LogCounters } from './metrics.ts';
import type { EngineLogger } from './engine-logger.ts';
import type { RegistrationClock } from './registration-clock.ts';
import type { Tail, TailSnapshot } from './tail.ts';

const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 10_000;

/** One log as the publication sees it. */
export type Publishable = {
  readonly name: string;
  readonly origin: string;
  readonly keepHistory: boolean;
  readonly store: LogStore;
  readonly tail: Tail;
  /** null for an open log. */
  readonly registrationClock: RegistrationClock | null;
  readonly counters: LogCounters;
  /** null before the first publication in this process. */
  readonly publishedSize: () => number | null;
  /** The note that everybody may see, or null before the first. */
  readonly publishedNote: () => string | null;
  /** Told of each publication that failed. MUST NOT throw. */
  readonly onPublicationFailed: (error: unknown) => void;
  /** @throws LogError while the writer may sign nothing */
  readonly requireSigning: () => void;
  /** Everything up to this size is in durable tiles: whoever is asked to cosign it may read them. */
  readonly onOffered: (size: number) => void;
  /** As `Log.consistencyProof`, up to the size offered. */
  readonly consistencyProof: (from: number, to: number) => Promise<Uint8Array[]>;
  /** Tells whoever waits. MUST NOT throw. */
  readonly onPublished: (checkpoint: PublishedCheckpoint) => void;
};

type Cosigned = { readonly shown: PublishedCheckpoint; readonly others: readonly NoteSignature[] };

type Prepared = { readonly log: Publishable; readonly snapshot: TailSnapshot };

const WAITS: ReadonlySet<LogErrorCode> = new Set(['awaiting-witnesses', 'no-quorum']);

export class Publication {
  readonly #lead: Publishable;
  readonly #companions: readonly Publishable[];
  readonly #cosigner: Cosigner;
  readonly #others: Cosigners | null;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #logger: EngineLogger;
  #timer: NodeJS.Timeout | null = null;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #retryMs = RETRY_FIRST_MS;
  #running: Promise<void> | null = null;
  /** A publication that has not started yet, shared by everyone who asked for one meanwhile. */
  #next: Promise<void> | null = null;
  #closed = false;
  /** Published notes that are known to meet the quorum. */
  #sufficient: ReadonlySet<string> = new Set();

  constructor(parts: {
    readonly lead: Publishable;
    readonly companions: readonly Publishable[];
    readonly cosigner: Cosigner;
    /** null where nobody else cosigns. */
    readonly others: Cosigners | null;
    readonly clock: Clock;
    readonly intervalMs: number;
    readonly logger: EngineLogger;
  }) {
    this.#lead = parts.lead;
    this.#companions = parts.companions;
    this.#cosigner = parts.cosigner;
    this.#others = parts.others;
    this.#clock = parts.clock;
    this.#intervalMs = parts.intervalMs;
    this.#logger = parts.logger;
  }

  /** Something was committed: publishes soon, at most once in the interval. */
  schedule(): void {
    this.#scheduleIn(Math.max(0, this.#lastStartMs + this.#intervalMs - performance.now()));
  }

  /**
   * Publishes; what is shown afterwards was cosigned after this call.
   * @throws LogError `clock-behind`, `disk-full`, `closed`; or what the store threw
   */
  publishNow(): Promise<void> {
    if (this.#closed) return Promise.reject(new LogError('closed', `the log ${this.#lead.name} is closed`));
    this.#next ??= this.#publishAfter(this.#running);
    return this.#next;
  }

  /** Publishes what is left, if it can, and stops. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    try {
      if (this.#hasNews() || this.#next !== null) await this.publishNow();
      await this.#running;
    } catch (err) {
      this.#logger.error(
        { log: this.#lead.name, err },
        'the last publication failed; the entries are durable',
      );
    }
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #scheduleIn(delayMs: number): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = setTimeout(() => void this.#publishNews(), delayMs);
  }

  async #publishNews(): Promise<void> {
    // What is under way may be the very news; asked for meanwhile, a second publication would tell the same again.
    while (this.#running !== null) await this.#running.catch(() => undefined);
    this.#timer = null;
    if (this.#closed || !this.#hasNews()) return;
    try {
      await this.publishNow();
      this.#retryMs = RETRY_FIRST_MS;
      if (this.#hasNews()) this.schedule();
    } catch {
      this.#scheduleIn(this.#retryMs);
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MOST_MS);
    }
  }

  #members(): Publishable[] {
    return [...this.#companions, this.#lead];
  }

  #hasNews(): boolean {
    return this.#members().some(
      (log) => log.tail.size > (log.publishedSize() ?? -1) || this.#lacksQuorum(log),
    );
  }

  /** What was published under another policy needs the cosignatures that this one asks for. */
  #lacksQuorum({ origin, publishedNote }: Publishable): boolean {
    const note = publishedNote();
    if (note === null || this.#others?.concern(origin) !== true || this.#sufficient.has(note)) return false;
    if (!this.#others.isQuorum(note)) return true;
    this.#sufficient = new Set([...[...this.#sufficient].slice(-4), note]);
    return false;
  }

  async #publishAfter(running: Promise<void> | null): Promise<void> {
    // The one before may fail without that being this caller's failure.
    await running?.catch(() => undefined);
    const publishing = this.#publish();
    this.#running = publishing;
    this.#next = null;
    try {
      await publishing;
    } finally {
      if (this.#running === publishing) this.#running = null;
    }
  }

  async #publish(): Promise<void> {
    const startedAtMs = performance.now();
    this.#lastStartMs = startedAtMs;
    try {
      const lead = prepare(this.#lead);
      const companions = this.#companions.map(prepare);
      for (const { log } of [lead, ...companions]) {
        log.requireSigning();
        log.registrationClock?.checkNotBehind();
      }
      await Promise.all([lead, ...companions].map(writeTiles));
      await this.#show(lead, companions);
    } catch (err) {
      for (const log of this.#members()) {
        log.counters.publicationFailures++;
        log.onPublicationFailed(err);
      }
      const details = { log: this.#lead.name, err };
      const text = 'a publication failed and will be tried again';
      // That others are waited for is no fault of this server.
      if (err instanceof LogError && WAITS.has(err.code)) this.#logger.warn(details, text);
      else this.#logger.error(details, text);
      throw err;
    }
    for (const { counters } of this.#members()) {
      counters.publications++;
      counters.publishSeconds.observe((performance.now() - startedAtMs) / 1000);
      counters.lastPublishedAtMs = this.#clock.nowMs();
    }
  }

  async #show(lead: Prepared, companions: readonly Prepared[]): Promise<void> {
    const leadCosigned = await this.#cosign(lead, 0);
    const companionsCosigned: Cosigned[] = [];
    for (const companion of companions) {
      companionsCosigned.push(await this.#cosign(companion, leadCosigned.shown.cosignedAt));
    }
    const shown = this.#withOthers(lead, leadCosigned, companionsCosigned);
    // While others were asked, a fork may have become known.
    for (const { log } of [lead, ...companions]) log.requireSigning();
    const notes: Record<string, string> = {};
    for (const [i, companion] of companions.entries()) {
      const cosigned = companionsCosigned[i];
      if (cosigned === undefined) continue;
      const companionShown = this.#withOthers(companion, cosigned, []);
      notes[companion.log.name] = companionShown.note;
      await publish(companion, companionShown);
    }
    await publish(lead, { ...shown, companions: notes });
  }

  /** Cosigned by the instance, at `notBefore` (POSIX seconds) or later, and then by others. */
  async #cosign({ log, snapshot }: Prepared, notBefore: number): Promise<Cosigned> {
    const cosignedAt = Math.max(notBefore, Math.floor(this.#clock.nowMs() / 1000));
    const own = checkpointOf(snapshot.checkpoint, log.origin, this.#cosigner, cosignedAt);
    const shown = { ...own, cosignedAt, companions: {} };
    if (this.#others?.concern(log.origin) !== true) return { shown, others: [] };
    const { size, root, note } = own;
    log.onOffered(size);
    const others = await this.#others.ask({
      origin: log.origin,
      size,
      root,
      note,
      consistencyProof: (from) => log.consistencyProof(from, size),
    });
    return { shown, others };
  }

  /** The checkpoint with the cosignatures of those others who cosigned each of these as well, at no earlier time: one that lies may date them so. */
  #withOthers(
    { log }: Prepared,
    { shown, others }: Cosigned,
    also: readonly Cosigned[],
  ): PublishedCheckpoint {
    if (this.#others?.concern(log.origin) !== true) return shown;
    const kept = others.filter(({ name, keyId, signature }) =>
      also.every((each) =>
        each.others.some(
          (other) =>
            other.name === name &&
            other.keyId === keyId &&
            cosignatureTime(other.signature) >= cosignatureTime(signature),
        ),
      ),
    );
    const { text, signatures } = parseNote(shown.note);
    const note = formatNote({ text, signatures: [...signatures, ...kept] });
    this.#others.requireQuorum(note);
    return { ...shown, note };
  }
}

/**
 * Of the signatures that a published note has after a restart only the log's own stay: those of others are of an older
 * publication, whose companions these are not.
 */
function checkpointOf(
  { size, root, note }: SignedCheckpoint,
  origin: string,
  cosigner: Cosigner,
  cosignedAt: number,
): { size: number; root: Uint8Array; note: string } {
  const { text, signatures } = parseNote(note);
  const own = formatNote({ text, signatures: signatures.filter(({ name }) => name === origin) });
  return { size, root, note: cosigner.cosign(own, cosignedAt) };
}

function prepare(log: Publishable): Prepared {
  return { log, snapshot: log.tail.snapshot() };
}

async function writeTiles({ log, snapshot }: Prepared): Promise<void> {
  if (snapshot.files.length > 0) await log.store.writeTiles(snapshot.files);
}

async function publish({ log, snapshot }: Prepared, shown: PublishedCheckpoint): Promise<void> {
  const { size, note, companions } = shown;
  await log.store.publish(note, size, log.keepHistory ? { size, note, companions } : null);
  log.onPublished(shown);
  // Only now may memory be let go: readers of what is published find it on disk.
  log.tail.written(snapshot);
  if (snapshot.fullPaths.length > 0) await log.store.removePartials(snapshot.fullPaths);
}
