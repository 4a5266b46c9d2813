/** Creates and opens the logs of an instance; wires sequencer, publication and anchoring to a storage. */
import type { Clock } from './clock.ts';
import type { Ed25519Key } from './ed25519-key.ts';
import type { Head, Logs, LogSpec } from './log.ts';
import type { LogStorage } from './log-store.ts';

/** The part of a pino logger that the engine uses. */
export type EngineLogger = {
  readonly info: (details: object, message: string) => void;
  readonly warn: (details: object, message: string) => void;
  readonly error: (details: object, message: string) => void;
};

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
  /** Bytes durable but not yet in tiles before commits wait for publication; default 128 MiB. */
  readonly maxUnpublishedBytes: number;
  /** Least time between two heads of a log, unless it is anchored at once; default 1,000. */
  readonly anchorIntervalMs: number;
};

export type LogsOptions = {
  /** From `openLogFolder` (storage/log-files). `close()` of the logs closes it. */
  readonly storage: LogStorage;
  readonly logs: readonly LogSpec[];
  /** The instance's own cosigner: signs 0x04 on every checkpoint. Its name differs from every log's. */
  readonly cosigner: { readonly name: string; readonly key: Ed25519Key };
  /**
   * Logs published as one: when `lead` publishes with a cosignature dated T, each of `companions` gets a
   * cosignature dated T or later and is published first; their notes are in the lead's `companions` and
   * history. Evidence cites lead and companion from here.
   */
  readonly publishTogether?: readonly { readonly lead: string; readonly companions: readonly string[] }[];
  /**
   * Anchors heads in the root log. `append` resolves once the `head` entry is durable there; it is called
   * again (with the newest head) after it rejects, and once for each non-empty log at start, so it must be
   * idempotent, as appending a statement is. Never called twice at once for one log.
   */
  readonly anchor?: { readonly rootLog: string; readonly append: (head: Head, logs: Logs) => Promise<void> };
  readonly limits?: Partial<LogLimits>;
  readonly clock?: Clock;
  readonly logger?: EngineLogger;
};

/** Makes empty logs and publishes their checkpoints of size 0: `await createLogs({ storage, logs, cosigner })`. */
export type CreateLogs = (
  options: Pick<LogsOptions, 'storage' | 'logs' | 'cosigner' | 'clock'>,
) => Promise<void>;
/** Opens logs that `createLogs` made: recovers, verifies, publishes what was durable. */
export type OpenLogs = (options: LogsOptions) => Promise<Logs>;
