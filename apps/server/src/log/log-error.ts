/** What the log engine, and the cosigners beside it, refuse or fail at. The HTTP layer maps codes to status codes; nobody else does. */

/**
 * - `entry-too-large`: an entry is longer than the log admits, or a group longer than one batch may be
 * - `overloaded`: the queue is full; try again after `retryAfterMs`
 * - `disk-full`: there is no space (ENOSPC, EDQUOT); reads go on, appends are tried again once space returns
 * - `writer-stopped`: a write had an unknown outcome (a failed fdatasync, say); nothing pending was
 *   acknowledged, and the writer is re-reading its tail
 * - `stale-writer`: a newer writer has taken over this log; this one has stopped for good
 * - `awaiting-witnesses`: before the first signature the writer asks its witnesses what they hold, and too few answer
 * - `behind-witness`: a witness holds a checkpoint that this log signed and does not contain; it writes no more, because
 *   what it would sign is a fork
 * - `no-quorum`: too few cosignatures have come; entries are durable and accepted, and their publication waits
 * - `log-frozen`: the log has signed two histories; nothing more is signed before its root keys have said which one goes on
 * - `log-closed`: the log has ended, and takes no entry ever again; the message names where it goes on
 * - `clock-behind`: the wall clock is over 60 s behind the newest `registeredAt`
 * - `clock-jumped`: the wall clock leapt ahead of the monotonic one and has not settled yet
 * - `closed`: the log is closed, or is closing
 * - `out-of-range`: an index or a size that the log has not reached
 * - `log-missing`: no such log in the folder (it is made by `createLogs`, never by `openLogs`)
 * - `log-exists`: `createLogs` found a log of that name
 * - `locked`: another process writes this folder
 * - `corrupt`: what is on disk contradicts itself; the message names file and offset
 * - `wrong-key`: the key given is not the one that signed what is on disk
 */
export type LogErrorCode =
  | 'entry-too-large'
  | 'overloaded'
  | 'disk-full'
  | 'writer-stopped'
  | 'stale-writer'
  | 'awaiting-witnesses'
  | 'behind-witness'
  | 'no-quorum'
  | 'log-frozen'
  | 'log-closed'
  | 'clock-behind'
  | 'clock-jumped'
  | 'closed'
  | 'out-of-range'
  | 'log-missing'
  | 'log-exists'
  | 'locked'
  | 'corrupt'
  | 'wrong-key';

/** The one error of the log engine and its stores. `retryAfterMs` is set where trying again makes sense. */
export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code: LogErrorCode;
  readonly retryAfterMs: number | null;

  constructor(
    code: LogErrorCode,
    message: string,
    details: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.retryAfterMs = details.retryAfterMs ?? null;
  }
}
