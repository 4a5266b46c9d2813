/** Kysely's SQLite dialect over node:sqlite, so that the SQL of the projections is written once for SQLite and PostgreSQL. */
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import type { SqliteDatabase, SqliteStatement } from 'kysely';

type Bindable = null | number | bigint | string | Uint8Array;

function bindable(value: unknown): Bindable {
  if (value === null || typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string')
    return value;
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new TypeError(`a ${typeof value} cannot be stored in SQLite`);
}

function adapt(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare(sql): SqliteStatement {
      const statement = database.prepare(sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...parameters.map(bindable)),
        run: (parameters) => statement.run(...parameters.map(bindable)),
        iterate: (parameters) => statement.iterate(...parameters.map(bindable)),
      };
    },
  };
}

/**
 * Opens (and creates) a SQLite database in WAL mode with synchronous=FULL, for this process alone: then the index of the
 * write-ahead log is in memory (sqlite.org/wal.html, "Use of WAL Without Shared-Memory"), and a full disk keeps nobody from
 * opening it. `file` may be `:memory:`.
 */
export function openSqlite<Schema>(file: string): Kysely<Schema> {
  const database = new DatabaseSync(file);
  try {
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;',
    );
  } catch (error) {
    database.close();
    throw error;
  }
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: adapt(database) }) });
}

/** Opens a database that can be made anew from elsewhere: a file that is none is put aside by deleting it. */
export function openDerivedSqlite<Schema>(file: string): Kysely<Schema> {
  try {
    return openSqlite<Schema>(file);
  } catch (error) {
    if (!isSqliteError(error, NOT_A_DATABASE) && !isSqliteError(error, CORRUPT)) throw error;
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    return openSqlite<Schema>(file);
  }
}

/** SQLite result codes (sqlite.org/rescode.html): corrupt, not a database. */
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** Whether node:sqlite threw for this primary result code. */
function isSqliteError(error: unknown, code: number): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    (error.errcode & 0xff) === code
  );
}
