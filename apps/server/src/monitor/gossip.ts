/**
 * What others say that they were shown: a checkpoint is compared with the log that is held here. One that is newer is kept, and
 * judged as soon as the log has grown to it; only what a log itself has signed is kept, so that nobody else can fill the disk.
 */
import type { SourceLocation } from '@vitrine/fsck';
import { FsckError } from '@vitrine/fsck';
import { equalBytes, type NoteVerifier, parseVkey, TlogError } from '@vitrine/tlog';
import type { LocalDb } from '../local-state/schema.ts';
import { nativeVerifier } from '../log/checkpoint-signing.ts';
import type { EngineLogger } from '../log/engine-logger.ts';
import { contradictionOf, servedTree, UnprovenTree } from './contradiction.ts';
import type { ForkRegister, KnownFork } from './fork-register.ts';
import { type HeldLog, heldTree, publishedOf, publishedSize, readableSize } from './held-log.ts';
import { claimedOrigin, type LogCheckpoint, openLogCheckpoint } from './log-checkpoint.ts';

/** Larger than any note with cosignatures of both kinds by all centres there will be, in bytes. */
export const MAX_GOSSIP_BYTES = 65_536;

/** So many checkpoints of one log wait until it has grown to them. */
const MAX_WAITING_OF_A_LOG = 64;

/** Signatures of strangers are verified at most so often, with a store for a burst. */
const RATE_PER_SECOND = 100;
const BURST = 200;

export type GossipOutcome =
  | {
      readonly outcome: 'malformed' | 'unknown-origin' | 'not-signed' | 'overloaded';
      readonly reason: string;
    }
  /** Of the history that is held here, which has `size` entries. */
  | { readonly outcome: 'consistent'; readonly origin: string; readonly size: number }
  /** Of more entries than the `size` that is held here, and kept until it can be compared. */
  | { readonly outcome: 'newer'; readonly origin: string; readonly size: number }
  | { readonly outcome: 'fork'; readonly origin: string; readonly fork: KnownFork };

export interface GossipOptions {
  /** Every log that is held here. */
  readonly logs: () => readonly HeldLog[];
  readonly forks: ForkRegister;
  readonly local: LocalDb;
  readonly logger: EngineLogger;
  readonly monotonicMs: () => number;
}

/** Who said it, and where the tree under it can be read, if anywhere. */
export interface Heard {
  readonly from: string;
  /** The prefix under which the tiles of that log stand. */
  readonly tiles?: SourceLocation;
}

export class Gossip {
  readonly #options: GossipOptions;
  readonly #verifiers = new Map<string, NoteVerifier>();
  /** By origin and size: what waits. */
  readonly #waiting = new Map<string, Map<number, LogCheckpoint>>();
  /** What waited before this start, of logs that are not open yet. */
  #unread: readonly { readonly origin: string; readonly note: string }[];
  /** By origin: one at a time. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #allowance = BURST;
  #allowedAtMs: number;

  private constructor(
    options: GossipOptions,
    unread: readonly { readonly origin: string; readonly note: string }[],
  ) {
    this.#options = options;
    this.#unread = unread;
    this.#allowedAtMs = options.monotonicMs();
  }

  /** Reads back what waits. */
  static async open(options: GossipOptions): Promise<Gossip> {
    return new Gossip(options, await options.local.selectFrom('gossip').select(['origin', 'note']).execute());
  }

