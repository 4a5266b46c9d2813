/** Kysely's SQLite dialect over node:sqlite, so that the SQL of the projections is written once for SQLite and PostgreSQL. */
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

/** So many statements are kept prepared for the next time their text comes. */
const KEPT_STATEMENTS = 256;

/** A node:sqlite connection as kysely takes it. */
export function adapt(database: DatabaseSync): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>();
  function prepare(sql: string): SqliteStatement {
    const statement = database.prepare(sql);
    return {
      reader: statement.columns().length > 0,
      all: (parameters) => statement.all(...parameters.map(bindable)),
      run: (parameters) => statement.run(...parameters.map(bindable)),
      // One of its own: a cursor that is still read would start anew.
      iterate: (parameters) => database.prepare(sql).iterate(...parameters.map(bindable)),
    };
  }
  return {
    close: () => database.close(),
    prepare(sql) {
      const known = kept.get(sql);
      if (known !== undefined) return known;
      const statement = prepare(sql);
      if (kept.size >= KEPT_STATEMENTS) kept.clear();
      kept.set(sql, statement);
      return statement;
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
