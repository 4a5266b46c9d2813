// What a mirror and its clients say to each other: c2sp.org/tlog-mirror (a draft without a version). Wire forms only:
// which size is pending, what is durable and when to cosign is the server's.

import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { formatEntryBundle, MAX_ENTRY_BYTES } from './bundle.ts';
import { decodeUtf8 } from './bytes.ts';
import { parseDecimal } from './decimal.ts';
import { TlogError } from './error.ts';
import { HASH_BYTES, type Subtree } from './merkle.ts';
import { checkNoteText } from './note.ts';
import { TILE_WIDTH } from './tile.ts';
import { MAX_REQUEST_HASHES } from './witness.ts';

/** The content type of 202 and 409 answers to add-entries. */
export const MIRROR_INFO_CONTENT_TYPE = 'text/x.tlog.mirror-info';

/** The most packages that a client should send in one request. */
export const MAX_REQUEST_PACKAGES = 32;

/** The most bytes of an origin and of a ticket: their lengths are 16 bits wide. */
const MAX_FIELD_BYTES = 65_535;

const MAX_MIRROR_INFO_BYTES = 100_000;

export interface AddEntriesHeader {
  readonly origin: string;
  /** The first entry that is sent, 0 to uploadEnd. */
  readonly uploadStart: number;
  /** The size of the checkpoint that the proofs lead to, at most 2^53 - 1. */
  readonly uploadEnd: number;
  /** Opaque, as the mirror handed it out; at most 65,535 bytes. */
  readonly ticket: Uint8Array;
}

/** The entries from `start` up to, not including, `end`: at most 256, all of one entry bundle. */
export interface EntryPackageRange {
  readonly start: number;
  readonly end: number;
  /** What the package's proof is about: the bundle from its beginning, which may be before `start`, to `end`. */
  readonly subtree: Subtree;
}

export interface EntryPackage {
  readonly entries: readonly Uint8Array[];
  /** Subtree consistency proof to the tree of `uploadEnd`, 32 bytes each, at most MAX_REQUEST_HASHES. */
  readonly proof: readonly Uint8Array[];
}

export interface MirrorInfo {
  /** Of a checkpoint that may be given as `uploadEnd`. */
  readonly treeSize: number;
  /** The first entry that the mirror lacks. */
  readonly nextEntry: number;
  /** To be handed back as it is; may be empty. */
  readonly ticket: Uint8Array;
}

/**
 * The packages that an upload consists of, in their order ("canonical sequence").
 *
 * @throws RangeError unless 0 ≤ uploadStart ≤ uploadEnd ≤ 2^53 - 1
 */
export function* entryPackages(uploadStart: number, uploadEnd: number): Generator<EntryPackageRange> {
  if (!isUpload(uploadStart, uploadEnd)) {
    throw new RangeError(`entries ${uploadStart} to ${uploadEnd} are no upload`);
  }
  let start = uploadStart;
  while (start < uploadEnd) {
    const bundleStart = start - (start % TILE_WIDTH);
    const end = Math.min(uploadEnd, bundleStart + TILE_WIDTH);
    yield { start, end, subtree: { start: bundleStart, end } };
    start = end;
  }
}

/**
 * The beginning of an add-entries body; packages follow it.
 *
 * @throws TlogError `malformed-request` on an origin that no log can have, a range or a ticket out of bounds
 */
export function formatAddEntriesHeader(header: AddEntriesHeader): Uint8Array {
  const { origin, uploadStart, uploadEnd, ticket } = header;
  checkOrigin(origin);
  const originBytes = utf8ToBytes(origin);
  if (originBytes.length > MAX_FIELD_BYTES) throw refuseAddEntries('the origin is longer than 65,535 bytes');
  if (ticket.length > MAX_FIELD_BYTES) throw refuseAddEntries('the ticket is longer than 65,535 bytes');
  if (!isUpload(uploadStart, uploadEnd)) throw refuseUpload(uploadStart, uploadEnd);
  return concatBytes(
    uint16(originBytes.length),
    originBytes,
    uint64(uploadStart),
    uint64(uploadEnd),
    uint16(ticket.length),
    ticket,
  );
}