  /** What a stranger says: bounded in rate, unlike `hear`. */
  async hearStranger(body: Uint8Array): Promise<GossipOutcome> {
    if (!this.#mayAsk())
      return { outcome: 'overloaded', reason: 'more gossip comes than is read: try again in a second' };
    let note: string;
    try {
      note = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    } catch {
      return { outcome: 'malformed', reason: 'the body is not UTF-8' };
    }
    return this.hear(note, { from: 'gossip' });
  }

  /** Compares a signed checkpoint with what is held. Never throws on a bad one. */
  async hear(note: string, heard: Heard): Promise<GossipOutcome> {
    let origin: string;
    try {
      origin = claimedOrigin(note);
    } catch (error) {
      if (error instanceof TlogError) return { outcome: 'malformed', reason: error.message };
      throw error;
    }
    const log = this.#log(origin);
    if (log === undefined)
      return { outcome: 'unknown-origin', reason: `this centre does not know the log ${origin}` };
    let checkpoint: LogCheckpoint;
    try {
      checkpoint = openLogCheckpoint(note, this.#verifierOf(log));
    } catch (error) {
      if (error instanceof TlogError) return { outcome: 'not-signed', reason: error.message };
      throw error;
    }
    return this.#inTurn(origin, () => this.#judge(log, checkpoint, heard));
  }

  /**
   * Two checkpoints of one log that somebody else found to contradict each other, the first of them held.
   *
   * @param heard where the tree under the second can be read
   */
  async contradicts(held: string, offending: string, heard: Heard): Promise<void> {
    const log = this.#log(claimedOrigin(held));
    if (log === undefined) return;
    const verifier = this.#verifierOf(log);
    const [first, second] = [openLogCheckpoint(held, verifier), openLogCheckpoint(offending, verifier)];
    await this.#inTurn(log.origin, async () => {
      const tree =
        second.size <= first.size
          ? readableSize(log) >= first.size || second.size === first.size
            ? heldTree(log)
            : undefined
          : heard.tiles === undefined
            ? undefined
            : servedTree(heard.tiles, second.size);
      const evidence = tree === undefined ? undefined : await contradictionOf(first, second, tree);
      if (evidence !== undefined) await this.#found(evidence, second, first, heard);
    });
    // Against what is shown, where that proves it too.
    await this.hear(offending, heard);
    await this.hear(held, heard);
  }

  /** Judges what waits and can be compared now. */
  async settle(): Promise<void> {
    for (const log of this.#options.logs()) {
      this.#readBack(log);
      const { origin } = log;
      const waiting = this.#waitingOf(origin);
      const known = publishedSize(log);
      for (const [size, checkpoint] of [...waiting]) {
        if (size <= known)
          await this.#inTurn(origin, () => this.#judge(log, checkpoint, { from: 'gossip heard before' }));
      }
    }
  }

  async #judge(log: HeldLog, checkpoint: LogCheckpoint, heard: Heard): Promise<GossipOutcome> {
    const { origin } = log;
    const published = publishedOf(log);
    if (published === undefined) return this.#keep(checkpoint, 0, heard);
    const { size } = published;
    const held = openLogCheckpoint(published.note, this.#verifierOf(log));
    if (checkpoint.size > size) return this.#judgeNewer(log, held, checkpoint, heard);
    const evidence = await contradictionOf(checkpoint, held, heldTree(log));
    if (evidence !== undefined) {
      const fork = await this.#found(evidence, checkpoint, held, heard);
      await this.#drop(origin, checkpoint.size);
      return { outcome: 'fork', origin, fork };
    }
    await this.#drop(origin, checkpoint.size);
    return { outcome: 'consistent', origin, size };
  }

