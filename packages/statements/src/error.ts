// The one error of this package.

/** Why bytes or values were refused. The union is closed: callers may switch over it. */
export type StatementErrorCode =
  | 'too-large'
  | 'malformed-json'
  | 'not-canonical-json'
  | 'malformed-envelope'
  | 'malformed-key'
  | 'malformed-statement'
  | 'unknown-type'
  | 'malformed-leaf'
  | 'malformed-body'
  | 'malformed-acceptance'
  | 'bad-signature';

/** Thrown by every parser, constructor and `openX` of this package on bad input, and by nothing else. */
export class StatementError extends Error {
  readonly code: StatementErrorCode;

  constructor(code: StatementErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StatementError';
    this.code = code;
  }
}
