/**
 * The vault's files in a folder of the local file system. Every path the vault uses is made of its own names, so none
 * leads out of the folder.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ReadableFile, VaultFiles, WritableFile } from '../../vault/ports.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** The files of the vault in `folder`, which is made when it does not exist. Only its owner may enter it. */
export function openVaultFolder(folder: string): VaultFiles {
  const at = (path: string) => join(folder, path);
  return {
    list: (path) =>
      named(path, async () => {
        const names = await unlessAbsent(readdir(at(path)));
        return (names ?? []).sort();
      }),
    makeFolder: (path) =>
      named(path, async () => {
        const firstMade = await mkdir(at(path), { recursive: true, mode: 0o700 });
        if (firstMade === undefined) return;
        for (let made = at(path); made.length >= firstMade.length; made = dirname(made)) {
          await syncFolder(dirname(made));
        }
      }),
    modifiedAtMs: (path) => named(path, async () => (await unlessAbsent(stat(at(path))))?.mtimeMs),
    read: (path, maxBytes) =>
      named(path, async () => {
        const file = await unlessAbsent(open(at(path), 'r'));
        if (file === undefined) return undefined;
        try {
          const { size } = await file.stat();
          const bytes = Buffer.alloc(Math.min(size, maxBytes));
          return bytes.subarray(0, await readFully(file, bytes, 0));
        } finally {
          await file.close();
        }
      }),
    openForReading: (path) =>
      named(path, async () => {
        const file = await unlessAbsent(open(at(path), 'r'));
        return file === undefined ? undefined : readableFile(path, file);
      }),
    openForWriting: (path) =>
      named(path, async () =>
        writableFile(path, await open(at(path), constants.O_RDWR | constants.O_CREAT, 0o600)),
      ),
    replace: (path, bytes) => named(path, () => replaceFile(at(path), bytes)),
    move: (from, to) =>
      named(to, async () => {
        await syncFolder(at(from));
        await rename(at(from), at(to));
        await syncFolder(dirname(at(to)));
      }),
    remove: (path) => named(path, () => rm(at(path), { recursive: true, force: true })),
  };
}

/**
 * Old or new, never a mixture: a temporary file, synced, renamed, the folder synced. Then the old file's blocks are
 * overwritten through a handle opened before: after a disposal they hold a data key. Best effort, since file systems
 * that copy on write put the zeros elsewhere.
 */
async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const old = await unlessAbsent(open(path, 'r+'));
  try {
    const temporary = `${path}.new`;
    try {
      const file = await open(temporary, 'w', 0o600);
      try {
        await writeFully(file, bytes, 0);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(dirname(path));
    if (old !== undefined) {
      const { size } = await old.stat();
      await writeFully(old, Buffer.alloc(size), 0);
      await old.datasync();
    }
  } finally {
    await old?.close();
  }
}

function readableFile(path: string, file: FileHandle): ReadableFile {
  return {
    sizeBytes: () => named(path, async () => (await file.stat()).size),
    read: (into, position) => named(path, () => readFully(file, into, position)),
    close: () => named(path, () => file.close()),
  };
}

function writableFile(path: string, file: FileHandle): WritableFile {
  return {
    sizeBytes: () => named(path, async () => (await file.stat()).size),
    write: (bytes, position) => named(path, () => writeFully(file, bytes, position)),
    truncate: (sizeBytes) => named(path, () => file.truncate(sizeBytes)),
    sync: () => named(path, () => file.datasync()),
    close: () => named(path, () => file.close()),
  };
}

async function readFully(file: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/** A write may be short when the disk fills: the next one then says ENOSPC. */
async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function unlessAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function named<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    if (cause instanceof VaultError) throw cause;
    const errno = errnoOf(cause);
    if (errno === 'ENOSPC' || errno === 'EDQUOT') {
      throw new VaultError('disk-full', `the disk is full: vault file ${path} was not written`, { cause });
    }
    throw new VaultError(
      'io',
      `vault file ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
