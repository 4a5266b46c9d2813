/**
 * One writer a data folder. Node has no flock, so the lock is an exclusive SQLite transaction on a file of its
 * own: the operating system drops it with the process, however that ends.
 */
import { DatabaseSync } from 'node:sqlite';
import { LogError } from '../../log/log-error.ts';

export type DataFolderLock = { readonly release: () => void };

/**
 * Locks the file for this process (it is made where missing).
 * @throws LogError `locked` if another process, or this one, holds it
 */
export function lockDataFolder(path: string): DataFolderLock {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Not WAL: its exclusive lock would be on a shared-memory file that a crash can leave behind.
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (cause) {
    database.close();
    throw new LogError(
      'locked',
      `${path} is locked: another process serves this data folder. Stop it first; two writers would fork the log`,
      { cause },
    );
  }
  return { release: () => database.close() };
}
