/** When a delivery that failed is tried again: after 5 s, each time four times as late, up to 6 h, for 3 days. */
const FIRST_PAUSE_MS = 5_000;
const FACTOR = 4;
const LONGEST_BACK_OFF_MS = 6 * 3_600_000;
/** So much earlier or later, so that receivers that failed together are not asked together again. */
const JITTER = 0.2;
/** Nothing is put off for longer, whatever the receiver asks for. */
export const LONGEST_PAUSE_MS = 24 * 3_600_000;

/** Since the first failure; then the watch is suspended. */
export const GIVE_UP_AFTER_MS = 3 * 24 * 3_600_000;

/**
 * @param attempts that failed in a row, from 1
 * @param retryAfterS what the receiver asked for
 * @param random from 0 to below 1
 */
export function pauseMsAfter(attempts: number, retryAfterS: number | undefined, random: number): number {
  const pauseMs = Math.min(FIRST_PAUSE_MS * FACTOR ** Math.min(attempts - 1, 20), LONGEST_BACK_OFF_MS);
  const jittered = Math.round(pauseMs * (1 - JITTER + 2 * JITTER * random));
  return Math.max(jittered, Math.min((retryAfterS ?? 0) * 1000, LONGEST_PAUSE_MS));
}
