/** The one error of a centre's own code. Its codes are the problem codes of the HTTP contract; the status codes are http/'s business. */
import type { ProblemCode } from '@vitrine/api';

export class CentreError extends Error {
  override readonly name = 'CentreError';
  readonly code: ProblemCode;
  /** Where in the input, e.g. `/envelopes/2`. */
  readonly pointer: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ProblemCode,
    message: string,
    options: { cause?: unknown; pointer?: string; retryAfterMs?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.pointer = options.pointer;
    this.retryAfterMs = options.retryAfterMs;
  }
}
