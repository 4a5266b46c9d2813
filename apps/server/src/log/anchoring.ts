/** Carries the heads of one log into the root log: the newest one, one at a time, no more often than the interval. */
import type { Head, PublishedCheckpoint } from './log.ts';
import { LogError } from './log-error.ts';
import type { EngineLogger } from './engine-logger.ts';
import { Waiters } from './waiters.ts';

const RETRY_FIRST_MS = 1_000;
/** A registration waits for the head of the keys log, so not for long once there is space again. */
const RETRY_MOST_MS = 5_000;

export class Anchoring {
  readonly #log: { readonly name: string; readonly origin: string };
  readonly #append: (head: Head) => Promise<void>;
  readonly #intervalMs: number;
  readonly #logger: EngineLogger;
  readonly #waiters = new Waiters<Head>();
  #wanted: PublishedCheckpoint | null = null;
  #anchored: Head | null = null;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #retryMs = RETRY_FIRST_MS;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(parts: {
    readonly log: { readonly name: string; readonly origin: string };
    readonly append: (head: Head) => Promise<void>;
    readonly intervalMs: number;
    readonly logger: EngineLogger;
  }) {
    this.#log = parts.log;
    this.#append = parts.append;
    this.#intervalMs = parts.intervalMs;
    this.#logger = parts.logger;
  }

  published(checkpoint: PublishedCheckpoint): void {
    if (checkpoint.size <= (this.#wanted?.size ?? 0)) return;
    this.#wanted = checkpoint;
    this.#schedule(Math.max(0, this.#lastStartMs + this.#intervalMs - performance.now()));
  }

  /** See `Log.whenAnchored`. */
  whenAnchored(leafIndex: number): Promise<Head> {
    if (this.#anchored !== null && leafIndex < this.#anchored.size) return Promise.resolve(this.#anchored);
    if (this.#closed) return Promise.reject(this.#closedError());
    return this.#waiters.wait(leafIndex);
  }

  /** Lets the head on its way arrive, and takes no further one. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
    this.#waiters.rejectAll(this.#closedError());
  }

  #closedError(): LogError {
    return new LogError('closed', `the log ${this.#log.name} is closed`);
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== null || this.#running !== null || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#running = this.#run().finally(() => {
        this.#running = null;
        if (this.#wanted !== null && this.#wanted.size > (this.#anchored?.size ?? 0)) {
          this.#schedule(this.#delayMs());
        }
      });
    }, delayMs);
  }

  #delayMs(): number {
    const sinceMs = performance.now() - this.#lastStartMs;
    const failedMs = this.#retryMs > RETRY_FIRST_MS ? this.#retryMs / 2 : 0;
    return Math.max(0, this.#intervalMs - sinceMs, failedMs);
  }

  async #run(): Promise<void> {
    if (this.#wanted === null) return;
    const { size, root } = this.#wanted;
    const head: Head = { log: this.#log.name, origin: this.#log.origin, size, root };
    this.#lastStartMs = performance.now();
    try {
      await this.#append(head);
    } catch (err) {
      // No head will ever stand there again.
      if (err instanceof LogError && err.code === 'log-closed') {
        this.#closed = true;
        this.#waiters.rejectAll(err);
        return;
      }
      this.#logger.warn(
        { log: this.#log.name, size, err },
        'a head could not be anchored and will be tried again',
      );
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MOST_MS);
      return;
    }
    this.#retryMs = RETRY_FIRST_MS;
    this.#anchored = head;
    this.#waiters.reached(size, head);
  }
}