  /** More entries than are held: judged by the tiles of whoever shows them, and by what else was heard of that size. */
  async #judgeNewer(
    log: HeldLog,
    held: LogCheckpoint,
    checkpoint: LogCheckpoint,
    heard: Heard,
  ): Promise<GossipOutcome> {
    const { origin } = log;
    if (heard.tiles !== undefined) {
      try {
        const evidence = await contradictionOf(held, checkpoint, servedTree(heard.tiles, checkpoint.size));
        if (evidence !== undefined) {
          return { outcome: 'fork', origin, fork: await this.#found(evidence, checkpoint, held, heard) };
        }
      } catch (error) {
        // It shows a checkpoint without its tree: that is compared once this log has grown.
        if (!(error instanceof UnprovenTree || error instanceof FsckError)) throw error;
        this.#options.logger.warn(
          { origin, from: heard.from, err: error },
          'a newer checkpoint cannot be compared yet',
        );
      }
    }
    const other = this.#waitingOf(origin).get(checkpoint.size);
    if (other !== undefined && !equalBytes(other.root, checkpoint.root)) {
      const evidence = { checkpoints: [other.note, checkpoint.note] } as const;
      return { outcome: 'fork', origin, fork: await this.#found(evidence, checkpoint, other, heard) };
    }
    return this.#keep(checkpoint, held.size, heard);
  }

  async #keep(checkpoint: LogCheckpoint, knownSize: number, { from }: Heard): Promise<GossipOutcome> {
    const { note, origin, size } = checkpoint;
    const waiting = this.#waitingOf(origin);
    if (!waiting.has(size)) {
      if (waiting.size >= MAX_WAITING_OF_A_LOG) {
        return {
          outcome: 'overloaded',
          reason: `${waiting.size} newer checkpoints of ${origin} are kept already, until this centre holds as much of the log`,
        };
      }
      await this.#options.local
        .insertInto('gossip')
        .values({ origin, size, note })
        .onConflict((conflict) => conflict.columns(['origin', 'size']).doNothing())
        .execute();
      waiting.set(size, checkpoint);
      this.#options.logger.info({ origin, size, knownSize, from }, 'heard of a newer checkpoint');
    }
    return { outcome: 'newer', origin, size: knownSize };
  }

  async #drop(origin: string, size: number): Promise<void> {
    if (!this.#waitingOf(origin).has(size)) return;
    await this.#options.local
      .deleteFrom('gossip')
      .where('origin', '=', origin)
      .where('size', '=', size)
      .execute();
    this.#waitingOf(origin).delete(size);
  }

  async #found(
    evidence: Parameters<ForkRegister['add']>[0],
    offending: LogCheckpoint,
    held: LogCheckpoint,
    { from }: Heard,
  ): Promise<KnownFork> {
    return this.#options.forks.add(evidence, { offending, held, foundBy: from });
  }

  #log(origin: string): HeldLog | undefined {
    const log = this.#options.logs().find((each) => each.origin === origin);
    if (log !== undefined) this.#readBack(log);
    return log;
  }

  #readBack(log: HeldLog): void {
    const own = this.#unread.filter(({ origin }) => origin === log.origin);
    if (own.length === 0) return;
    this.#unread = this.#unread.filter(({ origin }) => origin !== log.origin);
    for (const { note } of own) {
      const checkpoint = openLogCheckpoint(note, this.#verifierOf(log));
      this.#waitingOf(log.origin).set(checkpoint.size, checkpoint);
    }
  }

  #verifierOf({ vkey }: HeldLog): NoteVerifier {
    const known = this.#verifiers.get(vkey);
    if (known !== undefined) return known;
    const verifier = nativeVerifier(parseVkey(vkey));
    this.#verifiers.set(vkey, verifier);
    return verifier;
  }

  #waitingOf(origin: string): Map<number, LogCheckpoint> {
    const waiting = this.#waiting.get(origin) ?? new Map<number, LogCheckpoint>();
    this.#waiting.set(origin, waiting);
    return waiting;
  }

  #inTurn<T>(origin: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#turns.get(origin) ?? Promise.resolve()).then(work, work);
    this.#turns.set(origin, mine);
    return mine;
  }

  #mayAsk(): boolean {
    const nowMs = this.#options.monotonicMs();
    this.#allowance = Math.min(
      BURST,
      this.#allowance + ((nowMs - this.#allowedAtMs) / 1000) * RATE_PER_SECOND,
    );
    this.#allowedAtMs = nowMs;
    if (this.#allowance < 1) return false;
    this.#allowance -= 1;
    return true;
  }
}
