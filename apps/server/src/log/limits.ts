/** Bounds and intervals; each has a default that suits two small cores. */
export type LogLimits = {
  /** At most one publication of a log in this time; default 200. */
  readonly publishIntervalMs: number;
  /** Entries in one commit, and in one group; default 16,384. */
  readonly maxBatchEntries: number;
  /** Bytes in one commit, and in one group; default 16 MiB. */
  readonly maxBatchBytes: number;
  /** Entries waiting in a log before `overloaded`; default 131,072. */
  readonly maxQueuedEntries: number;
  /** Bytes waiting in a log before `overloaded`; default 64 MiB. */
  readonly maxQueuedBytes: number;
  /** Bytes durable but not yet in tiles before commits wait for publication; default 32 MiB. */
  readonly maxUnpublishedBytes: number;
  /** Least time between two heads of a log, unless it is anchored at once; default 1,000. */
  readonly anchorIntervalMs: number;
};

export const DEFAULT_LIMITS: LogLimits = {
  publishIntervalMs: 200,
  maxBatchEntries: 16_384,
  maxBatchBytes: 16 * 1024 * 1024,
  maxQueuedEntries: 131_072,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxUnpublishedBytes: 32 * 1024 * 1024,
  anchorIntervalMs: 1_000,
};
