/**
 * The packs on disk: one folder each, with the objects' ciphertext, the encrypted table, and the grants. A pack is built in
 * the staging folder and becomes visible by one rename; after that its ciphertext only grows, and its table is replaced.
 * Layout: docs/formats/vault.md, "Folders".
 */
import { hash } from 'node:crypto';
import { Mutex } from './mutex.ts';
import {
  generatePackIdentity,
  openGrant,
  openTable,
  type PackIdentity,
  sealGrant,
  sealTable,
} from './pack-envelope.ts';
import type { PackTable } from './pack-table.ts';
import type { ReadableFile, VaultFiles } from './ports.ts';
import { recipientTagOf } from './recipients.ts';
import { VaultError } from './vault-error.ts';
import type { VaultSecrets } from './vault-secrets.ts';

export const PACKS = 'packs';
export const STAGING = 'staging';
export const DISPOSED = 'disposed';
export const OBJECTS_FILE = 'objects';
export const TABLE_FILE = 'table.age';
/** In copies of another vault's packs only. */
export const MANIFEST_FILE = 'manifest.json';
export const GRANT_FILE: RegExp = /^grant-([0-9a-f]{32})\.age$/;

/** A grant is about 1.9 kB, a table about 80 bytes an object: far above either, far below what would hurt. */
const MAX_GRANT_BYTES = 65_536;
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
/** Holds the age header, whose ephemeral share differs for every encryption. */
const FINGERPRINT_BYTES = 4096;
/** Tables and files kept open for reading. */
const CACHE_TABLE_BYTES = 64 * 1024 * 1024;
const CACHE_PACKS = 64;

export interface LoadedPack {
  readonly pack: PackIdentity;
  readonly table: PackTable;
  readonly tableFingerprint: Uint8Array;
}

/** A pack held open for reading, until it is released. */
export interface PackLease {
  readonly table: PackTable;
  readonly file: ReadableFile;
  release(): Promise<void>;
}

interface CachedPack {
  table: PackTable;
  readonly file: ReadableFile;
  leases: number;
  isEvicted: boolean;
}

export class PackShelf {
  readonly files: VaultFiles;
  readonly secrets: VaultSecrets;
  readonly grantFile: string;
  /** Whom new packs are granted to besides the vault. */
  recipients: readonly string[] = [];
  /** Replacing a table overwrites the old one, so nobody may be reading it then. */
  readonly #tables = new Mutex();
  readonly #cache = new Map<string, CachedPack>();
  readonly #loading = new Map<string, Promise<CachedPack>>();

  constructor(files: VaultFiles, secrets: VaultSecrets) {
    this.files = files;
    this.secrets = secrets;
    this.grantFile = grantFileOf(secrets.recipientTag);
  }

  /** Names of the folders that should be packs. */
  list(): Promise<string[]> {
    return this.files.list(PACKS);
  }

  /** Undefined when the pack has no table. */
  async fingerprint(packId: string): Promise<Uint8Array | undefined> {
    const start = await this.files.read(`${PACKS}/${packId}/${TABLE_FILE}`, FINGERPRINT_BYTES);
    return start === undefined ? undefined : fingerprintOf(start);
  }

  /** Reads a pack's grant and table from disk. @throws VaultError corrupt · io */
  load(packId: string, folder = `${PACKS}/${packId}`): Promise<LoadedPack> {
    return this.#tables.run(() => this.#read(packId, folder));
  }

