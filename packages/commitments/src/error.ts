// The one error of this package.

/** Why a value was refused. The union is closed: callers may switch over it. */
export type CommitmentErrorCode =
  | 'malformed-acceptance'
  | 'impossible-acceptance'
  | 'malformed-due'
  | 'malformed-body';

/** Thrown by every parser of this package on bad input, and by nothing else. */
export class CommitmentError extends Error {
  readonly code: CommitmentErrorCode;

  constructor(code: CommitmentErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommitmentError';
    this.code = code;
  }
}
