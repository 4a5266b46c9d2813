/** What could not be had, and when it is tried again: after a second, and each time twice as long, up to ten minutes. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 600_000;

interface Failure {
  readonly attempts: number;
  readonly retryAtMs: number;
  readonly reason: string;
}

export class Retries {
  readonly #failures = new Map<string, Failure>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#failures.size;
  }

  /** Why each of them failed last. */
  get reasons(): ReadonlyMap<string, string> {
    return new Map([...this.#failures].map(([name, { reason }]) => [name, reason]));
  }

  /** When the next is due. */
  get nextAtMs(): number {
    return Math.min(...[...this.#failures.values()].map(({ retryAtMs }) => retryAtMs));
  }

  isDue(name: string): boolean {
    const failure = this.#failures.get(name);
    return failure === undefined || failure.retryAtMs <= this.#nowMs();
  }

  /** @returns whether it failed for another reason before, or for the first time */
  failed(name: string, reason: string): boolean {
    const before = this.#failures.get(name);
    const attempts = (before?.attempts ?? 0) + 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 20), LONGEST_PAUSE_MS);
    this.#failures.set(name, { attempts, retryAtMs: this.#nowMs() + pauseMs, reason });
    return before?.reason !== reason;
  }

  settled(name: string): void {
    this.#failures.delete(name);
  }
}