  /** Lets another recipient open a pack; false when it can already. @throws VaultError corrupt · disk-full · io */
  async grant(packId: string, recipient: string, folder = `${PACKS}/${packId}`): Promise<boolean> {
    const granted = await this.files.list(folder);
    if (granted.includes(grantFileOf(recipientTagOf(recipient)))) return false;
    await grantTo(this.files, folder, await this.#readGrant(packId, folder), recipient);
    return true;
  }

  /** Takes a grant away; false when there was none. */
  async endGrant(packId: string, recipient: string): Promise<boolean> {
    const folder = `${PACKS}/${packId}`;
    const grant = grantFileOf(recipientTagOf(recipient));
    if (!(await this.files.list(folder)).includes(grant)) return false;
    await this.files.remove(`${folder}/${grant}`);
    return true;
  }

  /** Makes the folder of a new pack in staging, granted to the vault and its recipients; its table and ciphertext are to follow. */
  async begin(folderOf: (packId: string) => string): Promise<PackIdentity> {
    const pack = await generatePackIdentity();
    const folder = folderOf(pack.packId);
    try {
      await this.files.makeFolder(folder);
      for (const recipient of [this.secrets.recipient, ...this.recipients])
        await grantTo(this.files, folder, pack, recipient);
      return pack;
    } catch (error) {
      await this.files.remove(folder);
      throw error;
    }
  }

  /** Writes a pack's table, durably; returns its fingerprint. */
  async replaceTable(
    pack: PackIdentity,
    table: PackTable,
    folder = `${PACKS}/${pack.packId}`,
  ): Promise<Uint8Array> {
    const sealed = await sealTable(pack, table, this.secrets);
    return await this.#tables.run(async () => {
      await this.files.replace(`${folder}/${TABLE_FILE}`, sealed);
      const cached = this.#cache.get(pack.packId);
      if (cached !== undefined) cached.table = table;
      return fingerprintOf(sealed);
    });
  }

  /** Puts a table in place that another vault has sealed. */
  async replaceSealedTable(packId: string, sealed: Uint8Array, folder: string): Promise<void> {
    await this.#tables.run(() => this.files.replace(`${folder}/${TABLE_FILE}`, sealed));
    await this.forget(packId);
  }

  /** Makes a finished pack visible. This one rename is its commit. */
  async adopt(folder: string, packId: string): Promise<void> {
    await this.files.move(folder, `${PACKS}/${packId}`);
  }

  /** Takes a pack away, durably, then its files. */
  async drop(packId: string): Promise<void> {
    await this.forget(packId);
    const folder = `${STAGING}/dropped-${packId}`;
    await this.files.move(`${PACKS}/${packId}`, folder);
    await this.files.remove(folder);
  }

  /** Opens a pack for reading, out of a cache. @throws VaultError corrupt · io */
  async lease(packId: string): Promise<PackLease> {
    const cached = this.#cache.get(packId) ?? (await this.#open(packId));
    if (!cached.isEvicted) {
      this.#cache.delete(packId);
      this.#cache.set(packId, cached);
    }
    cached.leases += 1;
    let isReleased = false;
    return {
      table: cached.table,
      file: cached.file,
      release: async () => {
        if (isReleased) return;
        isReleased = true;
        cached.leases -= 1;
        if (cached.isEvicted && cached.leases === 0) await cached.file.close();
      },
    };
  }

  /** What was cached of a pack is read again from disk the next time. */
  async forget(packId: string): Promise<void> {
    const cached = this.#cache.get(packId);
    if (cached === undefined) return;
    this.#cache.delete(packId);
    cached.isEvicted = true;
    if (cached.leases === 0) await cached.file.close();
  }

  async close(): Promise<void> {
    for (const packId of [...this.#cache.keys()]) await this.forget(packId);
  }

  async #open(packId: string): Promise<CachedPack> {
    const loading = this.#loading.get(packId);
    if (loading !== undefined) return await loading;
    const opening = this.#openUncached(packId).finally(() => this.#loading.delete(packId));
    this.#loading.set(packId, opening);
    const cached = await opening;
    await this.#evict();
    return cached;
  }

  #openUncached(packId: string): Promise<CachedPack> {
    return this.#tables.run(async () => {
      const folder = `${PACKS}/${packId}`;
      const { table } = await this.#read(packId, folder);
      const file = await this.files.openForReading(`${folder}/${OBJECTS_FILE}`);
      if (file === undefined) throw new VaultError('corrupt', `pack ${packId} has no objects file`);
      const cached: CachedPack = { table, file, leases: 0, isEvicted: false };
      this.#cache.set(packId, cached);
      return cached;
    });
  }

  async #read(packId: string, folder: string): Promise<LoadedPack> {
    const pack = await this.#readGrant(packId, folder);
    const sealedTable = await this.files.read(`${folder}/${TABLE_FILE}`, MAX_TABLE_BYTES);
    if (sealedTable === undefined) {
      throw new VaultError('corrupt', `pack ${packId} has no table: ${folder}/${TABLE_FILE} is gone`);
    }
    const table = await openTable(sealedTable, pack, this.secrets);
    return { pack, table, tableFingerprint: fingerprintOf(sealedTable) };
  }

  async #readGrant(packId: string, folder: string): Promise<PackIdentity> {
    const grant = await this.files.read(`${folder}/${this.grantFile}`, MAX_GRANT_BYTES);
    if (grant === undefined) {
      throw new VaultError(
        'corrupt',
        `pack ${packId} has no grant for this vault: ${folder}/${this.grantFile} is gone`,
      );
    }
    return await openGrant(grant, packId, this.secrets.identity);
  }

  async #evict(): Promise<void> {
    let tableBytes = 0;
    for (const { table } of this.#cache.values()) tableBytes += table.encodedRows.length;
    for (const [packId, { table, leases }] of [...this.#cache]) {
      if (this.#cache.size <= CACHE_PACKS && tableBytes <= CACHE_TABLE_BYTES) return;
      if (leases > 0) continue;
      tableBytes -= table.encodedRows.length;
      await this.forget(packId);
    }
  }
}

/** @param tag of the recipient */
export function grantFileOf(tag: string): string {
  return `grant-${tag}.age`;
}

async function grantTo(
  files: VaultFiles,
  folder: string,
  pack: PackIdentity,
  recipient: string,
): Promise<void> {
  await files.replace(
    `${folder}/${grantFileOf(recipientTagOf(recipient))}`,
    await sealGrant(pack, recipient),
  );
}

function fingerprintOf(sealedTable: Uint8Array): Uint8Array {
  return hash('sha256', sealedTable.subarray(0, FINGERPRINT_BYTES), 'buffer');
}
