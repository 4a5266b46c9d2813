/** Connections to SQLite databases as kysely takes them: several at once, so that one transaction keeps no other from reading. */
import type { DatabaseSync } from 'node:sqlite';
import { CompiledQuery, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { DatabaseConnection, Dialect, Driver, QueryResult, SqliteDatabase } from 'kysely';
import { adapt } from './dialect.ts';

/** Connections to one database. */
export class ConnectionPool {
  readonly #open: () => DatabaseSync;
  readonly #limit: number;
  readonly #idle: PooledConnection[] = [];
  readonly #waiting: ((connection: PooledConnection) => void)[] = [];
  #opened = 0;
  #ended: (() => void) | undefined;

  /** @param limit how many connections are opened at most; who needs one more waits */
  constructor(open: () => DatabaseSync, limit: number) {
    this.#open = open;
    this.#limit = limit;
  }

  /** A pool that has no other connection than this one. */
  static of(connection: DatabaseSync): ConnectionPool {
    const pool = new ConnectionPool(() => connection, 1);
    pool.#idle.push(new PooledConnection(connection, pool));
    pool.#opened = 1;
    return pool;
  }

  async acquire(): Promise<PooledConnection> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#opened >= this.#limit) return new Promise((resolve) => this.#waiting.push(resolve));
    const connection = new PooledConnection(this.#open(), this);
    this.#opened += 1;
    return connection;
  }

  release(connection: PooledConnection): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next(connection);
    else if (this.#ended === undefined) this.#idle.push(connection);
    else this.#close(connection);
  }

  /** Resolves when every connection is closed: those in use are closed as they are released. */
  async end(): Promise<void> {
    const ended = new Promise<void>((resolve) => (this.#ended = resolve));
    for (const connection of this.#idle.splice(0)) this.#close(connection);
    if (this.#opened === 0) return;
    await ended;
  }

  #close(connection: PooledConnection): void {
    connection.database.close();
    this.#opened -= 1;
    if (this.#opened === 0) this.#ended?.();
  }
}

class PooledConnection implements DatabaseConnection {
  readonly database: DatabaseSync;
  readonly pool: ConnectionPool;
  readonly #adapted: SqliteDatabase;

  constructor(database: DatabaseSync, pool: ConnectionPool) {
    this.database = database;
    this.pool = pool;
    this.#adapted = adapt(database);
  }

  executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    return new Promise((resolve) => {
      const statement = this.#adapted.prepare(sql);
      if (statement.reader) {
        // What a row holds is kysely's to say, from the tables' types.
        resolve({ rows: statement.all(parameters) as Row[] });
        return;
      }
      const { changes } = statement.run(parameters);
      resolve({ rows: [], numAffectedRows: BigInt(changes) });
    });
  }

  streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new TypeError('rows are not streamed: a query of read models answers a page');
  }
}

/** Takes each connection from the pool that `current` names then, and gives it back there. */
class PoolDriver implements Driver {
  readonly #current: () => ConnectionPool;
  constructor(current: () => ConnectionPool) {
    this.#current = current;
  }
  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#current().acquire();
  }
  releaseConnection(connection: DatabaseConnection): Promise<void> {
    if (connection instanceof PooledConnection) connection.pool.release(connection);
    return Promise.resolve();
  }
  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin'));
  }
  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
  }
  /** The pools are ended by who made them. */
  async destroy(): Promise<void> {}
}

class PooledAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

export function pooledDialect(current: () => ConnectionPool): Dialect {
  return {
    createAdapter: () => new PooledAdapter(),
    createDriver: () => new PoolDriver(current),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}
