/** The two clocks the engine reads. */
export type Clock = {
  /** Wall clock, milliseconds since 1970; may jump. */
  readonly nowMs: () => number;
  /** Never goes back, has no epoch, milliseconds. */
  readonly monotonicMs: () => number;
};

export const systemClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
