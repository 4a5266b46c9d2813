/**
 * The monitor of a centre: hears gossip, looks at the other centres, keeps what proves a fork, freezes the log, tells the others, and
 * knows what everyone who reads here must know.
 */
import type { Notice, SeenCentre } from '@vitrine/api';
import type { ForkResolutionPredicate } from '@vitrine/statements';
import { parseForkEvidence } from '@vitrine/verifier/fork';
import { advanceKeys, emptyKeysState, type KeysState } from '@vitrine/statements';
import { verifyWithNode } from '../identity/verify.ts';
import type { LocalDb } from '../local-state/schema.ts';
import type { EngineLogger } from '../log/engine-logger.ts';
import type { LogView } from '../log/log.ts';
import { CentreWatch, httpLocation, type ViewDigest, type WatchedCentre } from './centre-watch.ts';
import type { Finding } from './fork-alarm.ts';
import type { ForkRegister, KnownFork, Resolved } from './fork-register.ts';
import { Gossip } from './gossip.ts';
import { type HeldLog, publishedSize } from './held-log.ts';
import { Telling } from './telling.ts';

export interface MonitorLimits {
  /** From the end of one look at the other centres to the next. */
  readonly lookIntervalMs: number;
  /** After so long behind, a centre's view is called stale. */
  readonly staleAfterMs: number;
  /** After so long without an answer, a notice says that a centre cannot be reached. */
  readonly unreachableAfterMs: number;
  /** After so long, an entry of an intake log that no head in the root log covers is left out (PROTOCOL.md, "Logs"). */
  readonly leftOutAfterMs: number;
}

const MONITOR_LIMITS: MonitorLimits = {
  lookIntervalMs: 10_000,
  staleAfterMs: 300_000,
  unreachableAfterMs: 600_000,
  leftOutAfterMs: 3_600_000,
};

/** How much of an intake log the root log covers. */
export interface AnchoredIntake {
  readonly origin: string;
  readonly size: number;
}

export interface MonitorOptions {
  readonly logs: () => readonly (HeldLog & Pick<LogView, 'readEntry'>)[];
  readonly keys: Pick<LogView, 'origin' | 'published' | 'readEntries'>;
  readonly forks: ForkRegister;
  readonly local: LocalDb;
  /** The other centres that are at work. */
  readonly centres: () => Promise<readonly WatchedCentre[]>;
  readonly viewDigest: (rootSize?: number) => Promise<ViewDigest | undefined>;
  /** The time of a checkpoint under the verification policy; null if the policy does not accept it or name its log. */
  readonly checkpointAtMs: (note: string) => number | null;
  /** Of the announced centres; a log that has no head yet is covered up to 0. */
  readonly anchored: () => Promise<readonly AnchoredIntake[]>;
  /** Told of the log of each fork that was resolved: following it may go on. */
  readonly onResolved: (origin: string) => void;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly logger: EngineLogger;
  readonly limits?: Partial<MonitorLimits>;
}

interface LeftOut {
  readonly origin: string;
  readonly entries: number;
  readonly sinceMs: number;
}

export class Monitor {
  readonly gossip: Gossip;
  readonly #options: MonitorOptions;
  readonly #limits: MonitorLimits;
  readonly #watch: CentreWatch;
  readonly #telling: Telling;
  #keysState: KeysState;
  #leftOut: readonly LeftOut[] = [];
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #ended = false;

  private constructor(options: MonitorOptions, gossip: Gossip) {
    this.#options = options;
    this.#limits = { ...MONITOR_LIMITS, ...options.limits };
    this.gossip = gossip;
    const { checkpointAtMs, logs, viewDigest, nowMs, logger, forks, keys } = options;
    this.#watch = new CentreWatch({ logs, gossip, viewDigest, checkpointAtMs, nowMs, logger });
    this.#telling = new Telling(logger);
    this.#keysState = emptyKeysState(keys.origin);
    forks.onFound((fork) => {
      logger.error(
        { fork: fork.id, origin: fork.origin, foundBy: fork.foundBy },
        'FORK: a log has signed two histories; it is frozen here',
      );
      if (this.#timer !== null) this.#lookIn(0);
    });
  }

  static async open(options: MonitorOptions): Promise<Monitor> {
    return new Monitor(options, await Gossip.open(options));
  }

  /** The centres as they were seen last. */
  get seen(): readonly SeenCentre[] {
    return this.#watch.seen;
  }

  get forks(): readonly KnownFork[] {
    return this.#options.forks.all;
  }

  /** Looks now, and goes on until `close`. */
  start(): void {
    this.#lookIn(0);
  }

  async close(): Promise<void> {
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
  }

  /** One look: the keys log, what waits, the other centres, the intake logs. Never rejects. */
  async look(): Promise<void> {
    const { centres, forks, logger } = this.#options;
    try {
      await this.#readKeys();
      await this.gossip.settle();
      const others = await centres();
      await this.#watch.look(others);
      await this.#telling.tell(
        forks.all.filter(({ resolvedAtMs }) => resolvedAtMs === null),
        others,
      );
      await this.#lookForLeftOut();
    } catch (err) {
      logger.error({ err }, 'the monitor could not look; it does so again');
    }
  }

