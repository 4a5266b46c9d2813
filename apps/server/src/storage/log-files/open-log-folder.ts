/**
 * The logs of one data folder on disk. `<data>/logs/<name>/` is public and laid out as its URLs: any static server
 * may serve it. `<data>/log-state/<name>/` is private to the writer. `<data>/lock.sqlite` is the writer's lock.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type EngineLogger, silent } from '../../log/engine-logger.ts';
import type { IdentityIndex, LogStorage, LogStore } from '../../log/log-store.ts';
import { lockDataFolder } from './data-folder-lock.ts';
import { FileIdentityIndex } from './file-identity-index.ts';
import { FileLogStore } from './file-log-store.ts';
import { type FileSystem, nodeFileSystem } from './file-system.ts';
import { finishRestore } from './restore-folder.ts';
import { RunBuilder } from './run-builder.ts';

const RUN_ENTRIES = 2 ** 20;
/** Catching up reads and parses every entry after the newest run: some seconds at most. */
const SMALL_RUN_ENTRIES = 2 ** 16;

export type LogFolderOptions = {
  readonly dataDir: string;
  readonly logger?: EngineLogger;
  /** For tests that put faults behind it. */
  readonly fileSystem?: FileSystem;
  /** For tests: when a write-ahead segment is followed by a new one, and how many identities a run has. */
  readonly segmentBytes?: number;
  readonly runEntries?: number;
};

/**
 * Locks a data folder for this process and gives access to its logs; the folder is made where missing, and a restore
 * that was made ready is finished.
 * @throws LogError `locked` if another process serves it
 */
export async function openLogFolder(options: LogFolderOptions): Promise<LogStorage> {
  const { dataDir, logger = silent, fileSystem = nodeFileSystem, segmentBytes, runEntries } = options;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const lock = lockDataFolder(join(dataDir, 'lock.sqlite'));
  try {
    await finishRestore(dataDir, fileSystem);
  } catch (error) {
    lock.release();
    throw error;
  }
  const builder = new RunBuilder();
  const storeOf = (name: string): FileLogStore =>
    new FileLogStore(
      fileSystem,
      { publicFolder: join(dataDir, 'logs', name), stateFolder: join(dataDir, 'log-state', name) },
      segmentBytes,
    );
  return {
    create: (name: string): Promise<void> => storeOf(name).create(),
    store: (name: string): LogStore => storeOf(name),
    identities: (name: string, { smallRuns }): Promise<IdentityIndex> =>
      FileIdentityIndex.open({
        folder: join(dataDir, 'log-state', name, 'identities'),
        runEntries: runEntries ?? (smallRuns ? SMALL_RUN_ENTRIES : RUN_ENTRIES),
        builder,
        logger,
      }),
    async close(): Promise<void> {
      await builder.close();
      lock.release();
    },
  };
}
