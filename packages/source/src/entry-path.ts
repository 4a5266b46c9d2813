/** Paths of snapshot entries: what is a path, their order, and which may stand beside each other. docs/formats/source-snapshot.md, "Entry". */
import { SourceError } from './source-error.ts';

/** Largest path, in bytes of UTF-8. */
export const PATH_MAX_BYTES = 4096;

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the bytes of a path strictly as UTF-8.
 * @throws SourceError path-not-utf8
 */
export function decodePath(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    throw new SourceError('path-not-utf8', 'the name is not UTF-8', {
      path: Buffer.from(bytes).toString('latin1'),
      cause,
    });
  }
}

/**
 * Checks one path on its own.
 * @throws SourceError path-malformed | path-absolute | path-traversal | path-not-utf8 | path-control-character | path-too-long
 */
export function checkPath(path: string): void {
  const refuse = (code: ConstructorParameters<typeof SourceError>[0], reason: string): never => {
    throw new SourceError(code, reason, { path });
  };
  if (path === '') refuse('path-malformed', 'the path is empty');
  if (!path.isWellFormed()) refuse('path-not-utf8', 'the path has a lone surrogate, which UTF-8 cannot hold');
  if (/\p{Cc}/u.test(path)) refuse('path-control-character', 'the path contains a control character');
  if (/^[/\\]|^[A-Za-z]:[/\\]/.test(path)) refuse('path-absolute', 'the path is absolute');
  // A backslash is an ordinary character (systemd's sources have it), but some machine may read it as a separator.
  if (path.split(/[/\\]/).includes('..')) refuse('path-traversal', 'the path contains a part ".."');
  for (const part of path.split('/'))
    if (part === '.' || part === '')
      refuse('path-malformed', 'the path contains an empty part or a part "."');
  if (
    path.length > PATH_MAX_BYTES ||
    (path.length * 3 > PATH_MAX_BYTES && Buffer.byteLength(path) > PATH_MAX_BYTES)
  )
    refuse('path-too-long', `the path is over ${PATH_MAX_BYTES} bytes`);
}

/** Orders paths by the bytes of their UTF-8: negative, zero or positive. */
export function comparePaths(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    let a = left.charCodeAt(at);
    let b = right.charCodeAt(at);
    if (a === b) continue;
    // UTF-16 puts the surrogates (U+10000 and up) below U+E000–U+FFFF, UTF-8 above them.
    if (a >= 0xd800 && b >= 0xd800) {
      a = a >= 0xe000 ? a - 0x800 : a + 0x2000;
      b = b >= 0xe000 ? b - 0x800 : b + 0x2000;
    }
    return a - b;
  }
  return left.length - right.length;
}

export type EntryKind = 'file' | 'link' | 'folder';

/** The paths of one tree so far: no path twice, none both file and folder, none placed through a link. */
export class PathRegister {
  readonly #entries = new Map<string, 'file' | 'link'>();
  readonly #folders = new Set<string>();

  /** Number of files and links so far. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Takes one more path.
   * @throws SourceError duplicate-path | file-and-folder | path-through-link, and what {@link checkPath} throws
   */
  add(path: string, kind: EntryKind): void {
    checkPath(path);
    const known = this.#entries.get(path);
    if (kind === 'folder') {
      if (known !== undefined) this.#refuseAsFolder(path, path, known);
      this.#addFolders(path, path);
      return;
    }
    if (known !== undefined) throw new SourceError('duplicate-path', 'the path occurs twice', { path });
    if (this.#folders.has(path))
      throw new SourceError('file-and-folder', `the path is a folder of other entries and also a ${kind}`, {
        path,
      });
    const slash = path.lastIndexOf('/');
    if (slash > 0) this.#addFolders(path, path.slice(0, slash));
    this.#entries.set(path, kind);
  }

  #addFolders(path: string, folder: string): void {
    for (let rest = folder; !this.#folders.has(rest); ) {
      const known = this.#entries.get(rest);
      if (known !== undefined) this.#refuseAsFolder(path, rest, known);
      this.#folders.add(rest);
      const slash = rest.lastIndexOf('/');
      if (slash <= 0) return;
      rest = rest.slice(0, slash);
    }
  }

  #refuseAsFolder(path: string, folder: string, known: 'file' | 'link'): never {
    if (known === 'link')
      throw new SourceError('path-through-link', `the entry is placed through the symbolic link ${folder}`, {
        path,
      });
    throw new SourceError('file-and-folder', `${folder} is a file and also a folder`, { path });
  }
}