/**
 * One package of an add-entries body.
 *
 * @throws RangeError if there are not 1 to 256 entries of at most MAX_ENTRY_BYTES, or the proof is not of at most
 * MAX_REQUEST_HASHES hashes of 32 bytes
 */
export function formatEntryPackage({ entries, proof }: EntryPackage): Uint8Array {
  if (proof.length > MAX_REQUEST_HASHES || proof.some((hash) => hash.length !== HASH_BYTES)) {
    throw new RangeError(`a package's proof is of at most ${MAX_REQUEST_HASHES} hashes of 32 bytes`);
  }
  return concatBytes(formatEntryBundle(entries), Uint8Array.of(proof.length), ...proof);
}

/**
 * Reads an add-entries body as it arrives, a package at a time, holding no more than one. The packages end with the
 * body, and silently so where it is cut: a mirror keeps what came whole. What follows the last package is not read.
 * `maxEntryBytes` bounds the memory: a package holds up to 256 entries.
 *
 * @throws TlogError `malformed-request`, here or from the packages (HTTP: 400)
 * @see c2sp.org/tlog-mirror, "add-entries"
 */
export async function readAddEntries(
  body: AsyncIterable<Uint8Array>,
  maxEntryBytes: number = MAX_ENTRY_BYTES,
): Promise<{
  readonly header: AddEntriesHeader;
  readonly packages: AsyncGenerator<EntryPackage & EntryPackageRange, void, undefined>;
}> {
  const source = new ByteSource(body);
  const header = await readHeader(source);
  return { header, packages: readPackages(source, header, maxEntryBytes) };
}

/**
 * Parses the body of a 202 or 409 answer to add-entries.
 *
 * @throws TlogError `malformed-answer`
 * @see c2sp.org/tlog-mirror, "Processing"
 */
export function parseMirrorInfo(body: Uint8Array | string): MirrorInfo {
  if (body.length > MAX_MIRROR_INFO_BYTES)
    throw refuseInfo(`it is larger than ${MAX_MIRROR_INFO_BYTES} bytes`);
  const text = typeof body === 'string' ? body : decodeUtf8(body);
  const [size, next, ticket64, end, ...rest] = text?.split('\n', 5) ?? [];
  if (ticket64 === undefined || end !== '' || rest.length > 0) {
    throw refuseInfo('it is not three lines, each with its newline');
  }
  const treeSize = parseDecimal(size ?? '');
  const nextEntry = parseDecimal(next ?? '');
  if (treeSize === undefined || nextEntry === undefined) {
    const line = treeSize === undefined ? 1 : 2;
    throw refuseInfo(`line ${line} is not a decimal without leading zeroes, up to 2^53 - 1`);
  }
  const ticket = decodeTicket(ticket64);
  if (ticket.length > MAX_FIELD_BYTES) throw refuseInfo('its ticket is longer than 65,535 bytes');
  return { treeSize, nextEntry, ticket };
}

/** The inverse of parseMirrorInfo. @throws TlogError `malformed-answer` if the result would not parse */
export function formatMirrorInfo({ treeSize, nextEntry, ticket }: MirrorInfo): string {
  const body = `${treeSize}\n${nextEntry}\n${encodeBase64(ticket)}\n`;
  parseMirrorInfo(body);
  return body;
}

/** Takes exact numbers of bytes from chunks of any size. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Undefined if the body ends before; a view into a chunk where one holds them all. */
  async take(count: number): Promise<Uint8Array | undefined> {
    const parts = [this.#rest];
    let length = this.#rest.length;
    while (length < count) {
      const next = await this.#chunks.next();
      if (next.done === true) return undefined;
      parts.push(next.value);
      length += next.value.length;
    }
    const bytes = parts.length === 1 ? this.#rest : concatBytes(...parts);
    this.#rest = bytes.subarray(count);
    return bytes.subarray(0, count);
  }

  async takeUint16(): Promise<number | undefined> {
    const bytes = await this.take(2);
    return bytes === undefined ? undefined : viewOf(bytes).getUint16(0);
  }
}

