/**
 * The pack that small objects are added to. Objects are pending until `commit`: then their ciphertext is synced and the
 * table that names them is put in place, atomically. A crash at any point leaves the table as it was before.
 */
import { randomBytes } from 'node:crypto';
import { CiphertextWriter } from './ciphertext-writer.ts';
import type { PackIdentity } from './pack-envelope.ts';
import { OBJECTS_FILE, PACKS, type PackShelf, STAGING } from './pack-shelf.ts';
import { type ObjectRow, PackTable } from './pack-table.ts';
import { paddedSize } from './padding.ts';
import type { IndexedPack, WritableFile } from './ports.ts';
import { VaultError } from './vault-error.ts';

export interface CommittedRows {
  readonly rows: readonly ObjectRow[];
  readonly tableFingerprint: Uint8Array;
}

export class OpenPack {
  readonly pack: PackIdentity;
  readonly #shelf: PackShelf;
  readonly #writer: CiphertextWriter;
  /** By hex digest. Those being committed stay here until they are durable. */
  readonly #pending = new Map<string, ObjectRow>();
  #table: PackTable;
  /** Not yet visible: in staging. */
  #isStaged: boolean;
  /** A commit that fails from here on may have put its table in place. */
  #tableMayBeNew = false;

  private constructor(
    shelf: PackShelf,
    pack: PackIdentity,
    file: WritableFile,
    table: PackTable,
    isStaged: boolean,
  ) {
    this.#shelf = shelf;
    this.pack = pack;
    this.#table = table;
    this.#isStaged = isStaged;
    this.#writer = new CiphertextWriter(file, table.endOffset);
  }

  /** Begins a new pack. */
  static async create(shelf: PackShelf): Promise<OpenPack> {
    const pack = await shelf.begin(stagingFolder);
    try {
      const file = await shelf.files.openForWriting(`${stagingFolder(pack.packId)}/${OBJECTS_FILE}`);
      return new OpenPack(shelf, pack, file, PackTable.empty, true);
    } catch (error) {
      await shelf.files.remove(stagingFolder(pack.packId));
      throw error;
    }
  }

  /** Goes on with a pack that has room. @throws VaultError corrupt when it is shorter than its table or the index says */
  static async resume(shelf: PackShelf, { packId, endOffset }: IndexedPack): Promise<OpenPack> {
    const { pack, table } = await shelf.load(packId);
    // An older table was put back: what lies behind it must not be overwritten.
    if (table.endOffset !== endOffset) {
      throw new VaultError('corrupt', `the table of pack ${packId} is not the one that was indexed`);
    }
    const file = await shelf.files.openForWriting(`${PACKS}/${packId}/${OBJECTS_FILE}`);
    try {
      if ((await file.sizeBytes()) < table.endOffset) {
        throw new VaultError('corrupt', `pack ${packId} is shorter than its table says`);
      }
      // What lies behind was never committed.
      await file.truncate(table.endOffset);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new OpenPack(shelf, pack, file, table, false);
  }

  get packId(): string {
    return this.pack.packId;
  }

  /** The committed table. */
  get table(): PackTable {
    return this.#table;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Committed and pending. */
  get objectCount(): number {
    return this.#table.rowCount + this.#pending.size;
  }

  /** Of the ciphertext, committed and pending. */
  get sizeBytes(): number {
    return this.#writer.position;
  }

  isPending(sha256: string): boolean {
    return this.#pending.has(sha256);
  }

  /** Seals an object into the pack; it is pending. */
  add(sha256: string, content: Uint8Array): void {
    const key = randomBytes(32);
    const offset = this.#writer.sealObject(content, key);
    this.#pending.set(sha256, { digest: Buffer.from(sha256, 'hex'), key, offset, sizeBytes: content.length });
  }

  pressure(): Promise<void> | undefined {
    return this.#writer.pressure();
  }

  /**
   * Makes what is pending durable and visible. Nothing may be added meanwhile. After a failure the pack must be abandoned.
   * @throws VaultError disk-full · io
   */
  async commit(): Promise<CommittedRows> {
    const rows = [...this.#pending.values()];
    const written = this.#writer.position - this.#table.endOffset;
    this.#writer.pad(paddedSize(written) - written);
    await this.#writer.sync();
    const table = this.#table.with(rows, this.#writer.position);
    let tableFingerprint: Uint8Array;
    if (this.#isStaged) {
      const staged = stagingFolder(this.packId);
      tableFingerprint = await this.#shelf.replaceTable(this.pack, table, staged);
      this.#tableMayBeNew = true;
      await this.#shelf.adopt(staged, this.packId);
      this.#isStaged = false;
    } else {
      this.#tableMayBeNew = true;
      tableFingerprint = await this.#shelf.replaceTable(this.pack, table);
    }
    this.#tableMayBeNew = false;
    this.#table = table;
    this.#pending.clear();
    return { rows, tableFingerprint };
  }

  /** The table was replaced by a disposal. */
  tableReplaced(table: PackTable): void {
    this.#table = table;
  }

  /**
   * Gives the pack up after a failure: what was pending is gone, what was committed stays. Returns whether the table on disk may be
   * newer than the last that was reported committed; then it has to be read again.
   */
  async abandon(): Promise<{ readonly tableMayBeNew: boolean }> {
    this.#pending.clear();
    const committed = this.#isStaged ? 0 : this.#table.endOffset;
    await this.#writer.abandon(this.#tableMayBeNew ? undefined : committed);
    if (this.#isStaged && !this.#tableMayBeNew) await this.#shelf.files.remove(stagingFolder(this.packId));
    await this.#shelf.forget(this.packId);
    return { tableMayBeNew: this.#tableMayBeNew };
  }

  async close(): Promise<void> {
    await this.#writer.close();
  }
}

function stagingFolder(packId: string): string {
  return `${STAGING}/pack-${packId}`;
}
