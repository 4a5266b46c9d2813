/** Why the logs of a data folder cannot be brought back. Nothing has changed when it is thrown. What the disk fails at is a LogError. */

/**
 * - `not-offered`: no mirror shows a copy of a log that can be taken
 * - `does-not-hold`: a mirror shows a checkpoint that the log has signed, and nobody serves what it covers
 * - `fork`: the log has signed two checkpoints that cannot be of one history; `checkpoints` has both
 * - `behind`: this very folder has published more than any mirror has, and cannot be read itself
 * - `stale-keys`: the copy of the keys log was cosigned before that of the root log
 * - `cosigners-lost`: what the centre's witness and mirror have cosigned is not there, so their keys must not sign again
 */
export type RestoreErrorCode =
  | 'not-offered'
  | 'does-not-hold'
  | 'fork'
  | 'behind'
  | 'stale-keys'
  | 'cosigners-lost';

export class RestoreError extends Error {
  override readonly name = 'RestoreError';
  readonly code: RestoreErrorCode;
  /** Set exactly when the code is `fork`: both notes, verbatim. */
  readonly checkpoints: readonly [string, string] | undefined;

  constructor(code: RestoreErrorCode, message: string, checkpoints?: readonly [string, string]) {
    super(message);
    this.code = code;
    this.checkpoints = checkpoints;
  }
}

/** `one` and `other` say where each note was found. */
export function forked(
  origin: string,
  one: { readonly where: string; readonly note: string },
  other: { readonly where: string; readonly note: string },
): RestoreError {
  return new RestoreError(
    'fork',
    `FORK: ${origin} has signed two checkpoints that cannot be of one history. Nothing is restored: docs/operating.md, “A fork”.\n\n${one.where}:\n${one.note}\n${other.where}:\n${other.note}`,
    [one.note, other.note],
  );
}
