/**
 * The table of a pack: for every object its digest, its data key, and where its ciphertext lies. This is the plain content;
 * on disk it is encrypted (pack-envelope.ts). Format: docs/formats/vault.md, "Table".
 */
import { ciphertextSize } from './object-cipher.ts';
import { VaultError } from './vault-error.ts';
import type { VaultSecrets } from './vault-secrets.ts';

export interface ObjectRow {
  /** SHA-256 of the content: 32 bytes. */
  readonly digest: Uint8Array;
  /** AES-256 data key: 32 bytes. */
  readonly key: Uint8Array;
  /** Where the ciphertext begins in the pack. */
  readonly offset: number;
  /** Of the content. */
  readonly sizeBytes: number;
}

const MAGIC = Buffer.from('vitrine-vault-table/v1\n', 'latin1');
const PACK_ID_BYTES = 16;
const HEADER_BYTES = MAGIC.length + PACK_ID_BYTES + 8 + 4;
const ROW_BYTES = 32 + 32 + 8 + 8;
const MAC_BYTES = 32;
const GRANULE_BYTES = 4096;

/** Immutable. Rows are kept in their encoding, sorted by digest: 80 bytes an object, found by bisection. */
export class PackTable {
  /** Where the committed ciphertext, its padding included, ends in the pack. */
  readonly endOffset: number;
  readonly rowCount: number;
  readonly encodedRows: Buffer;

  private constructor(encodedRows: Buffer, endOffset: number) {
    this.encodedRows = encodedRows;
    this.rowCount = encodedRows.length / ROW_BYTES;
    this.endOffset = endOffset;
  }

  static readonly empty = new PackTable(Buffer.alloc(0), 0);

