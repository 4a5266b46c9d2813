/**
 * For tests: real files, with faults in front of them, and a memory of what a power failure would take. What is
 * durable is what the port promises and no more: bytes after `datasync` or `writeNew`, names after
 * `syncDirectory`; after a failed `datasync` the bytes it was for never become durable, though they can be read.
 */
import { cp, mkdtemp, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type AppendableFile, type FileSystem, nodeFileSystem } from './file-system.ts';

export type Operation =
  | 'openForAppend'
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'writeNew'
  | 'rename'
  | 'remove'
  | 'makeDirectory'
  | 'syncDirectory';

/** What happens instead of the operation; `crash`: it, and everything after it, never happens. */
export type Fault = 'ENOSPC' | 'EIO' | 'crash';

/** `crash` as the process would see it, if it lived. */
export class CrashError extends Error {
  override readonly name = 'CrashError';
}

type FileState = { synced: number; length: number; poisoned: boolean };

/** A change of a folder that its sync has not made durable yet. */
type Pending = { readonly folder: string; readonly undo: () => Promise<void> };

export class FaultyFileSystem implements FileSystem {
  /** Asked before each operation. */
  fault: (operation: Operation, path: string) => Fault | null = () => null;
  /** Told after each rename, with the new content. */
  onRename: (to: string, bytes: Uint8Array) => void = () => undefined;
  /** 0 ≤ x < 1: how much of a failing write is written, what a power failure leaves. */
  random: () => number = () => 0.5;
  operations = 0;
  #dead = false;
  readonly #files = new Map<string, FileState>();
  #pending: Pending[] = [];
  readonly #removed: string[] = [];

  /** `before`: of a process that was killed while the power stayed on; what it had not synced still is not. */
  constructor(before: FaultyFileSystem | null = null) {
    if (before === null) return;
    for (const [path, state] of before.#files) this.#files.set(path, state);
    this.#pending.push(...before.#pending);
    this.#removed.push(...before.#removed);
  }

  get isDead(): boolean {
    return this.#dead;
  }

  /** From now on nothing is written. */
  kill(): void {
    this.#dead = true;
  }

  /**
   * Leaves on disk what a power failure may leave: unsynced bytes cut somewhere, and of each folder's unsynced
   * changes only a first part. Call it when the process is dead.
   */
  async losePower(): Promise<void> {
    for (const [path, { synced, length }] of this.#files) {
      const left = synced + Math.floor(this.random() * (length - synced + 1));
      const size = await stat(path).then(
        (found) => found.size,
        () => null,
      );
      if (size !== null && size > left) await truncate(path, left);
    }
    const kept = new Map<string, number>();
    for (const { folder } of this.#pending) kept.set(folder, (kept.get(folder) ?? 0) + 1);
    for (const [folder, count] of kept) kept.set(folder, Math.floor(this.random() * (count + 1)));
    const lost = this.#pending.filter(({ folder }) => {
      const left = kept.get(folder) ?? 0;
      kept.set(folder, left - 1);
      return left <= 0;
    });
    for (const { undo } of lost.toReversed()) await undo();
  }

  async openForAppend(path: string): Promise<AppendableFile> {
    this.#check('openForAppend', path);
    const file = await nodeFileSystem.openForAppend(path);
    const { size } = await stat(path);
    const state: FileState = { synced: size, length: size, poisoned: false };
    this.#files.set(path, state);
    return {
      write: async (bytes, position) => {
        const fault = this.#faultOf('write', path);
        const part = fault === null ? bytes : bytes.subarray(0, Math.floor(this.random() * bytes.length));
        await file.write(part, position);
        state.length = Math.max(state.length, position + part.length);
        if (fault !== null) throw this.#error(fault, 'write', path);
      },
      datasync: async () => {
        const fault = this.#faultOf('datasync', path);
        if (fault !== null) {
          state.poisoned ||= fault !== 'crash';
          throw this.#error(fault, 'datasync', path);
        }
        await file.datasync();
        if (!state.poisoned) state.synced = state.length;
      },
      truncate: async (length) => {
        this.#check('truncate', path);
        await file.truncate(length);
        state.length = length;
        state.synced = Math.min(state.synced, length);
      },
      close: () => file.close(),
    };
  }

  async writeNew(path: string, bytes: Uint8Array): Promise<void> {
    const fault = this.#faultOf('writeNew', path);
    if (fault === null) {
      await nodeFileSystem.writeNew(path, bytes);
      return;
    }
    await writeFile(path, bytes.subarray(0, Math.floor(this.random() * bytes.length)));
    throw this.#error(fault, 'writeNew', path);
  }

  read(path: string): Promise<Uint8Array | null> {
    return nodeFileSystem.read(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#check('rename', to);
    if ((await stat(from)).isDirectory()) {
      await rename(from, to);
      // A folder is in one place or in the other.
      this.#pending.push({ folder: dirname(to), undo: () => rename(to, from) });
      return;
    }
    const [before, bytes] = [await nodeFileSystem.read(to), await nodeFileSystem.read(from)];
    await rename(from, to);
    this.#pending.push({
      folder: dirname(to),
      undo: async () => {
        if (before === null) await rm(to, { force: true });
        else await writeFile(to, before).catch(() => undefined);
      },
    });
    if (bytes !== null) this.onRename(to, bytes);
  }

  async remove(path: string): Promise<void> {
    this.#check('remove', path);
    const kept = await mkdtemp(join(tmpdir(), 'vitrine-removed-'));
    const was = await cp(path, join(kept, 'it'), { recursive: true }).then(
      () => true,
      () => false,
    );
    await nodeFileSystem.remove(path);
    this.#pending.push({
      folder: dirname(path),
      undo: async () => {
        if (was) await cp(join(kept, 'it'), path, { recursive: true }).catch(() => undefined);
      },
    });
    this.#removed.push(kept);
  }

  list(path: string): Promise<string[]> {
    return nodeFileSystem.list(path);
  }

  async makeDirectory(path: string): Promise<string | null> {
    this.#check('makeDirectory', path);
    const topmost = await nodeFileSystem.makeDirectory(path);
    if (topmost === null) return null;
    for (let folder = path; folder.length >= topmost.length; folder = dirname(folder)) {
      this.#pending.push({
        folder: dirname(folder),
        undo: () => rm(folder, { recursive: true, force: true }),
      });
    }
    return topmost;
  }

  async syncDirectory(path: string): Promise<void> {
    this.#check('syncDirectory', path);
    const before = this.#pending;
    await nodeFileSystem.syncDirectory(path);
    // What came after the call was made may not be covered by it.
    const covered = new Set(before.filter(({ folder }) => folder === path));
    this.#pending = this.#pending.filter((change) => !covered.has(change));
  }

  /** Deletes what was kept aside for undoing. */
  async dispose(): Promise<void> {
    for (const folder of this.#removed.splice(0)) await rm(folder, { recursive: true, force: true });
  }

  #check(operation: Operation, path: string): void {
    const fault = this.#faultOf(operation, path);
    if (fault !== null) throw this.#error(fault, operation, path);
  }

  #faultOf(operation: Operation, path: string): Fault | null {
    if (this.#dead) throw new CrashError(`${operation} after the crash`);
    this.operations++;
    const fault = this.fault(operation, path);
    if (fault === 'crash') this.#dead = true;
    return fault;
  }

  #error(fault: Fault, operation: Operation, path: string): Error {
    if (fault === 'crash') return new CrashError(`crash at ${operation} ${path}`);
    return Object.assign(new Error(`${fault}: ${operation} ${path}`), { code: fault });
  }
}
