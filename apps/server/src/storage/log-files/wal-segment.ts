/**
 * A write-ahead segment: a header, then one record a batch. Format: docs/formats/log-storage.md.
 *
 * Every record opens with the segment's random salt. Entries come from strangers; without the salt one of them
 * could hold the bytes of a record, and a torn batch around it would look like corruption before a good record.
 */
import { crc32 } from 'node:zlib';
import { parseEntries, TlogError } from '@vitrine/tlog';
import { LogError } from '../../log/log-error.ts';
import type { CommittedBatch } from '../../log/log-store.ts';

const MAGIC = Buffer.from('VTRNWAL1', 'latin1');
const SALT_BYTES = 16;
/** magic 8 · epoch 8 · start size 8 · salt 16 · CRC-32 4 */
export const SEGMENT_HEADER_BYTES = MAGIC.length + 8 + 8 + SALT_BYTES + 4;
/** salt 16 · epoch 8 · old size 8 · entries 4 · bytes of entries 4 · bytes of checkpoint 4 */
const RECORD_HEADER_BYTES = SALT_BYTES + 8 + 8 + 4 + 4 + 4;
const CRC_BYTES = 4;

export type SegmentHeader = {
  readonly epoch: number;
  /** Size of the log before the first record. */
  readonly startSize: number;
  /** 16 random bytes. */
  readonly salt: Uint8Array;
};

export type ScannedSegment = {
  readonly header: SegmentHeader;
  readonly batches: readonly CommittedBatch[];
  /** Where the last good record ends; what follows is the torn tail of a commit that nobody was answered for. */
  readonly endOffset: number;
};

export function formatSegmentHeader({ epoch, startSize, salt }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeBigUInt64BE(BigInt(epoch), 8);
  bytes.writeBigUInt64BE(BigInt(startSize), 16);
  bytes.set(salt, 24);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, SEGMENT_HEADER_BYTES - 4)), SEGMENT_HEADER_BYTES - 4);
  return bytes;
}

/** One record. The entries are in the framing of an entry bundle. */
export function formatRecord({ epoch, salt }: SegmentHeader, batch: CommittedBatch): Buffer {
  const { oldSize, entries, checkpoint } = batch;
  const checkpointBytes = Buffer.byteLength(checkpoint, 'utf8');
  let entriesBytes = 0;
  for (const entry of entries) entriesBytes += 2 + entry.length;
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + entriesBytes + checkpointBytes + CRC_BYTES);
  bytes.set(salt, 0);
  let at = SALT_BYTES;
  at = bytes.writeBigUInt64BE(BigInt(epoch), at);
  at = bytes.writeBigUInt64BE(BigInt(oldSize), at);
  at = bytes.writeUInt32BE(entries.length, at);
  at = bytes.writeUInt32BE(entriesBytes, at);
  at = bytes.writeUInt32BE(checkpointBytes, at);
  for (const entry of entries) {
    bytes[at] = entry.length >>> 8;
    bytes[at + 1] = entry.length & 0xff;
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  at += bytes.write(checkpoint, at, 'utf8');
  bytes.writeUInt32BE(crc32(bytes.subarray(0, at)), at);
  return bytes;
}

/**
 * Reads a whole segment. `isLast`: no segment follows, so its tail may be torn.
 * @throws LogError `corrupt`, naming `path` and offset: a bad header, a bad record before a good one, records that
 *   do not follow one another, or a torn tail where none can be
 */
export function scanSegment(path: string, file: Uint8Array, isLast: boolean): ScannedSegment {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const header = parseHeader(path, bytes);
  const batches: CommittedBatch[] = [];
  let size = header.startSize;
  let offset = SEGMENT_HEADER_BYTES;
  while (offset < bytes.length) {
    const record = parseRecord(bytes, offset, header);
    if (record === null) {
      refuseUnlessTorn(path, bytes, offset, header, isLast);
      break;
    }
    if (record.batch.oldSize !== size) {
      throw corrupt(path, offset, `a record of size ${record.batch.oldSize} follows size ${size}`);
    }
    batches.push(record.batch);
    size += record.batch.entries.length;
    offset = record.endOffset;
  }
  return { header, batches, endOffset: offset };
}

function parseHeader(path: string, bytes: Buffer): SegmentHeader {
  const crcOffset = SEGMENT_HEADER_BYTES - 4;
  if (
    bytes.length < SEGMENT_HEADER_BYTES ||
    !bytes.subarray(0, MAGIC.length).equals(MAGIC) ||
    bytes.readUInt32BE(crcOffset) !== crc32(bytes.subarray(0, crcOffset))
  ) {
    throw corrupt(path, 0, 'the header of the segment is damaged');
  }
  const epoch = Number(bytes.readBigUInt64BE(8));
  const startSize = Number(bytes.readBigUInt64BE(16));
  return { epoch, startSize, salt: bytes.subarray(24, 24 + SALT_BYTES) };
}

function parseRecord(
  bytes: Buffer,
  offset: number,
  header: SegmentHeader,
): { readonly batch: CommittedBatch; readonly endOffset: number } | null {
  const body = offset + RECORD_HEADER_BYTES;
  if (body + CRC_BYTES > bytes.length) return null;
  if (!bytes.subarray(offset, offset + SALT_BYTES).equals(header.salt)) return null;
  const at = offset + SALT_BYTES;
  const count = bytes.readUInt32BE(at + 16);
  const entriesEnd = body + bytes.readUInt32BE(at + 20);
  const checkpointEnd = entriesEnd + bytes.readUInt32BE(at + 24);
  if (checkpointEnd + CRC_BYTES > bytes.length) return null;
  if (bytes.readUInt32BE(checkpointEnd) !== crc32(bytes.subarray(offset, checkpointEnd))) return null;
  if (Number(bytes.readBigUInt64BE(at)) !== header.epoch) return null;
  const entries = readEntries(bytes.subarray(body, entriesEnd), count);
  if (entries === null || entries.length !== count) return null;
  const checkpoint = bytes.toString('utf8', entriesEnd, checkpointEnd);
  const oldSize = Number(bytes.readBigUInt64BE(at + 8));
  return { batch: { oldSize, entries, checkpoint }, endOffset: checkpointEnd + CRC_BYTES };
}

function readEntries(framed: Uint8Array, count: number): Uint8Array[] | null {
  try {
    return parseEntries(framed, count);
  } catch (error) {
    if (error instanceof TlogError) return null;
    throw error;
  }
}

/** Only one record is ever under way, so whatever stands before a good record had been acknowledged. */
function refuseUnlessTorn(
  path: string,
  bytes: Buffer,
  offset: number,
  header: SegmentHeader,
  isLast: boolean,
): void {
  if (!isLast) throw corrupt(path, offset, 'a record is damaged, and another segment follows');
  for (let at = offset; at !== -1; at = bytes.indexOf(header.salt, at + 1)) {
    if (at > offset && parseRecord(bytes, at, header) !== null) {
      throw corrupt(path, offset, `a record is damaged, and a good one follows at byte ${at}`);
    }
  }
}

function corrupt(path: string, offset: number, why: string): LogError {
  return new LogError(
    'corrupt',
    `${path}, byte ${offset}: ${why}. Entries that were acknowledged may be damaged: restore this log from a backup or a mirror, do not delete the file`,
  );
}
