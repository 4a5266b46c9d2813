/**
 * Logs brought back to a data folder: made whole under `restore-under-way/`, then put in the place of what is there.
 * The one step that decides is the renaming of that folder to `restore-ready/`. What is left to do then are renamings
 * whose order does not matter; whoever opens the data folder next does them, if this process does not come to it.
 *
 *     restore-under-way/new/<folder>/<name>      what takes the place of <folder>/<name> in the data folder
 *     restore-under-way/before/<folder>/         where that goes
 *     restore-under-way/stamp                    by which what was there before is called: before-restore-<stamp>
 */
import { basename, dirname, join } from 'node:path';
import type { CommittedStore, RestoreStorage, StagedLog } from '../../restore/restore-storage.ts';
import { writeHistoryRecord } from './checkpoint-history.ts';
import { lockDataFolder } from './data-folder-lock.ts';
import { DurableFiles, full } from './durable-files.ts';
import { FileLogStore, type LogFolders } from './file-log-store.ts';
import { type FileSystem, isFull, nodeFileSystem } from './file-system.ts';
import { FollowedFolder } from './followed-folder.ts';

const UNDER_WAY = 'restore-under-way';
const READY = 'restore-ready';
/** In the data folder; each has further folders or files. */
const REPLACED = ['keys', 'log-state', 'logs', 'witness-state'] as const;
/** Derived from the logs, so not of those that come. */
const DERIVED = ['read-models'] as const;

/** The keys and the memories of a centre's two cosigners; paths are relative to the data folder. */
export interface CosignerPaths {
  /** Files, `keys/…`. */
  readonly keys: readonly string[];
  /** Folders, `witness-state/…`. */
  readonly states: readonly string[];
  /** Makes all of them, as of a new centre, in a data folder. The states are durable. */
  readonly create: (dir: string) => Promise<void>;
}

export interface RestoreFolderOptions {
  readonly dataDir: string;
  readonly cosigners: CosignerPaths;
  readonly nowMs: () => number;
  /** For tests that put faults behind it. */
  readonly fileSystem?: FileSystem;
}

