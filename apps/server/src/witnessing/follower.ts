/** Keeps a followed log up to date: asks its server for the newest checkpoint, and pulls what that covers. */
import { FsckError, type HttpLocation, locateSource, openSource, type SourceLocation } from '@vitrine/fsck';
import { MAX_NOTE_BYTES } from '@vitrine/tlog';
import { type EngineLogger, silent } from '../log/engine-logger.ts';
import { LogError } from '../log/log-error.ts';
import { FollowError, type ForkEvidence } from './follow-error.ts';
import type { FollowedLog, Received } from './followed-log.ts';

const LONGEST_PAUSE_MS = 60_000;
const REQUEST_TIMEOUT_MS = 60_000;
const ATTEMPTS = 3;

export type FollowerOptions = {
  readonly log: FollowedLog;
  /** The prefix under which `checkpoint` and `tile/` stand. */
  readonly url: URL | string;
  /** Time from the end of one look to the next; default 1,000. After a failure it doubles, up to a minute. */
  readonly intervalMs?: number;
  /**
   * Pulls the logs published together with this one, and gives their notes. Called after this log's checkpoint was
   * read and before it is shown, so what it gives was published no earlier.
   */
  readonly companions?: () => Promise<Readonly<Record<string, string>>>;
  readonly logger?: EngineLogger;
  /** Told of everything that came of a look. MUST NOT throw. */
  readonly onReceived?: (received: Received) => void;
  /** Told of every failure. MUST NOT throw. */
  readonly onFailure?: (error: FollowError | LogError) => void;
  /** Told of a fork, after which nothing is pulled before `resume`. MUST NOT throw. */
  readonly onFork?: (fork: ForkEvidence) => void;
};

/** How following goes, for people: nothing is decided by it. Times are milliseconds since 1970. */
export interface FollowerStanding {
  readonly url: string;
  /** When its server's newest checkpoint was seen last and held; null before the first time. */
  readonly verifiedAtMs: number | null;
  /** Why the last attempt failed; null if it did not. */
  readonly problem: string | null;
}

export class Follower {
  readonly log: FollowedLog;
  readonly #options: FollowerOptions;
  readonly #location: SourceLocation;
  readonly #logger: EngineLogger;
  readonly #intervalMs: number;
  readonly #ending = new AbortController();
  #fork: FollowError | null = null;
  #pauseMs: number;
  #verifiedAtMs: number | null = null;
  #problem: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;

  /** @throws FollowError `unreachable` unless the URL is http(s) */
  constructor(options: FollowerOptions) {
    const { log, url, intervalMs = 1_000, logger = silent } = options;
    this.log = log;
    this.#options = options;
    this.#location = httpLocation(url);
    this.#logger = logger;
    this.#intervalMs = intervalMs;
    this.#pauseMs = intervalMs;
  }

  /**
   * Reads the newest checkpoint, pulls what it covers, and shows it.
   * @throws FollowError @throws LogError `disk-full`, `corrupt`, `closed`
   */
  async pull(): Promise<Received> {
    try {
      const note = await this.#readCheckpoint();
      const companions = (await this.#options.companions?.()) ?? {};
      const received = await this.#receive({ note, show: true, companions });
      this.#verifiedAtMs = Date.now();
      this.#problem = null;
      return received;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  get standing(): FollowerStanding {
    return {
      url: String(this.#options.url),
      verifiedAtMs: this.#verifiedAtMs,
      problem: this.#fork?.message ?? this.#problem,
    };
  }

  /**
   * Pulls what a given checkpoint covers and holds it, without showing it: the log may not have published it yet.
   * @throws FollowError @throws LogError `disk-full`, `corrupt`, `closed`
   */
  pullTo(note: string): Promise<Received> {
    return this.#receive({ note, show: false });
  }

  /** Pulls now, and goes on until `stop` or a fork. */
  start(): void {
    this.#lookIn(0);
  }

  /** Goes on after a fork of which was said which branch is kept. */
  resume(): void {
    if (this.#fork === null) return;
    this.#fork = null;
    this.#lookIn(0);
  }

  /** Ends what is under way; what it has verified is kept for the next time. */
  async stop(): Promise<void> {
    this.#ending.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
  }

  async #readCheckpoint(): Promise<string> {
    const content = await openSource(this.#location)
      .read('checkpoint', MAX_NOTE_BYTES)
      .catch((cause: unknown) => {
        if (!(cause instanceof FsckError)) throw cause;
        throw new FollowError('unreachable', cause.message, { cause });
      });
    if ('fault' in content) {
      throw new FollowError(
        content.missing ? 'no-checkpoint' : 'bad-checkpoint',
        `checkpoint: ${content.fault}`,
      );
    }
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content.bytes);
    } catch (cause) {
      throw new FollowError('bad-checkpoint', 'checkpoint: not UTF-8', { cause });
    }
  }

  async #receive(offer: {
    readonly note: string;
    readonly show: boolean;
    readonly companions?: Readonly<Record<string, string>>;
  }): Promise<Received> {
    if (this.#fork !== null) throw this.#fork;
    if (this.#ending.signal.aborted)
      throw new FollowError('stopped', `${this.log.name} is not followed any more`);
    try {
      return await this.log.receive({ ...offer, source: this.#location, signal: this.#ending.signal });
    } catch (error) {
      if (error instanceof FollowError && error.fork !== undefined) this.#forked(error, error.fork);
      throw error;
    }
  }

  #forked(error: FollowError, fork: ForkEvidence): void {
    this.#fork = error;
    this.#logger.error({ log: this.log.name, err: error }, 'the log has forked: nothing more is pulled');
    this.#options.onFork?.(fork);
  }

  #lookIn(delayMs: number): void {
    if (this.#ending.signal.aborted || this.#fork !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#looking = this.#look();
    }, delayMs);
  }

  async #look(): Promise<void> {
    const { log, onReceived, onFailure } = this.#options;
    try {
      const received = await this.pull();
      if (received.outcome === 'stale')
        this.#logger.warn({ log: log.name, ...received }, 'a stale checkpoint');
      this.#pauseMs = this.#intervalMs;
      onReceived?.(received);
    } catch (error) {
      const known = error instanceof FollowError || error instanceof LogError ? error : unexpected(error);
      this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(250, 2 * this.#pauseMs));
      if (known.code !== 'stopped') {
        this.#logger.warn(
          { log: log.name, err: error, pauseMs: this.#pauseMs },
          'the log cannot be followed for now',
        );
        onFailure?.(known);
      }
    }
    this.#lookIn(this.#pauseMs);
  }
}

function unexpected(cause: unknown): FollowError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new FollowError('unreachable', why, { cause });
}

/**
 * Redirects are refused: a log's server names its own tiles, and must not steer requests elsewhere.
 * @throws FollowError `unreachable` unless the URL is http(s)
 */
export function httpLocation(url: URL | string): SourceLocation {
  try {
    const location = locateSource(url, REQUEST_TIMEOUT_MS);
    if (location.kind !== 'http') throw new FsckError('bad-source', `${String(url)} is not an http(s) URL`);
    const http: HttpLocation = { ...location, refuseRedirects: true, attempts: ATTEMPTS };
    return { kind: 'http', ...http };
  } catch (cause) {
    if (!(cause instanceof FsckError)) throw cause;
    throw new FollowError('unreachable', cause.message, { cause });
  }
}
