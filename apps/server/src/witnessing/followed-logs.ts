/** The logs of others that this centre holds: the writer's, where it follows one, and every announced centre's intake log. */
import type { EngineLogger } from '../log/engine-logger.ts';
import type { EntryKind } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import { FollowError, type ForkEvidence } from './follow-error.ts';
import { type Acceptance, FollowedLog } from './followed-log.ts';
import type { FollowedStore } from './followed-store.ts';
import { Follower, type FollowerStanding } from './follower.ts';

export interface FollowedLogsOptions {
  /** Where a log with this origin is kept. */
  readonly store: (origin: string) => FollowedStore;
  readonly intervalMs: number;
  readonly logger: EngineLogger;
  /** Told of each log that was found to have forked, and where it was read. MUST NOT throw. */
  readonly onFork: (fork: ForkEvidence, url: string) => void;
}

export interface FollowRequest {
  /** By which this server names it. */
  readonly name: string;
  readonly origin: string;
  /** Its name is the origin. */
  readonly vkey: string;
  /** The prefix under which `checkpoint` and `tile/` stand. */
  readonly url: string;
  readonly kind: EntryKind['kind'];
  readonly keepHistory?: boolean;
  readonly accept?: (note: string) => Acceptance;
  /** As `FollowerOptions.companions`. */
  readonly companions?: () => Promise<Readonly<Record<string, string>>>;
  /** False: it is pulled by `pull` of the log that names it as a companion, and not by itself. */
  readonly byItself?: boolean;
}

export interface FollowedStanding extends FollowerStanding {
  readonly name: string;
  readonly origin: string;
  /** Entries that are held, and those of them under a checkpoint that is shown. */
  readonly size: number;
  readonly publishedSize: number;
}

interface Following {
  readonly log: FollowedLog;
  readonly follower: Follower;
}

export class FollowedLogs {
  readonly #options: FollowedLogsOptions;
  /** By origin. */
  readonly #following = new Map<string, Promise<Following>>();
  readonly #open = new Map<string, Following>();
  #closed = false;

  constructor(options: FollowedLogsOptions) {
    this.#options = options;
  }

  /** Those that are open. */
  get logs(): readonly FollowedLog[] {
    return [...this.#open.values()].map(({ log }) => log);
  }

  /** How following each of them goes. */
  get standings(): readonly FollowedStanding[] {
    return [...this.#open.values()].map(({ log, follower }) => ({
      name: log.name,
      origin: log.origin,
      size: log.size,
      publishedSize: log.isPublished ? log.published.size : 0,
      ...follower.standing,
    }));
  }

  /** Goes on following a log after a fork. */
  resume(origin: string): void {
    this.#open.get(origin)?.follower.resume();
  }

  /** Opens what is held of a log and goes on following it; asked again for the same origin, it changes nothing. */
  follow(request: FollowRequest): Promise<Following> {
    const known = this.#following.get(request.origin);
    if (known !== undefined) return known;
    if (this.#closed) return Promise.reject(new LogError('closed', 'no log is followed any more'));
    const following = this.#begin(request);
    this.#following.set(request.origin, following);
    following.catch(() => this.#following.delete(request.origin));
    return following;
  }

  /** The log once it is held up to `size`; looks for it at once. @throws LogError `out-of-range` when that takes longer */
  async held(request: FollowRequest, size: number, withinMs: number): Promise<FollowedLog> {
    const { log, follower } = await this.follow(request);
    const deadline = performance.now() + withinMs;
    for (let pauseMs = 50; log.size < size || !log.isPublished || log.published.size < size; pauseMs *= 2) {
      if (performance.now() + pauseMs > deadline)
        throw new LogError(
          'out-of-range',
          `${request.origin} is held up to ${log.size} entries here, and ${size} are needed: its centre (${request.url}) does not answer, or serves less`,
        );
      try {
        await follower.pull();
        if (log.published.size >= size) break;
      } catch (error) {
        if (!(error instanceof FollowError || error instanceof LogError)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return log;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const all = await Promise.allSettled(this.#following.values());
    await Promise.all(
      all.map(async (one) => {
        if (one.status === 'rejected') return;
        await one.value.follower.stop();
        await one.value.log.close();
      }),
    );
  }

  async #begin(request: FollowRequest): Promise<Following> {
    const { store, intervalMs, logger, onFork } = this.#options;
    const { name, origin, vkey, url, kind, keepHistory, accept, companions, byItself = true } = request;
    const log = await FollowedLog.open({
      name,
      vkey,
      kind,
      store: store(origin),
      logger,
      ...(keepHistory === undefined ? {} : { keepHistory }),
      ...(accept === undefined ? {} : { accept }),
    });
    const follower = new Follower({
      log,
      url,
      intervalMs,
      logger,
      onFork: (fork) => onFork(fork, url),
      ...(companions === undefined ? {} : { companions }),
    });
    if (byItself) follower.start();
    this.#open.set(origin, { log, follower });
    return { log, follower };
  }
}
