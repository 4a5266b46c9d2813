// The one error of this package.

/** Why a text, a path, a tile or a signature was refused. The union is closed: callers may switch over it. */
export type TlogErrorCode =
  | 'malformed-base64'
  | 'malformed-hex'
  | 'malformed-note'
  | 'malformed-vkey'
  | 'unsupported-key-type'
  | 'malformed-checkpoint'
  | 'malformed-tile-path'
  | 'malformed-tile'
  | 'malformed-bundle'
  | 'malformed-proof'
  | 'malformed-policy'
  | 'malformed-request'
  | 'malformed-answer'
  | 'ambiguous-key'
  | 'bad-signature'
  | 'no-known-signature'
  | 'origin-mismatch';

/** Thrown by every parser and `openX` of this package on bad input, and by nothing else. */
export class TlogError extends Error {
  readonly code: TlogErrorCode;

  constructor(code: TlogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TlogError';
    this.code = code;
  }
}
