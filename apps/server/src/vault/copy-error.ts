/** Why a pack of another vault is not taken over, as a closed set. What was copied before stays. */
export type CopyErrorCode =
  /** What was sent does not have the digest or the size that was announced for it. */
  | 'altered'
  /** Ciphertext that was copied before is announced otherwise: the other vault's history is not the one copied here. */
  | 'diverged'
  /** The table is one that a newer one has replaced, ends before the one held, or has an object that was disposed of. */
  | 'old-table'
  /** The table lacks objects that no logged disposal has ended. */
  | 'lost-objects'
  /** The pack is not there any more, or was replaced while it was copied. */
  | 'gone';

/** The error of copies. `code` is stable; `message` says what, where and what to do. */
export class CopyError extends Error {
  override readonly name = 'CopyError';
  readonly code: CopyErrorCode;

  constructor(code: CopyErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}
