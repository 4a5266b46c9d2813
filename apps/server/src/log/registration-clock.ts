/**
 * Log time. `registeredAt` never decreases within a log, whatever the wall clock does, and one bad reading of the
 * clock must not carry a log into the future, from where it could not come back:
 *
 * - The wall clock a little behind the newest entry (up to 60 s): entries get the newest time again.
 * - Further behind: entries are refused (`clock-behind`) until it has caught up. Other centres would not cosign
 *   such entries either (PROTOCOL.md, "Entries").
 * - The wall clock leaps ahead of the monotonic clock by over 60 s: entries are refused (`clock-jumped`) until
 *   either it comes back or it has held its new pace for 60 s. A clock that was set wrong and put right at once
 *   leaves no trace; a machine that slept, or whose clock was rightly corrected, goes on after a minute.
 *
 * A clock that is wrong for longer, and at start, cannot be told from a right one here: witnesses tell it.
 */
import type { Clock } from './clock.ts';
import { LogError } from './log-error.ts';

/** How far the newest entry may be ahead of the clock, and the clock ahead of itself. */
const MAX_SKEW_MS = 60_000;
const SETTLE_MS = 60_000;

export class RegistrationClock {
  readonly #clock: Clock;
  #newestMs: number;
  #floorMs = 0;
  /** Wall clock minus monotonic clock, as trusted. */
  #offsetMs: number;
  #leap: { readonly offsetMs: number; readonly sinceMs: number } | null = null;

  /** `newestMs`: registeredAt of the newest entry, 0 if there is none. */
  constructor(clock: Clock, newestMs: number) {
    this.#clock = clock;
    this.#newestMs = newestMs;
    this.#offsetMs = clock.nowMs() - clock.monotonicMs();
  }

  /** registeredAt of the newest durable entry. */
  get newestMs(): number {
    return this.#newestMs;
  }

  /** Entries sequenced from now on are registered at this time or later: another log of the instance has reached it. */
  raise(toMs: number): void {
    this.#floorMs = Math.max(this.#floorMs, toMs);
  }

  /**
   * The registeredAt of entries sequenced now. It counts once `advance` is told that they are durable.
   * @throws LogError `clock-behind`, `clock-jumped`
   */
  read(): number {
    const nowMs = Math.floor(this.#clock.nowMs());
    this.#checkLeap(nowMs);
    this.checkNotBehind();
    return Math.max(nowMs, this.#newestMs, this.#floorMs);
  }

  advance(registeredAt: number): void {
    this.#newestMs = Math.max(this.#newestMs, registeredAt);
  }

  /** @throws LogError `clock-behind` if the newest entry is over 60 s ahead of the wall clock */
  checkNotBehind(): void {
    const aheadMs = Math.max(this.#newestMs, this.#floorMs) - this.#clock.nowMs();
    if (aheadMs <= MAX_SKEW_MS) return;
    throw new LogError(
      'clock-behind',
      `the clock of this machine is ${Math.ceil(aheadMs / 1000)} s behind the newest time that was signed here: set the clock right, or wait`,
      { retryAfterMs: Math.min(aheadMs - MAX_SKEW_MS, 60_000) },
    );
  }

  #checkLeap(nowMs: number): void {
    const monotonicMs = this.#clock.monotonicMs();
    const offsetMs = nowMs - monotonicMs;
    if (offsetMs - this.#offsetMs <= MAX_SKEW_MS) {
      // Slow drift and steps back are followed at once: only leaps ahead can poison the log.
      this.#offsetMs = offsetMs;
      this.#leap = null;
      return;
    }
    if (this.#leap === null || Math.abs(offsetMs - this.#leap.offsetMs) > MAX_SKEW_MS) {
      this.#leap = { offsetMs, sinceMs: monotonicMs };
    }
    const leftMs = this.#leap.sinceMs + SETTLE_MS - monotonicMs;
    if (leftMs > 0) {
      const byS = Math.round((offsetMs - this.#offsetMs) / 1000);
      throw new LogError(
        'clock-jumped',
        `the clock of this machine leapt ahead by ${byS} s; nothing more is signed until it has been steady for ${Math.ceil(leftMs / 1000)} s, or has come back`,
        { retryAfterMs: leftMs },
      );
    }
    this.#offsetMs = offsetMs;
    this.#leap = null;
  }
}
