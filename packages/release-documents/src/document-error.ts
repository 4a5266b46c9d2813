/** The one error of this package: what is wrong with a document, and where. */

export type DocumentErrorCode =
  | 'too-large'
  | 'too-deep'
  | 'not-json'
  | 'duplicate-member'
  | 'unknown-format'
  | 'unsupported-version'
  | 'schema'
  | 'inconsistent';

export class DocumentError extends Error {
  override readonly name = 'DocumentError';
  readonly code: DocumentErrorCode;
  /** RFC 6901 JSON pointer to the value at fault; empty for the whole document. */
  readonly pointer: string;

  constructor(code: DocumentErrorCode, reason: string, pointer = '', options: { cause?: unknown } = {}) {
    super(pointer === '' ? reason : `at ${pointer}: ${reason}`, options);
    this.code = code;
    this.pointer = pointer;
  }
}

/** RFC 6901, section 3. */
export function jsonPointer(path: readonly (string | number)[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