  /** Judges what somebody in this server found, keeps it if it proves a fork, and freezes the log. Never rejects. */
  async found({ from, held, offending, url }: Finding): Promise<void> {
    const heard = url === undefined ? { from } : { from, tiles: httpLocation(`${url}/`) };
    try {
      if (held === undefined) await this.gossip.hear(offending, heard);
      else await this.gossip.contradicts(held, offending, heard);
    } catch (err) {
      this.#options.logger.error(
        { err, held, offending },
        'two checkpoints contradict each other, and the proof could not be made or stored: keep this line',
      );
    }
  }

  /** Applies a statement of the root keys that was verified. */
  async resolve(resolution: ForkResolutionPredicate): Promise<readonly Resolved[]> {
    const { forks, logs, onResolved } = this.#options;
    const { origin } = resolution.kept;
    const outcomes = await forks.resolve(
      resolution,
      logs().find((log) => log.origin === origin),
    );
    if (outcomes.some(({ resolved }) => resolved)) onResolved(origin);
    return outcomes;
  }

  /** The keys log as it is held here, by which a resolution is judged. */
  async keysState(): Promise<KeysState> {
    await this.#readKeys();
    return this.#keysState;
  }

  /** What everyone who reads here must know, the gravest first. */
  notices(): Notice[] {
    const nowMs = this.#options.nowMs();
    const { staleAfterMs, unreachableAfterMs, leftOutAfterMs } = this.#limits;
    const seen = this.seen;
    return [
      ...this.forks.map(forkNotice),
      ...seen.flatMap(({ name, otherView }): Notice[] =>
        otherView === null
          ? []
          : [
              {
                kind: 'view-differs',
                sinceMs: otherView.sinceMs,
                text: `${name} shows something else than this centre for the same ${otherView.rootSize} entries of the root log: one of the two does not show what the log says.`,
              },
            ],
      ),
      ...this.#leftOut
        .filter(({ sinceMs }) => nowMs - sinceMs >= leftOutAfterMs)
        .map(
          ({ entries, origin, sinceMs }): Notice => ({
            kind: 'head-left-out',
            sinceMs,
            text: `The root log does not mention the newest ${entries === 1 ? 'entry' : `${entries} entries`} of ${origin}: the vendor leaves out what was said to it there.`,
          }),
        ),
      ...seen.flatMap(({ name, verified }) =>
        verified.flatMap(({ origin, size, staleSinceMs }): Notice[] =>
          staleSinceMs === null || nowMs - staleSinceMs < staleAfterMs
            ? []
            : [
                {
                  kind: 'centre-stale',
                  sinceMs: staleSinceMs,
                  text: `${name} shows an old view of ${origin}, of ${size} entries. It is of the same history.`,
                },
              ],
        ),
      ),
      ...seen.flatMap(({ name, unreachableSinceMs }): Notice[] =>
        unreachableSinceMs === null || nowMs - unreachableSinceMs < unreachableAfterMs
          ? []
          : [
              {
                kind: 'centre-unreachable',
                sinceMs: unreachableSinceMs,
                text: `${name} does not answer this centre.`,
              },
            ],
      ),
    ];
  }

  async #readKeys(): Promise<void> {
    const { keys } = this.#options;
    const size = publishedSize(keys);
    if (size <= this.#keysState.size) return;
    let state = this.#keysState;
    for await (const { leaf } of keys.readEntries(state.size, size))
      state = advanceKeys(state, leaf, verifyWithNode).state;
    this.#keysState = state;
    for (const resolution of state.resolutions) await this.resolve(resolution);
  }

  async #lookForLeftOut(): Promise<void> {
    const leftOut: LeftOut[] = [];
    const held = this.#options.logs();
    for (const { origin, size } of await this.#options.anchored()) {
      const log = held.find((each) => each.origin === origin);
      const shown = log === undefined ? 0 : publishedSize(log);
      if (log === undefined || shown <= size) continue;
      const { registeredAt } = await log.readEntry(size);
      leftOut.push({ origin, entries: shown - size, sinceMs: registeredAt ?? 0 });
    }
    this.#leftOut = leftOut;
  }

  #lookIn(delayMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#ended) return;
    this.#timer = setTimeout(() => {
      // One at a time, and the next only after the end of this one.
      const looking = (this.#looking ?? Promise.resolve()).then(() => this.look());
      this.#looking = looking;
      void looking.then(() => {
        if (this.#looking === looking) this.#lookIn(this.#limits.lookIntervalMs);
      });
    }, delayMs);
  }
}

/** Where the evidence file of a fork is had. */
export function evidencePath(id: string): string {
  return `/api/forks/${id}`;
}

function forkNotice({ evidence, foundAtMs, foundBy, id, origin, resolvedAtMs }: KnownFork): Notice {
  const [first, second] = parseForkEvidence(evidence).claimed;
  const what =
    first.treeSize === second.treeSize
      ? `${origin} has signed two different trees of ${first.treeSize} entries`
      : `${origin} has signed a tree of ${first.treeSize} entries, and one of ${second.treeSize} that does not begin with it`;
  return {
    kind: resolvedAtMs === null ? 'fork' : 'fork-resolved',
    sinceMs: foundAtMs,
    text:
      resolvedAtMs === null
        ? `${what}: whoever holds its key has shown different histories to different people. It was found by ${foundBy}. The log is frozen here: nothing new is cosigned or published before its root keys have said which history goes on.`
        : `${what}. Its root keys have said which of the two goes on; the other one stays as evidence.`,
    evidence: evidencePath(id),
  };
}
