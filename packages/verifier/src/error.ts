// The one error of this package. A verdict never throws it: bad evidence and bad policies are refusals.

/** Why an evidence file or a policy was refused. The union is closed: callers may switch over it. */
export type EvidenceErrorCode =
  | 'too-large'
  | 'malformed-json'
  | 'not-canonical-json'
  | 'unsupported-format'
  | 'malformed-evidence'
  | 'malformed-policy'
  | 'no-pin'
  | 'malformed-duration';

/** Thrown by the parsers and formatters of this package on bad input, and by nothing else. */
export class EvidenceError extends Error {
  readonly code: EvidenceErrorCode;

  constructor(code: EvidenceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EvidenceError';
    this.code = code;
  }
}
