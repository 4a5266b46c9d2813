/** The one error of this package. `code` is closed and stable; `path` names the entry at fault as far as it can be shown. */

export type SourceErrorCode =
  | 'unreadable'
  | 'not-a-folder'
  | 'empty-source'
  | 'source-changed'
  | 'path-malformed'
  | 'path-absolute'
  | 'path-traversal'
  | 'path-not-utf8'
  | 'path-control-character'
  | 'path-too-long'
  | 'duplicate-path'
  | 'file-and-folder'
  | 'path-through-link'
  | 'hard-link'
  | 'special-file'
  | 'sparse-file'
  | 'submodule'
  | 'unknown-entry-type'
  | 'too-many-entries'
  | 'too-large'
  | 'compression-ratio'
  | 'truncated'
  | 'archive-malformed'
  | 'archive-unsupported'
  | 'program-missing'
  | 'git-failed'
  | 'unknown-revision'
  | 'manifest-malformed';

export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code: SourceErrorCode;
  /** The entry, file or archive at fault; bytes that are not UTF-8 and control characters are escaped. */
  readonly path: string | undefined;

  constructor(code: SourceErrorCode, reason: string, options: { path?: string; cause?: unknown } = {}) {
    super(options.path === undefined ? reason : `${showPath(options.path)}: ${reason}`, {
      cause: options.cause,
    });
    this.code = code;
    this.path = options.path;
  }
}

/** A path as it may stand in a message: control characters cannot reach the reader's terminal. */
function showPath(path: string): string {
  const shown = path.replace(
    /[\p{Cc}\p{Cs}\p{Bidi_Control}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return shown.length > 300 ? `${shown.slice(0, 300)}…` : shown;
}
