/**
 * Files that are replaced whole, in folders whose names survive a power failure. Every store of logs writes through
 * one of these.
 */
import { dirname, join, sep } from 'node:path';
import { LogError } from '../../log/log-error.ts';
import { type FileSystem, isFull } from './file-system.ts';

export class DurableFiles {
  readonly #files: FileSystem;
  readonly #roots: readonly string[];
  readonly #temporary: string;
  #temporaryCount = 0;
  /** Folders whose names this process has synced; those of partial tiles leave with them. */
  readonly #durableFolders = new Set<string>();

  /** `roots`: the folders that everything lies in. `temporary`: a folder of theirs, for files being written. */
  constructor(files: FileSystem, roots: readonly string[], temporary: string) {
    this.#files = files;
    this.#roots = roots;
    this.#temporary = temporary;
  }

  /**
   * All or nothing to a reader, and durable once the folder is synced too.
   * @throws LogError `disk-full`; or what the file system threw
   */
  async replace(target: string, bytes: Uint8Array): Promise<void> {
    const temporary = join(this.#temporary, String(this.#temporaryCount++));
    const folder = dirname(target);
    try {
      await this.ensureFolder(folder);
      await this.#files.writeNew(temporary, bytes);
      await this.#files.rename(temporary, target);
    } catch (cause) {
      this.#durableFolders.delete(folder);
      await this.#files.remove(temporary).catch(() => undefined);
      throw isFull(cause) ? full(cause) : cause;
    }
  }

  /** As `replace`, and durable when it resolves. */
  async replaceDurably(target: string, bytes: Uint8Array): Promise<void> {
    await this.replace(target, bytes);
    await this.#files.syncDirectory(dirname(target));
  }

  /**
   * Makes a folder whose name, with those of its parents, survives a power failure. That a folder is there proves
   * nothing: whoever made it, this process or one before, may have ended or failed before its name was synced.
   */
  async ensureFolder(path: string): Promise<void> {
    if (this.#durableFolders.has(path)) return;
    await this.#files.makeDirectory(path);
    const synced: string[] = [];
    for (
      let folder = path;
      this.#isInside(folder) && !this.#durableFolders.has(folder);
      folder = dirname(folder)
    ) {
      await this.#files.syncDirectory(dirname(folder));
      synced.push(folder);
    }
    for (const folder of synced) this.#durableFolders.add(folder);
  }

  /** A folder that may be gone: it is made anew, and synced, when something is written into it. */
  forget(path: string): void {
    this.#durableFolders.delete(path);
  }

  /** Removes a folder with all that it holds; a failure is not an error. */
  async removeFolder(path: string): Promise<void> {
    this.forget(path);
    await this.#files.remove(path).catch(() => undefined);
  }

  /** Drops what a process before left half-written. The folder itself stays: making it anew would take space. */
  async emptyTemporary(): Promise<void> {
    await this.ensureFolder(this.#temporary);
    for (const name of await this.#files.list(this.#temporary))
      await this.#files.remove(join(this.#temporary, name));
  }

  /** Whether it is one of the roots, or below. */
  #isInside(folder: string): boolean {
    return this.#roots.some((root) => folder === root || folder.startsWith(root + sep));
  }
}

/** Runs a task for each item, `width` at a time. After a failure no more are begun; those under way end first. */
export async function inParallel<T>(
  width: number,
  items: Iterable<T>,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) {
      if (failures.length > 0) return;
      await task(next.value).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  if (failures.length > 0) throw failures[0];
}

export function full(cause: unknown): LogError {
  return new LogError('disk-full', 'there is no space left on the disk of the log', { cause });
}
