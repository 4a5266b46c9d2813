/**
 * The file of a cosigner's state: a header, a record of all that was held when the file was begun, then one record a
 * commit. Format: docs/formats/witness-state.md.
 *
 * Every record opens with the file's random salt: notes come from strangers, and without it one could hold the bytes
 * of a record, so that a torn commit around it looked like damage before a good record.
 */
import { crc32 } from 'node:zlib';
import * as v from 'valibot';
import { LogError } from '../../log/log-error.ts';

const MAGIC = Buffer.from('VTRNCOS1', 'latin1');
export const SALT_BYTES = 16;
/** magic 8 · salt 16 · CRC-32 4 */
export const HEADER_BYTES: number = MAGIC.length + SALT_BYTES + 4;
/** salt 16 · bytes of notes 4 */
const RECORD_HEADER_BYTES = SALT_BYTES + 4;
const CRC_BYTES = 4;

const NotesSchema = v.array(v.string());

/** `salt`: 16 random bytes. */
export function formatHeader(salt: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.set(salt, MAGIC.length);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, HEADER_BYTES - CRC_BYTES)), HEADER_BYTES - CRC_BYTES);
  return bytes;
}

/** The notes of one commit, or all that are held. */
export function formatRecord(salt: Uint8Array, notes: readonly string[]): Buffer {
  const payload = Buffer.from(JSON.stringify(notes));
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + payload.length + CRC_BYTES);
  bytes.set(salt, 0);
  bytes.writeUInt32BE(payload.length, SALT_BYTES);
  payload.copy(bytes, RECORD_HEADER_BYTES);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -CRC_BYTES)), bytes.length - CRC_BYTES);
  return bytes;
}

/**
 * The records of a whole file, oldest first: what was held, then what was committed. What follows the last good one is
 * the torn tail of a commit that nobody was answered for.
 *
 * @throws LogError `corrupt`, naming `path` and offset: a bad header, a bad first record (a file is seen only when it
 * has both), or a bad record before a good one
 */
export function scanStateFile(path: string, file: Uint8Array): readonly (readonly string[])[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const salt = readSalt(path, bytes);
  const records: (readonly string[])[] = [];
  let offset = HEADER_BYTES;
  for (
    let record = readRecord(bytes, offset, salt);
    record !== null;
    record = readRecord(bytes, offset, salt)
  ) {
    records.push(record.notes);
    offset = record.endOffset;
  }
  if (records.length === 0) throw corrupt(path, offset, 'the record of what was held is damaged');
  // One commit is under way at a time, so whatever stands before a good one had been answered for.
  for (let at = bytes.indexOf(salt, offset + 1); at !== -1; at = bytes.indexOf(salt, at + 1)) {
    if (readRecord(bytes, at, salt) !== null) {
      throw corrupt(path, offset, `a record is damaged, and a good one follows at byte ${at}`);
    }
  }
  return records;
}

function readSalt(path: string, bytes: Buffer): Buffer {
  const crcOffset = HEADER_BYTES - CRC_BYTES;
  if (
    bytes.length < HEADER_BYTES ||
    !bytes.subarray(0, MAGIC.length).equals(MAGIC) ||
    bytes.readUInt32BE(crcOffset) !== crc32(bytes.subarray(0, crcOffset))
  ) {
    throw corrupt(path, 0, 'the header is damaged');
  }
  return bytes.subarray(MAGIC.length, crcOffset);
}

function readRecord(
  bytes: Buffer,
  offset: number,
  salt: Buffer,
): { readonly notes: readonly string[]; readonly endOffset: number } | null {
  const payloadOffset = offset + RECORD_HEADER_BYTES;
  if (payloadOffset + CRC_BYTES > bytes.length) return null;
  if (!bytes.subarray(offset, offset + SALT_BYTES).equals(salt)) return null;
  const crcOffset = payloadOffset + bytes.readUInt32BE(offset + SALT_BYTES);
  if (crcOffset + CRC_BYTES > bytes.length) return null;
  if (bytes.readUInt32BE(crcOffset) !== crc32(bytes.subarray(offset, crcOffset))) return null;
  const notes = v.parse(NotesSchema, JSON.parse(bytes.toString('utf8', payloadOffset, crcOffset)));
  return { notes, endOffset: crcOffset + CRC_BYTES };
}

function corrupt(path: string, offset: number, why: string): LogError {
  return new LogError(
    'corrupt',
    `${path}, byte ${offset}: ${why}. Checkpoints that were cosigned may be forgotten, and a cosigner that forgets may sign a fork: end this key and begin with another in a new folder; never delete the file to get past this`,
  );
}