async function readHeader(source: ByteSource): Promise<AddEntriesHeader> {
  const originBytes = await takeField(source, 'origin');
  const origin = decodeUtf8(originBytes);
  if (origin === undefined) throw refuseAddEntries('the origin is not UTF-8');
  checkOrigin(origin);
  const range = await source.take(16);
  if (range === undefined) throw refuseAddEntries('it ends within its range');
  const uploadStart = Number(viewOf(range).getBigUint64(0));
  const uploadEnd = Number(viewOf(range).getBigUint64(8));
  if (!isUpload(uploadStart, uploadEnd)) throw refuseUpload(uploadStart, uploadEnd);
  const ticket = await takeField(source, 'ticket');
  return { origin, uploadStart, uploadEnd, ticket: Uint8Array.from(ticket) };
}

async function takeField(source: ByteSource, what: string): Promise<Uint8Array> {
  const length = await source.takeUint16();
  const bytes = length === undefined ? undefined : await source.take(length);
  if (bytes === undefined) throw refuseAddEntries(`it ends within its ${what}`);
  return bytes;
}

async function* readPackages(
  source: ByteSource,
  { uploadStart, uploadEnd }: AddEntriesHeader,
  maxEntryBytes: number,
): AsyncGenerator<EntryPackage & EntryPackageRange, void, undefined> {
  for (const range of entryPackages(uploadStart, uploadEnd)) {
    const found = await readPackage(source, range, maxEntryBytes);
    if (found === undefined) return;
    yield { ...range, ...found };
  }
}

/** Undefined if the body ends before the package does. */
async function readPackage(
  source: ByteSource,
  { start, end }: EntryPackageRange,
  maxEntryBytes: number,
): Promise<EntryPackage | undefined> {
  const entries: Uint8Array[] = [];
  for (let index = start; index < end; index++) {
    const length = await source.takeUint16();
    if (length === undefined) return undefined;
    if (length > maxEntryBytes) {
      throw refuseAddEntries(
        `entry ${index} has ${length} bytes, more than the ${maxEntryBytes} of this log`,
      );
    }
    const entry = await source.take(length);
    if (entry === undefined) return undefined;
    entries.push(entry);
  }
  const count = (await source.take(1))?.[0];
  if (count === undefined) return undefined;
  if (count > MAX_REQUEST_HASHES) {
    throw refuseAddEntries(
      `the package from entry ${start} has ${count} hashes, more than ${MAX_REQUEST_HASHES}`,
    );
  }
  const hashes = await source.take(count * HASH_BYTES);
  if (hashes === undefined) return undefined;
  const proof = Array.from({ length: count }, (_, i) =>
    hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
  return { entries, proof };
}

function isUpload(uploadStart: number, uploadEnd: number): boolean {
  if (!Number.isSafeInteger(uploadStart) || !Number.isSafeInteger(uploadEnd)) return false;
  return uploadStart >= 0 && uploadStart <= uploadEnd;
}

function checkOrigin(origin: string): void {
  if (origin === '' || origin.includes('\n')) throw refuseAddEntries('the origin is not one non-empty line');
  try {
    checkNoteText(`${origin}\n`);
  } catch (cause) {
    throw refuseAddEntries('the origin is none that a checkpoint can have', { cause });
  }
}

function decodeTicket(text: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch (cause) {
    throw refuseInfo('line 3 is not a ticket in canonical Base 64', { cause });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255);
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, BigInt(value));
  return bytes;
}

function refuseUpload(uploadStart: number, uploadEnd: number): TlogError {
  return refuseAddEntries(`its range, ${uploadStart} to ${uploadEnd}, is not one within 0 to 2^53 - 1`);
}

function refuseAddEntries(why: string, options?: ErrorOptions): TlogError {
  return new TlogError('malformed-request', `malformed add-entries request: ${why}`, options);
}

function refuseInfo(why: string, options?: ErrorOptions): TlogError {
  return new TlogError('malformed-answer', `malformed mirror info: ${why}`, options);
}