  /** @throws VaultError corrupt when rows are not sorted by digest, or overlap, or reach past `endOffset` */
  static fromEncodedRows(encodedRows: Buffer, endOffset: number): PackTable {
    const table = new PackTable(encodedRows, endOffset);
    for (let index = 1; index < table.rowCount; index++) {
      if (Buffer.compare(table.#digestAt(index - 1), table.#digestAt(index)) >= 0) {
        throw new VaultError('corrupt', `row ${index} of a pack's table is out of order or repeated`);
      }
    }
    let freeFrom = 0;
    for (const row of table.rowsByOffset()) {
      if (row.offset < freeFrom) {
        throw new VaultError('corrupt', `two objects of a pack's table overlap at offset ${row.offset}`);
      }
      freeFrom = row.offset + ciphertextSize(row.sizeBytes);
    }
    if (freeFrom > endOffset) {
      throw new VaultError('corrupt', `a pack's table ends at ${endOffset}, its objects at ${freeFrom}`);
    }
    return table;
  }

  find(digest: Uint8Array): ObjectRow | undefined {
    const index = this.#firstNotBelow(digest);
    if (!this.#isAt(index, digest)) return undefined;
    return this.#rowAt(index);
  }

  *rows(): Generator<ObjectRow> {
    for (let index = 0; index < this.rowCount; index++) yield this.#rowAt(index);
  }

  rowsByOffset(): ObjectRow[] {
    return [...this.rows()].sort((a, b) => a.offset - b.offset);
  }

  /** This table with more rows; a row whose digest it has already is left out. */
  with(added: Iterable<ObjectRow>, endOffset: number): PackTable {
    const fresh = [...added].sort((a, b) => Buffer.compare(a.digest, b.digest));
    const parts: Buffer[] = [];
    let taken = 0;
    for (const row of fresh) {
      const index = this.#firstNotBelow(row.digest);
      if (this.#isAt(index, row.digest)) continue;
      parts.push(this.encodedRows.subarray(taken * ROW_BYTES, index * ROW_BYTES), encodeRow(row));
      taken = index;
    }
    parts.push(this.encodedRows.subarray(taken * ROW_BYTES));
    return new PackTable(Buffer.concat(parts), endOffset);
  }

  /** This table without an object: its data key is in no byte of the result. */
  without(digest: Uint8Array): PackTable {
    const index = this.#firstNotBelow(digest);
    if (!this.#isAt(index, digest)) return this;
    const before = this.encodedRows.subarray(0, index * ROW_BYTES);
    const after = this.encodedRows.subarray((index + 1) * ROW_BYTES);
    return new PackTable(Buffer.concat([before, after]), this.endOffset);
  }

  #isAt(index: number, digest: Uint8Array): boolean {
    return index < this.rowCount && Buffer.compare(this.#digestAt(index), digest) === 0;
  }

  #digestAt(index: number): Buffer {
    return this.encodedRows.subarray(index * ROW_BYTES, index * ROW_BYTES + 32);
  }

  #rowAt(index: number): ObjectRow {
    const row = this.encodedRows.subarray(index * ROW_BYTES, (index + 1) * ROW_BYTES);
    return {
      digest: row.subarray(0, 32),
      key: row.subarray(32, 64),
      offset: readSize(row, 64),
      sizeBytes: readSize(row, 72),
    };
  }

  #firstNotBelow(digest: Uint8Array): number {
    let low = 0;
    let high = this.rowCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(this.#digestAt(middle), digest) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The plain bytes of a table: a multiple of 4,096, so that the encrypted file tells no exact number of objects. */
export function formatPackTable(table: PackTable, packId: string, secrets: VaultSecrets): Uint8Array {
  const contentBytes = HEADER_BYTES + table.encodedRows.length + MAC_BYTES;
  const bytes = Buffer.alloc(Math.ceil(contentBytes / GRANULE_BYTES) * GRANULE_BYTES);
  bytes.set(MAGIC, 0);
  bytes.write(packId, MAGIC.length, 'hex');
  bytes.writeBigUInt64BE(BigInt(table.endOffset), MAGIC.length + PACK_ID_BYTES);
  bytes.writeUInt32BE(table.rowCount, MAGIC.length + PACK_ID_BYTES + 8);
  bytes.set(table.encodedRows, HEADER_BYTES);
  bytes.set(secrets.tableMac(bytes.subarray(0, -MAC_BYTES)), bytes.length - MAC_BYTES);
  return bytes;
}

/**
 * Reads the plain bytes of the table of a pack. The MAC proves that this vault wrote it, for this pack: whoever
 * learnt the pack's identity through a grant can read tables, not make them.
 * @throws VaultError corrupt
 */
export function parsePackTable(plain: Uint8Array, packId: string, secrets: VaultSecrets): PackTable {
  const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  if (bytes.length < GRANULE_BYTES || bytes.length % GRANULE_BYTES !== 0) {
    throw new VaultError(
      'corrupt',
      `the table of pack ${packId} has ${bytes.length} bytes, not a multiple of 4,096`,
    );
  }
  const content = bytes.subarray(0, -MAC_BYTES);
  if (!secrets.isTableMac(bytes.subarray(-MAC_BYTES), content)) {
    throw new VaultError('corrupt', `the table of pack ${packId} was not written by this vault`);
  }
  if (!content.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new VaultError('corrupt', `the table of pack ${packId} is of an unknown version`);
  }
  if (content.toString('hex', MAGIC.length, MAGIC.length + PACK_ID_BYTES) !== packId) {
    throw new VaultError('corrupt', `the table of pack ${packId} is that of another pack`);
  }
  const endOffset = readSize(content, MAGIC.length + PACK_ID_BYTES);
  const rowsEnd = HEADER_BYTES + content.readUInt32BE(MAGIC.length + PACK_ID_BYTES + 8) * ROW_BYTES;
  if (rowsEnd > content.length || content.subarray(rowsEnd).some((byte) => byte !== 0)) {
    throw new VaultError('corrupt', `the table of pack ${packId} has rows and padding that do not fit`);
  }
  return PackTable.fromEncodedRows(Buffer.from(content.subarray(HEADER_BYTES, rowsEnd)), endOffset);
}

function encodeRow(row: ObjectRow): Buffer {
  const bytes = Buffer.alloc(ROW_BYTES);
  bytes.set(row.digest, 0);
  bytes.set(row.key, 32);
  bytes.writeBigUInt64BE(BigInt(row.offset), 64);
  bytes.writeBigUInt64BE(BigInt(row.sizeBytes), 72);
  return bytes;
}

function readSize(bytes: Buffer, position: number): number {
  const size = bytes.readBigUInt64BE(position);
  if (size > 2n ** 52n)
    throw new VaultError('corrupt', `a pack's table holds the impossible size ${size.toString()}`);
  return Number(size);
}
