/**
 * Read models in a folder of SQLite files, `N.sqlite`, one a copy, the newer the higher N. Readers have connections of their own on the
 * file that is shown; write-ahead logging (sqlite.org/wal.html) lets them read beside its writer.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import type { ReadModelCopy, ReadModelStore } from '../../projection/read-model-store.ts';
import type { ReadModels } from '../../projection/schema.ts';
import { ConnectionPool, pooledDialect } from './connection-pool.ts';

/** Enough for the few reads whose queries wait in between; each keeps some memory. */
const MAX_READERS = 8;

interface SqliteCopy extends ReadModelCopy {
  readonly number: number;
  readonly writer: ConnectionPool;
  readonly readers: ConnectionPool;
}

/** @param folder is made when it is not there */
export function openReadModels(folder: string): ReadModelStore<SqliteCopy> {
  mkdirSync(folder, { recursive: true });
  const copies = new Set<SqliteCopy>();
  let newest = 0;
  let shown: SqliteCopy | undefined;

  const fileOf = (number: number): string => join(folder, `${number}.sqlite`);
  function removeFiles(number: number): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(fileOf(number) + suffix, { force: true });
  }

  function openCopy(number: number): SqliteCopy {
    const file = fileOf(number);
    const { connection, isShared } = openWriter(file);
    const writer = ConnectionPool.of(connection);
    const copy = {
      number,
      db: new Kysely<ReadModels>({ dialect: pooledDialect(() => writer) }),
      writer,
      readers: isShared ? new ConnectionPool(() => openReader(file), MAX_READERS) : writer,
    };
    copies.add(copy);
    newest = Math.max(newest, number);
    return copy;
  }

  async function close(copy: SqliteCopy): Promise<void> {
    copies.delete(copy);
    await copy.readers.end();
    // Last, so that it folds the write-ahead log into the file.
    if (copy.writer !== copy.readers) await copy.writer.end();
  }

  async function remove(copy: SqliteCopy): Promise<void> {
    await close(copy);
    removeFiles(copy.number);
  }

  return {
    shown: new Kysely<ReadModels>({
      dialect: pooledDialect(() => {
        if (shown === undefined) throw new TypeError('no copy of the read models is shown yet');
        return shown.readers;
      }),
    }),
    open() {
      const numbers = readdirSync(folder)
        .flatMap((name) => /^([1-9][0-9]{0,14})\.sqlite$/.exec(name)?.[1] ?? [])
        .map(Number)
        .sort((left, right) => left - right);
      const opened = numbers.flatMap((number) => {
        try {
          return [openCopy(number)];
        } catch (error) {
          if (!isDamage(error)) throw error;
          removeFiles(number);
          return [];
        }
      });
      return Promise.resolve(opened);
    },
    create() {
      newest += 1;
      removeFiles(newest);
      return Promise.resolve(openCopy(newest));
    },
    async show(copy) {
      const before = shown;
      shown = copy;
      if (before !== undefined && before !== copy) await remove(before);
    },
    remove,
    async close() {
      for (const copy of copies) await close(copy);
    },
  };
}

/**
 * On a disk so full that not even the shared index of a write-ahead log can be made, one connection reads and writes, with that index
 * in its memory ("Use of WAL Without Shared-Memory"): what was folded before can be read.
 */
function openWriter(file: string): { readonly connection: DatabaseSync; readonly isShared: boolean } {
  // A copy that lost its newest transactions in a power failure is folded on; none is worth the wait for the disk.
  const settings =
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -65536;';
  try {
    return { connection: openWith(file, settings), isShared: true };
  } catch (error) {
    if (isDamage(error)) throw error;
    return { connection: openWith(file, `PRAGMA locking_mode = EXCLUSIVE; ${settings}`), isShared: false };
  }
}

function openReader(file: string): DatabaseSync {
  return openWith(file, 'PRAGMA busy_timeout = 5000;', true);
}

function openWith(file: string, settings: string, readOnly = false): DatabaseSync {
  const database = new DatabaseSync(file, { readOnly });
  try {
    // The first page is read and the write-ahead log opened here, not by the first query.
    database.exec(`${settings} SELECT count(*) FROM sqlite_schema;`);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** SQLite result codes (sqlite.org/rescode.html): corrupt, not a database. */
const DAMAGE: readonly number[] = [11, 26];

function isDamage(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    DAMAGE.includes(error.errcode & 0xff)
  );
}
