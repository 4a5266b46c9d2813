/** Virtual time: nothing waits for the clock on the wall; the next timer is due once nothing else can happen. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { vi } from 'vitest';

/** Turns of the event loop without anything outside under way, after which only a timer can bring something new. */
const QUIET_TURNS = 4;

export class VirtualTime {
  #outside = 0;

  /** Work that real files or threads do: time stands still until it has ended. */
  async outside<T>(work: () => Promise<T>): Promise<T> {
    this.#outside += 1;
    try {
      return await work();
    } finally {
      this.#outside -= 1;
    }
  }

  /** Runs a scenario from timer to timer until it has ended. @throws what it throws; Error if nothing can happen any more */
  async run(startMs: number, scenario: () => Promise<void>): Promise<void> {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
      now: startMs,
    });
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error('no answer in time')), ms);
      return controller.signal;
    });
    try {
      const outcome: { ended: boolean; error?: unknown } = { ended: false };
      scenario().then(
        () => (outcome.ended = true),
        (error: unknown) => Object.assign(outcome, { ended: true, error }),
      );
      for (;;) {
        await this.#settle();
        if (outcome.ended) break;
        if (vi.getTimerCount() === 0) throw new Error('nothing can happen any more, and it has not ended');
        vi.advanceTimersToNextTimer();
      }
      if ('error' in outcome) throw outcome.error;
    } finally {
      vi.restoreAllMocks();
      vi.useRealTimers();
    }
  }

  async #settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet = this.#outside === 0 ? quiet + 1 : 0) await nextTurn();
  }
}

/** In virtual time. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
