/** Reads a folder as a source tree. Symbolic links are recorded, never followed; `.git` at any depth and empty folders are left out. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
} from 'node:fs';
import type { BigIntStats, Dirent } from 'node:fs';
import { read } from 'node:fs';
import { promisify } from 'node:util';
import { checkPath, comparePaths, decodePath, PathRegister } from './entry-path.ts';
import { SourceError } from './source-error.ts';
import { defaultLimits, LimitGuard } from './limits.ts';
import type { SourceLimits } from './limits.ts';
import type { SourceFile, SourceTree } from './source-tree.ts';

const readAsync = promisify(read);
/** Up to this size a file is read in one synchronous call, which costs a fifth of an asynchronous one. */
const SYNC_READ_MAX_BYTES = 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/**
 * @param dir the folder; it may itself be named through a link
 * @throws SourceError not-a-folder | unreadable
 */
export function readFolder(dir: string, limits: SourceLimits = defaultLimits): SourceTree {
  let root: string;
  try {
    root = realpathSync(dir);
    // Opened as a folder, so that a file is refused here and not in the middle of a publication.
    closeSync(openSync(root, constants.O_RDONLY | constants.O_DIRECTORY));
  } catch (cause) {
    throw unreadable(dir, cause);
  }
  return {
    description: `folder ${dir}`,
    files: function* (only) {
      const guard = new LimitGuard(limits);
      const register = new PathRegister();
      for (const { path, link } of walk(root, '')) {
        if (only?.has(path) === false) continue;
        register.add(path, link ? 'link' : 'file');
        const file = link ? openLink(root, path) : openFile(root, path);
        try {
          guard.take(path, file.sizeBytes);
          yield file;
        } finally {
          file.close();
        }
      }
    },
  };
}

interface OpenFile extends SourceFile {
  close(): void;
}

function* walk(root: string, folder: string): Generator<{ path: string; link: boolean }> {
  let found: { path: string; dirent: Dirent<Buffer> }[];
  try {
    found = readdirSync(Buffer.from(`${root}/${folder}`), { withFileTypes: true, encoding: 'buffer' }).map(
      (dirent) => ({ path: childPath(folder, dirent.name), dirent }),
    );
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    throw unreadable(folder === '' ? root : folder, cause);
  }
  found.sort((a, b) => comparePaths(a.path, b.path));
  for (const { path, dirent } of found) {
    if (path === '.git' || path.endsWith('/.git')) continue;
    checkPath(path);
    if (dirent.isDirectory()) yield* walk(root, path);
    else if (dirent.isFile() || dirent.isSymbolicLink()) yield { path, link: dirent.isSymbolicLink() };
    else
      throw new SourceError('special-file', 'it is neither a file nor a folder nor a symbolic link', {
        path,
      });
  }
}

function childPath(folder: string, name: Uint8Array): string {
  const decoded = decodePath(name);
  return folder === '' ? decoded : `${folder}/${decoded}`;
}

function openLink(root: string, path: string): OpenFile {
  let text: Buffer;
  try {
    text = readlinkSync(`${root}/${path}`, { encoding: 'buffer' });
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return {
    path,
    mode: '120000',
    sizeBytes: text.length,
    content: () => [text],
    close: () => undefined,
  };
}

function openFile(root: string, path: string): OpenFile {
  let fd: number;
  try {
    // NOFOLLOW: a file that became a link since the folder was listed is not followed. NONBLOCK: a pipe does not hang.
    fd = openSync(`${root}/${path}`, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  let opened: BigIntStats;
  try {
    opened = fstatSync(fd, { bigint: true });
  } catch (cause) {
    closeSync(fd);
    throw unreadable(path, cause);
  }
  if (!opened.isFile()) {
    closeSync(fd);
    throw new SourceError('source-changed', 'it stopped being a file while the folder was read', { path });
  }
  const sizeBytes = Number(opened.size);
  return {
    path,
    mode: (opened.mode & 0o100n) === 0n ? '100644' : '100755',
    sizeBytes,
    content: () => contentOf(fd, path, opened, sizeBytes),
    close: () => closeSync(fd),
  };
}

async function* contentOf(
  fd: number,
  path: string,
  opened: BigIntStats,
  sizeBytes: number,
): AsyncGenerator<Uint8Array> {
  try {
    for (let at = 0; ; ) {
      // One byte more than is left: a file that grew shows it.
      const buffer = Buffer.allocUnsafe(Math.min(sizeBytes - at + 1, CHUNK_BYTES));
      const bytes =
        sizeBytes <= SYNC_READ_MAX_BYTES
          ? readSync(fd, buffer, 0, buffer.length, at)
          : (await readAsync(fd, buffer, 0, buffer.length, at)).bytesRead;
      if (at + bytes > sizeBytes) throw changed(path);
      if (bytes === 0) {
        if (at < sizeBytes) throw changed(path);
        break;
      }
      at += bytes;
      yield buffer.subarray(0, bytes);
      if (bytes < buffer.length && at === sizeBytes) break;
    }
    const now = fstatSync(fd, { bigint: true });
    if (now.size !== opened.size || now.mtimeNs !== opened.mtimeNs) throw changed(path);
  } catch (cause) {
    if (cause instanceof SourceError) throw cause;
    throw unreadable(path, cause);
  }
}

function changed(path: string): SourceError {
  return new SourceError(
    'source-changed',
    'the file changed while it was read; publish from a folder at rest',
    {
      path,
    },
  );
}

function unreadable(path: string, cause: unknown): SourceError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOTDIR') return new SourceError('not-a-folder', 'it is not a folder', { path, cause });
  if (code === 'ELOOP')
    return new SourceError('source-changed', 'it became a symbolic link while the folder was read', {
      path,
      cause,
    });
  const reason =
    code === 'ENOENT'
      ? 'there is no such file or folder'
      : cause instanceof Error
        ? cause.message
        : 'it cannot be read';
  return new SourceError('unreadable', reason, { path, cause });
}
