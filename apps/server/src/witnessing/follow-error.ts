/** What following a log fails at, where it is the log's or its server's fault. What the disk fails at is a LogError. */

/**
 * - `unreachable`: the server does not answer, or not properly, or too slowly; nothing is known of the log
 * - `no-checkpoint`: the server answers, and has no checkpoint
 * - `bad-checkpoint`: what stands in its place is no checkpoint that the log's key has signed, or is not accepted
 * - `does-not-hold`: something that the checkpoint covers is missing, cut, malformed or altered; the message names it
 * - `fork`: the log has signed two checkpoints that cannot be of one history; `fork` has both
 * - `stopped`: the caller has ended it
 */
export type FollowErrorCode =
  | 'unreachable'
  | 'no-checkpoint'
  | 'bad-checkpoint'
  | 'does-not-hold'
  | 'fork'
  | 'stopped';

/** Two checkpoints, both signed by the log's key, that no append-only log can have signed. */
export interface ForkEvidence {
  readonly origin: string;
  /** The newest checkpoint held, verbatim. */
  readonly held: string;
  /** The one that contradicts it, verbatim. */
  readonly offered: string;
}

/** The one error of following. */
export class FollowError extends Error {
  override readonly name = 'FollowError';
  readonly code: FollowErrorCode;
  /** Set exactly when the code is `fork`. */
  readonly fork: ForkEvidence | undefined;

  constructor(
    code: FollowErrorCode,
    message: string,
    details: { readonly cause?: unknown; readonly fork?: ForkEvidence } = {},
  ) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.fork = details.fork;
  }
}
