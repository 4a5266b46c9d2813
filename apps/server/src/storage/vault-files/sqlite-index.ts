/**
 * The vault's index in an SQLite file: object names (HMACs) to packs. It is derived from the packs' tables, so a damaged or
 * unknown file is simply made anew; `openVault` then fills it again. Being local and derived, it is SQLite on every
 * back end.
 */
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import * as v from 'valibot';
import type { IndexedPack, VaultIndex } from '../../vault/ports.ts';
import { VaultError } from '../../vault/vault-error.ts';

const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE pack (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    objects INTEGER NOT NULL,
    end_offset INTEGER NOT NULL
  );
  CREATE TABLE object (name BLOB NOT NULL, pack INTEGER NOT NULL, PRIMARY KEY (name, pack)) WITHOUT ROWID;
  CREATE INDEX object_by_pack ON object (pack);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

const Pack = v.object({
  id: v.string(),
  fingerprint: v.instance(Uint8Array),
  objects: v.number(),
  end_offset: v.number(),
});
const PackNumber = v.object({ number: v.number() });
const PackId = v.object({ id: v.string() });
const ObjectName = v.object({ name: v.instance(Uint8Array) });
const Version = v.object({ user_version: v.number() });

/** Opens the index at `path`, which may be `:memory:`. @throws VaultError disk-full · io */
export function openSqliteIndex(path: string): VaultIndex {
  const database = mapped(() => {
    try {
      return openDatabase(path);
    } catch (error) {
      if (isFull(error)) throw error;
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
      return openDatabase(path);
    }
  });
  const packsOf = database.prepare(
    'SELECT pack.id FROM object JOIN pack ON pack.number = object.pack WHERE object.name = ?',
  );
  const allPacks = database.prepare('SELECT id, fingerprint, objects, end_offset FROM pack ORDER BY number');
  const onePack = database.prepare('SELECT id, fingerprint, objects, end_offset FROM pack WHERE id = ?');
  const namesOf = database.prepare(
    'SELECT name FROM object WHERE pack = (SELECT number FROM pack WHERE id = ?) ORDER BY name',
  );
  const putPack = database.prepare(
    `INSERT INTO pack (id, fingerprint, objects, end_offset) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, objects = excluded.objects,
     end_offset = excluded.end_offset RETURNING number`,
  );
  const putName = database.prepare('INSERT INTO object (name, pack) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const dropNames = database.prepare(
    'DELETE FROM object WHERE pack = (SELECT number FROM pack WHERE id = ?)',
  );
  const dropPack = database.prepare('DELETE FROM pack WHERE id = ?');

  const transaction = (change: () => void): void =>
    mapped(() => {
      database.exec('BEGIN IMMEDIATE');
      try {
        change();
        database.exec('COMMIT');
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });
  const extend = (pack: IndexedPack, names: readonly Uint8Array[]): void => {
    const { number } = v.parse(
      PackNumber,
      putPack.get(pack.packId, pack.tableFingerprint, pack.objectCount, pack.endOffset),
    );
    for (const name of names) putName.run(name, number);
  };

  return {
    packsOf: (name) => mapped(() => packsOf.all(name).map((row) => v.parse(PackId, row).id)),
    packs: () => mapped(() => allPacks.all().map(packOf)),
    pack: (packId) =>
      mapped(() => {
        const row = onePack.get(packId);
        return row === undefined ? undefined : packOf(row);
      }),
    namesOf: (packId) => mapped(() => namesOf.all(packId).map((row) => v.parse(ObjectName, row).name)),
    extendPack: (pack, added) => transaction(() => extend(pack, added)),
    replacePack: (pack, names) =>
      transaction(() => {
        dropNames.run(pack.packId);
        extend(pack, names);
      }),
    removePack: (packId) =>
      transaction(() => {
        dropNames.run(packId);
        dropPack.run(packId);
      }),
    close: () => mapped(() => database.close()),
  };
}

function packOf(row: unknown): IndexedPack {
  const pack = v.parse(Pack, row);
  return {
    packId: pack.id,
    tableFingerprint: pack.fingerprint,
    objectCount: pack.objects,
    endOffset: pack.end_offset,
  };
}

function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    // NORMAL: a power cut may lose the newest transactions, never tear one; fingerprints then show which packs are stale.
    // EXCLUSIVE: the index of the write-ahead log is in memory, so that a full disk keeps nobody from reading this one.
    database.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768',
    );
    const { user_version: version } = v.parse(Version, database.prepare('PRAGMA user_version').get());
    if (version === 0) database.exec(`BEGIN; ${SCHEMA} COMMIT`);
    else if (version !== SCHEMA_VERSION) throw new Error(`index version ${version}`);
    database.prepare('SELECT count(*) FROM pack').get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function mapped<T>(operation: () => T): T {
  try {
    return operation();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const code = isFull(cause) ? 'disk-full' : 'io';
    throw new VaultError(code, `the vault's index: ${message}; it is derived and may be deleted`, { cause });
  }
}

/** SQLITE_FULL (sqlite.org/rescode.html). */
function isFull(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 13;
}
