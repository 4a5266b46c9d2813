/**
 * A disk in memory, under the file system port of the stores. What is durable is what the port promises and no more: bytes
 * after `datasync` or `writeNew`, names after `syncDirectory`; after a failed `datasync` the bytes it was for never become
 * durable, though they can be read. Everything happens in microtasks, so that a run depends on its seed alone.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { AppendableFile, FileSystem } from '../../apps/server/src/storage/log-files/file-system.ts';
import type { Random } from './random.ts';

export type DiskFault = 'ENOSPC' | 'EIO';
export type DiskOperation = Exclude<keyof FileSystem, 'read' | 'list'> | 'write' | 'datasync' | 'truncate';

interface StoredFile {
  bytes: Buffer;
  syncedBytes: number;
  /** A sync has failed: what was not durable then never is. */
  poisoned: boolean;
}

/** A change of a folder that its sync has not made durable yet. */
interface Renamed {
  readonly folder: string;
  readonly path: string;
  readonly before: StoredFile | undefined;
}

export class MemoryDisk {
  /** Asked before each operation that changes something. */
  fault: (operation: DiskOperation, path: string) => DiskFault | null = () => null;
  /** Told after each rename, with the new content. */
  onRename: (to: string, bytes: Uint8Array) => void = () => undefined;
  readonly #random: Random;
  #files = new Map<string, StoredFile>();
  #folders = new Set<string>(['/']);
  #pending: Renamed[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** The disk as one process sees it, until that process is dead. */
  mount(isAlive: () => boolean): FileSystem {
    const check = (operation: DiskOperation, path: string): void => {
      requireAlive(isAlive);
      const fault = this.fault(operation, path);
      if (fault !== null) throw Object.assign(new Error(`${fault}: ${operation} ${path}`), { code: fault });
    };
    return {
      openForAppend: async (path) => {
        await Promise.resolve();
        check('openForAppend', path);
        return this.#appendable(this.#existing(path), path, check);
      },
      writeNew: async (path, bytes) => {
        await Promise.resolve();
        check('writeNew', path);
        const file: StoredFile = { bytes: Buffer.from(bytes), syncedBytes: bytes.length, poisoned: false };
        const before = this.#files.get(path);
        this.#files.set(path, file);
        if (before === undefined) this.#pending.push({ folder: dirname(path), path, before });
      },
      read: async (path) => {
        await Promise.resolve();
        requireAlive(isAlive);
        const file = this.#files.get(path);
        return file === undefined ? null : Buffer.from(file.bytes);
      },
      rename: async (from, to) => {
        await Promise.resolve();
        check('rename', to);
        const file = this.#existing(from);
        this.#pending.push({ folder: dirname(to), path: to, before: this.#files.get(to) });
        this.#files.delete(from);
        this.#files.set(to, file);
        this.onRename(to, file.bytes);
      },
      remove: async (path) => {
        await Promise.resolve();
        check('remove', path);
        for (const [each, file] of [...this.#files]) {
          if (each !== path && !each.startsWith(`${path}/`)) continue;
          this.#files.delete(each);
          this.#pending.push({ folder: dirname(each), path: each, before: file });
        }
        for (const folder of [...this.#folders])
          if (folder === path || folder.startsWith(`${path}/`)) this.#folders.delete(folder);
      },
      list: async (path) => {
        await Promise.resolve();
        requireAlive(isAlive);
        const names = [...this.#files.keys(), ...this.#folders]
          .filter((each) => each.startsWith(`${path}/`))
          .map((each) => each.slice(path.length + 1).split('/')[0] ?? '');
        return [...new Set(names)].toSorted();
      },
      makeDirectory: async (path) => {
        await Promise.resolve();
        check('makeDirectory', path);
        let topmost: string | null = null;
        for (let folder = path; !this.#folders.has(folder); folder = dirname(folder)) {
          this.#folders.add(folder);
          topmost = folder;
        }
        return topmost;
      },
      syncDirectory: async (path) => {
        await Promise.resolve();
        check('syncDirectory', path);
        this.#pending = this.#pending.filter(({ folder }) => folder !== path);
      },
    };
  }

  /** Unsynced bytes are cut somewhere, and of each folder's unsynced changes a first part stays. When its process is dead. */
  losePower(): void {
    for (const file of new Set(this.#files.values())) {
      const left = this.#random.between(file.syncedBytes, file.bytes.length);
      file.bytes = file.bytes.subarray(0, left);
      file.syncedBytes = left;
      file.poisoned = false;
    }
    const kept = new Map<string, number>();
    for (const { folder } of this.#pending) kept.set(folder, (kept.get(folder) ?? 0) + 1);
    for (const [folder, count] of kept) kept.set(folder, this.#random.between(0, count));
    const lost = this.#pending.filter(({ folder }) => {
      const left = kept.get(folder) ?? 0;
      kept.set(folder, left - 1);
      return left <= 0;
    });
    for (const { path, before } of lost.toReversed()) {
      if (before === undefined) this.#files.delete(path);
      else this.#files.set(path, before);
    }
    this.#pending = [];
  }

  /** A copy of what can be read, as a backup has it. */
  backup(): MemoryDisk {
    const copy = new MemoryDisk(this.#random);
    for (const [path, { bytes }] of this.#files)
      copy.#files.set(path, { bytes: Buffer.from(bytes), syncedBytes: bytes.length, poisoned: false });
    copy.#folders = new Set(this.#folders);
    return copy;
  }

  /** Writes a folder with all that it holds to a real one; `altered` may change a file on its way. */
  export(
    folder: string,
    to: string,
    altered: (path: string, bytes: Buffer) => Buffer = (_, bytes) => bytes,
  ): void {
    for (const [path, { bytes }] of this.#files) {
      if (!path.startsWith(`${folder}/`)) continue;
      const target = join(to, relative(folder, path));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, altered(relative(folder, path), bytes));
    }
  }

  #existing(path: string): StoredFile {
    const file = this.#files.get(path);
    if (file === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return file;
  }

  #appendable(
    file: StoredFile,
    path: string,
    check: (operation: DiskOperation, path: string) => void,
  ): AppendableFile {
    const put = (bytes: Uint8Array, position: number): void => {
      const longer = Buffer.alloc(Math.max(file.bytes.length, position + bytes.length));
      file.bytes.copy(longer);
      longer.set(bytes, position);
      file.bytes = longer;
    };
    return {
      write: async (bytes, position) => {
        await Promise.resolve();
        try {
          check('write', path);
        } catch (error) {
          put(bytes.subarray(0, this.#random.between(0, bytes.length)), position);
          throw error;
        }
        put(bytes, position);
      },
      datasync: async () => {
        await Promise.resolve();
        try {
          check('datasync', path);
        } catch (error) {
          file.poisoned = true;
          throw error;
        }
        if (!file.poisoned) file.syncedBytes = file.bytes.length;
      },
      truncate: async (length) => {
        await Promise.resolve();
        check('truncate', path);
        file.bytes = file.bytes.subarray(0, length);
        file.syncedBytes = Math.min(file.syncedBytes, length);
      },
      close: () => Promise.resolve(),
    };
  }
}

function requireAlive(isAlive: () => boolean): void {
  if (!isAlive()) throw new Error('the process is dead');
}
