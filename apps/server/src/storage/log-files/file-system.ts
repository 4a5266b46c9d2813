/**
 * The few file operations the log files are written with. Narrow on purpose: tests put faults and power failures
 * behind it. What is durable: bytes after `datasync` or `writeNew`, names after `syncDirectory`.
 */
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';

/** A file that grows at its end. */
export interface AppendableFile {
  /** Writes all of `bytes` at `position`. May fail with a part of them written. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Bytes and length are durable when it resolves. After a failure nothing is known. */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface FileSystem {
  /** Opens an existing file for writing. */
  openForAppend(path: string): Promise<AppendableFile>;
  /** Writes a new file, or one anew, and syncs its bytes. */
  writeNew(path: string, bytes: Uint8Array): Promise<void>;
  /** null if there is no such file. */
  read(path: string): Promise<Uint8Array | null>;
  rename(from: string, to: string): Promise<void>;
  /** No error if there is nothing. Takes a folder with all it holds. */
  remove(path: string): Promise<void>;
  /** Names in a folder; empty if there is no such folder. */
  list(path: string): Promise<string[]>;
  /** With its parents. Returns the topmost folder that was made, or null if all were there. */
  makeDirectory(path: string): Promise<string | null>;
  syncDirectory(path: string): Promise<void>;
}

/** What node:fs says went wrong ('ENOENT', ...), or null. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** Whether it says that there is no space, or that what this user may have is used up. */
export function isFull(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

export const nodeFileSystem: FileSystem = {
  async openForAppend(path) {
    const handle = await open(path, 'r+');
    return {
      async write(bytes, position) {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
          done += bytesWritten;
        }
      },
      datasync: () => handle.datasync(),
      truncate: (length) => handle.truncate(length),
      close: () => handle.close(),
    };
  },
  writeNew: (path, bytes) => writeFile(path, bytes, { flush: true }),
  read: (path) => unlessMissing(readFile(path), null),
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  list: (path) => unlessMissing(readdir(path), []),
  async makeDirectory(path) {
    return (await mkdir(path, { recursive: true })) ?? null;
  },
  async syncDirectory(path) {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

async function unlessMissing<T, U>(read: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await read;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return otherwise;
    throw error;
  }
}