/** Locks the data folder. @throws LogError `locked`, `disk-full` */
export async function openRestoreFolder({
  dataDir,
  cosigners,
  nowMs,
  fileSystem: files = nodeFileSystem,
}: RestoreFolderOptions): Promise<RestoreStorage> {
  const lock = lockDataFolder(join(dataDir, 'lock.sqlite'));
  const staging = join(dataDir, UNDER_WAY);
  const fresh = join(staging, 'new');
  const state = (dir: string, name: string): LogFolders => ({
    publicFolder: join(dir, 'logs', name),
    stateFolder: join(dir, 'log-state', name),
  });
  try {
    await explained(async () => {
      await finishRestore(dataDir, files);
      await files.remove(staging);
    });
  } catch (error) {
    lock.release();
    throw error;
  }
  return {
    kept: (name): CommittedStore => new FileLogStore(files, state(dataDir, name)),
    stage: (name) => stagedLog(files, state(fresh, name), state(dataDir, name)),
    async hasCosigners() {
      const paths = [...cosigners.keys, ...cosigners.states];
      const found = await Promise.all(paths.map((path) => exists(files, join(dataDir, path))));
      return found.every(Boolean);
    },
    async stageCosigners() {
      await explained(async () => {
        for (const path of cosigners.keys) await files.makeDirectory(dirname(join(fresh, path)));
        await cosigners.create(fresh);
        for (const path of cosigners.keys) {
          const key = await files.openForAppend(join(fresh, path));
          await key.datasync().finally(() => key.close());
        }
      });
    },
    async commit() {
      return explained(async () => {
        const stamp = new Date(nowMs()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
        for (const folder of REPLACED) {
          await files.makeDirectory(join(staging, 'before', folder));
          // What takes a place has to have one.
          await files.makeDirectory(join(dataDir, folder));
        }
        await files.writeNew(join(staging, 'stamp'), Buffer.from(stamp));
        await syncFolders(files, staging);
        await files.rename(staging, join(dataDir, READY));
        await files.syncDirectory(dataDir);
        return finishRestore(dataDir, files);
      });
    },
    async close() {
      await files.remove(staging).catch(() => undefined);
      lock.release();
    },
  };
}

/**
 * Puts in their places what a restore has made ready, if there is any: all of it, however often this was begun before.
 * Call it with the data folder locked, before anything of it is read.
 *
 * @returns the folder of what was there before; null if nothing was
 */
export async function finishRestore(
  dataDir: string,
  files: FileSystem = nodeFileSystem,
): Promise<string | null> {
  const ready = join(dataDir, READY);
  if ((await files.list(ready)).length === 0) return null;
  const stamp = await files.read(join(ready, 'stamp'));
  if (stamp === null) {
    await files.remove(ready);
    return null;
  }
  const old = join(dataDir, `before-restore-${Buffer.from(stamp).toString()}`);
  for (const name of DERIVED) await files.remove(join(dataDir, name));
  for (const folder of REPLACED) {
    for (const name of await files.list(join(ready, 'new', folder))) {
      const place = join(dataDir, folder, name);
      if (await exists(files, place)) await files.rename(place, join(ready, 'before', folder, name));
      await files.syncDirectory(join(ready, 'before', folder));
      await files.rename(join(ready, 'new', folder, name), place);
    }
    await files.syncDirectory(join(dataDir, folder)).catch(unlessMissing);
  }
  const isEmpty = await Promise.all(
    REPLACED.map(async (folder) => (await files.list(join(ready, 'before', folder))).length === 0),
  );
  const hadSome = !isEmpty.every(Boolean);
  if (hadSome) await files.rename(join(ready, 'before'), old);
  await files.syncDirectory(dataDir);
  // The stamp goes with the rest; without it nothing above is done again.
  await files.remove(join(ready, 'stamp'));
  await files.remove(ready);
  await files.syncDirectory(dataDir);
  return hadSome || (await exists(files, old)) ? old : null;
}

async function stagedLog(files: FileSystem, staged: LogFolders, kept: LogFolders): Promise<StagedLog> {
  const store = new FileLogStore(files, staged);
  const history = join(staged.stateFolder, 'history');
  const written = new DurableFiles(
    files,
    [staged.publicFolder, staged.stateFolder],
    join(staged.stateFolder, 'tmp'),
  );
  for (const folder of [staged.publicFolder, staged.stateFolder]) await files.makeDirectory(folder);
  return {
    followed: new FollowedFolder(staged, files),
    publicFolder: staged.publicFolder,
    readFile: (path) => store.readFile(path),
    partialWidths: (path) => store.partialWidths(path),
    readHistory: (size) => store.readHistory(size),
    readCommitted: () => store.readCommitted(),
    keepHistory: () => explained(() => copyFolder(files, join(kept.stateFolder, 'history'), history)),
    addHistory: (record) => explained(() => writeHistoryRecord(written, history, record)),
    adopt: (publishedSize, batch) =>
      explained(async () => {
        // A followed log's, which a written one has not.
        for (const file of ['held', 'growth.json']) await files.remove(join(staged.stateFolder, file));
        await store.adopt(publishedSize, batch);
      }),
  };
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw isFull(cause) ? full(cause) : cause;
  }
}

/** With all that it holds; durable but for the name of the folder itself. */
async function copyFolder(files: FileSystem, from: string, to: string): Promise<void> {
  const names = await files.list(from);
  if (names.length === 0) return;
  await files.makeDirectory(to);
  for (const name of names) {
    const source = join(from, name);
    // The history is folders of folders of files that end so.
    if (!name.endsWith('.json')) {
      await copyFolder(files, source, join(to, name));
      continue;
    }
    const bytes = await files.read(source);
    if (bytes !== null) await files.writeNew(join(to, name), bytes);
  }
  await files.syncDirectory(to);
}

/** The folders that this file makes: what is in those of the logs was synced when it was written. */
async function syncFolders(files: FileSystem, staging: string): Promise<void> {
  for (const half of ['new', 'before']) {
    for (const folder of REPLACED)
      await files.syncDirectory(join(staging, half, folder)).catch(unlessMissing);
    await files.syncDirectory(join(staging, half)).catch(unlessMissing);
  }
  await files.syncDirectory(staging);
}

async function exists(files: FileSystem, path: string): Promise<boolean> {
  return (await files.list(dirname(path))).includes(basename(path));
}

function unlessMissing(error: unknown): void {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
  throw error;
}
