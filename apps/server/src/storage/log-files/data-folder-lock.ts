/**
 * One writer a data folder. Node has no flock, so the lock is an exclusive SQLite transaction on a file of its
 * own: the operating system drops it with the process, however that ends.
 */
import { DatabaseSync } from 'node:sqlite';
import { LogError } from '../../log/log-error.ts';

/** sqlite.org/rescode.html */
const SQLITE_FULL = 13;

export type DataFolderLock = { readonly release: () => void };

/**
 * Locks the file for this process (it is made where missing).
 * @throws LogError `locked` if another process, or this one, holds it; `disk-full` if it cannot be made
 */
export function lockDataFolder(path: string): DataFolderLock {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Not WAL: its exclusive lock would be on a shared-memory file that a crash can leave behind.
    database.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
    // An empty file takes space to lock, one that holds something does not: a full disk must not keep the server from starting.
    if (database.prepare('SELECT 1 FROM pragma_user_version WHERE user_version = 0').get() !== undefined)
      database.exec('PRAGMA user_version = 1; COMMIT; BEGIN EXCLUSIVE;');
  } catch (cause) {
    database.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_FULL) {
      throw new LogError('disk-full', `${path} cannot be locked: the disk is full. Make space, then start`, {
        cause,
      });
    }
    throw new LogError(
      'locked',
      `${path} is locked: another process serves this data folder. Stop it first; two writers would fork the log`,
      { cause },
    );
  }
  return { release: () => database.close() };
}
