/** How often somebody may ask in an hour. In memory: no address of a caller is written down, and a restart forgets. */
const HOUR_MS = 3_600_000;
/** More than these at once, and the oldest is forgotten. */
const MOST_NAMES = 10_000;

export class HourlyQuota {
  readonly #most: number;
  readonly #nowMs: () => number;
  readonly #asked = new Map<string, { readonly sinceMs: number; times: number }>();

  constructor(most: number, nowMs: () => number) {
    this.#most = most;
    this.#nowMs = nowMs;
  }

  /** @returns in how many milliseconds it may ask again; undefined when it may now, which is then counted */
  take(name: string): number | undefined {
    const nowMs = this.#nowMs();
    const known = this.#asked.get(name);
    if (known === undefined || nowMs - known.sinceMs >= HOUR_MS || nowMs < known.sinceMs) {
      this.#asked.delete(name);
      this.#asked.set(name, { sinceMs: nowMs, times: 1 });
      const [oldest] = this.#asked.keys();
      if (this.#asked.size > MOST_NAMES && oldest !== undefined) this.#asked.delete(oldest);
      return undefined;
    }
    if (known.times >= this.#most) return known.sinceMs + HOUR_MS - nowMs;
    known.times += 1;
    return undefined;
  }
}
