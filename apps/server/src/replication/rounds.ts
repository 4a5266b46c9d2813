/** Does something again and again: after a while, or when woken, a second after the last time at the earliest; after a failure later and later, up to a minute. */
import type { Logger } from 'pino';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

export interface RoundsOptions {
  /** @returns in how many milliseconds it is worth another round, if nothing wakes it before */
  readonly round: (signal: AbortSignal) => Promise<number>;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

export interface RoundsState {
  /** The last round that did not fail; null when none. Milliseconds since 1970. */
  readonly lastDoneAtMs: number | null;
  /** Why the last round failed; null when it did not. */
  readonly failure: string | null;
}

export class Rounds {
  readonly #options: RoundsOptions;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #isWoken = false;
  #wake: (() => void) | undefined;
  #state: RoundsState = { lastDoneAtMs: null, failure: null };

  /** Begins at once. */
  constructor(options: RoundsOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get state(): RoundsState {
    return this.#state;
  }

  /** There is something to do. A round under way is followed by another; one that failed is not hurried. */
  wake(): void {
    this.#isWoken = true;
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    let failures = 0;
    while (!this.#isEnding()) {
      this.#isWoken = false;
      try {
        const pauseMs = await this.#options.round(signal);
        failures = 0;
        this.#state = { lastDoneAtMs: this.#options.nowMs(), failure: null };
        // Many wake-ups in a short time are one.
        await this.#pause(FIRST_PAUSE_MS, false);
        await this.#pause(Math.min(pauseMs, LONGEST_PAUSE_MS) - FIRST_PAUSE_MS, true);
      } catch (error) {
        if (this.#isEnding()) return;
        const failure = error instanceof Error ? error.message : String(error);
        if (failure !== this.#state.failure)
          this.#options.logger.warn({ err: error }, 'replication is interrupted; it goes on by itself');
        this.#state = { ...this.#state, failure };
        await this.#pause(Math.min(FIRST_PAUSE_MS * 2 ** Math.min(failures, 20), LONGEST_PAUSE_MS), false);
        failures += 1;
      }
    }
  }

  #isEnding(): boolean {
    return this.#ending.signal.aborted;
  }

  #pause(ms: number, mayBeWoken: boolean): Promise<void> {
    const { signal } = this.#ending;
    if (signal.aborted || ms <= 0 || (mayBeWoken && this.#isWoken)) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      if (mayBeWoken) this.#wake = end;
    });
  }
}
