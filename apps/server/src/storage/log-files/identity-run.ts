/**
 * Older identities on disk: an immutable sorted run of the entries start ≤ i < start + count. Each key is 64 bits,
 * of which the low `offsetBits` say which entry of the run it is and the rest are the identity's. In memory are
 * the run's Bloom filter (two bytes an entry) and the first key of each page of 512. Format:
 * docs/formats/log-storage.md.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writevSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { LogError } from '../../log/log-error.ts';

const MAGIC = Buffer.from(endianness() === 'LE' ? 'VTRNIDL1' : 'VTRNIDB1', 'latin1');
/** magic 8 · start 8 · count 8 · CRC-32 of fences and filter 4 · CRC-32 of the header before it 4 */
const HEADER_BYTES = 32;
const PAGE_KEYS = 512;
const PAGE_BYTES = 8 * PAGE_KEYS;
/** Fence of a page: low and high word of its first key, CRC-32 of its bytes. */
const FENCE_WORDS = 3;
const BLOCK_WORDS = 16;
const KEYS_IN_BLOCK = 32;
const PROBES = 8;
const LOW_WORD = endianness() === 'LE' ? 0 : 1;

export type RunRange = { readonly start: number; readonly count: number };

/** `0000…start-0000…end.run` */
function runName({ start, count }: RunRange): string {
  return `${pad(start)}-${pad(start + count)}.run`;
}

/** The inverse of `runName`, or null. */
export function parseRunName(name: string): RunRange | null {
  const match = /^(\d{16})-(\d{16})\.run$/.exec(name);
  if (match === null) return null;
  const start = Number(match[1]);
  return { start, count: Number(match[2]) - start };
}

/** Bits that number the entries of a run. */
function offsetBits(count: number): number {
  return Math.max(1, 32 - Math.clz32(count - 1));
}

/** Sorts the keys of entries start, start + 1, … into a run file. Blocks; runs in the worker. */
export function buildRun(folder: string, start: number, high: Uint32Array, low: Uint32Array): void {
  const count = high.length;
  const keys = new BigUint64Array(count);
  const words = new Uint32Array(keys.buffer);
  const mask = 2 ** offsetBits(count) - 1;
  for (let i = 0; i < count; i++) {
    words[2 * i + LOW_WORD] = ((low[i] ?? 0) & ~mask) | i;
    words[2 * i + 1 - LOW_WORD] = high[i] ?? 0;
  }
  writeRun(folder, { start, count }, keys);
}

/** Merges adjacent runs into one file; they stay. Blocks; runs in the worker. */
export function mergeRuns(folder: string, ranges: readonly RunRange[]): void {
  const start = ranges[0]?.start ?? 0;
  const count = ranges.reduce((sum, range) => sum + range.count, 0);
  const keys = new BigUint64Array(count);
  const words = new Uint32Array(keys.buffer);
  const mask = 2 ** offsetBits(count) - 1;
  let at = 0;
  for (const range of ranges) {
    const file = readFileSync(join(folder, runName(range)));
    const bytes = new Uint8Array(file.subarray(HEADER_BYTES, HEADER_BYTES + 8 * range.count));
    const old = new Uint32Array(bytes.buffer);
    const oldMask = 2 ** offsetBits(range.count) - 1;
    const shift = range.start - start;
    for (let i = 0; i < range.count; i++, at++) {
      const low = old[2 * i + LOW_WORD] ?? 0;
      words[2 * at + LOW_WORD] = (low & ~mask) | ((low & oldMask) + shift);
      words[2 * at + 1 - LOW_WORD] = old[2 * i + 1 - LOW_WORD] ?? 0;
    }
  }
  writeRun(folder, { start, count }, keys);
}

function writeRun(folder: string, range: RunRange, keys: BigUint64Array<ArrayBuffer>): void {
  keys.sort();
  const words = new Uint32Array(keys.buffer);
  const bytes = new Uint8Array(keys.buffer);
  const fences = new Uint32Array(FENCE_WORDS * Math.ceil(range.count / PAGE_KEYS));
  for (let page = 0; page * PAGE_KEYS < range.count; page++) {
    fences[FENCE_WORDS * page] = words[2 * page * PAGE_KEYS + LOW_WORD] ?? 0;
    fences[FENCE_WORDS * page + 1] = words[2 * page * PAGE_KEYS + 1 - LOW_WORD] ?? 0;
    fences[FENCE_WORDS * page + 2] = crc32(bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
  }
  const filter = new Uint32Array(filterWords(range.count));
  const mask = 2 ** offsetBits(range.count) - 1;
  for (let i = 0; i < range.count; i++) {
    const high = words[2 * i + 1 - LOW_WORD] ?? 0;
    addToFilter(filter, high, (words[2 * i + LOW_WORD] ?? 0) & ~mask);
  }
  const edge = Buffer.concat([asBytes(fences), asBytes(filter)]);
  const path = join(folder, runName(range));
  const descriptor = openSync(`${path}.tmp`, 'w');
  try {
    writeAll(descriptor, [formatHeader(range, crc32(edge)), bytes, edge]);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${path}.tmp`, path);
}

function writeAll(descriptor: number, parts: readonly Uint8Array[]): void {
  for (let part of parts) {
    while (part.length > 0) part = part.subarray(writevSync(descriptor, [part]));
  }
}

function formatHeader({ start, count }: RunRange, edgeCrc: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeBigUInt64BE(BigInt(start), 8);
  header.writeBigUInt64BE(BigInt(count), 16);
  header.writeUInt32BE(edgeCrc, 24);
  header.writeUInt32BE(crc32(header.subarray(0, 28)), 28);
  return header;
}

/** An open run. */
export class IdentityRun {
  readonly range: RunRange;
  readonly path: string;
  readonly #file: FileHandle;
  readonly #fences: Uint32Array;
  readonly #filter: Uint32Array;
  readonly #mask: number;

  private constructor(
    path: string,
    range: RunRange,
    file: FileHandle,
    fences: Uint32Array,
    filter: Uint32Array,
  ) {
    this.path = path;
    this.range = range;
    this.#file = file;
    this.#fences = fences;
    this.#filter = filter;
    this.#mask = 2 ** offsetBits(range.count) - 1;
  }

  /** null if the file is not the whole run of that range: what is derived can be derived again. */
  static async open(folder: string, range: RunRange): Promise<IdentityRun | null> {
    const path = join(folder, runName(range));
    const file = await open(path, 'r');
    const fences = new Uint32Array(FENCE_WORDS * Math.ceil(range.count / PAGE_KEYS));
    const filter = new Uint32Array(filterWords(range.count));
    const edge = Buffer.alloc(fences.byteLength + filter.byteLength);
    const header = Buffer.alloc(HEADER_BYTES);
    await file.read(header, 0, HEADER_BYTES, 0);
    await file.read(edge, 0, edge.length, HEADER_BYTES + 8 * range.count);
    if (!header.equals(formatHeader(range, crc32(edge)))) {
      await file.close();
      return null;
    }
    asBytes(fences).set(edge.subarray(0, fences.byteLength));
    asBytes(filter).set(edge.subarray(fences.byteLength));
    return new IdentityRun(path, range, file, fences, filter);
  }

  /** False: no entry of the run has the key. True: one may. */
  mayHold(high: number, low: number): boolean {
    return isInFilter(this.#filter, high, low & ~this.#mask);
  }

  /** Leaf indices whose key agrees in all bits that the run keeps. @throws LogError `corrupt` */
  async find(high: number, low: number): Promise<number[]> {
    const found: number[] = [];
    const first = (low & ~this.#mask) >>> 0;
    const last = (low | this.#mask) >>> 0;
    for (let page = this.#lastPageFrom(high, first); this.#startsBy(page, high, last); page++) {
      const words = await this.#readPage(page);
      for (let i = 0; i < words.length; i += 2) {
        const keyLow = words[i + LOW_WORD] ?? 0;
        if (words[i + 1 - LOW_WORD] !== high || keyLow < first || keyLow > last) continue;
        found.push(this.range.start + (keyLow & this.#mask));
      }
    }
    return found;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** The last page whose first key is at or below the key; page 0 if none is. */
  #lastPageFrom(high: number, low: number): number {
    let from = 0;
    let to = this.#fences.length / FENCE_WORDS;
    while (to - from > 1) {
      const middle = (from + to) >>> 1;
      if (this.#startsBy(middle, high, low)) from = middle;
      else to = middle;
    }
    return from;
  }

  #startsBy(page: number, high: number, low: number): boolean {
    const firstLow = this.#fences[FENCE_WORDS * page];
    const firstHigh = this.#fences[FENCE_WORDS * page + 1];
    if (firstLow === undefined || firstHigh === undefined) return false;
    return firstHigh < high || (firstHigh === high && firstLow <= low);
  }

  async #readPage(page: number): Promise<Uint32Array> {
    const keys = Math.min(PAGE_KEYS, this.range.count - page * PAGE_KEYS);
    const words = new Uint32Array(2 * keys);
    const bytes = asBytes(words);
    await this.#file.read(bytes, 0, bytes.length, HEADER_BYTES + page * PAGE_BYTES);
    if (crc32(bytes) !== this.#fences[FENCE_WORDS * page + 2]) {
      throw new LogError(
        'corrupt',
        `${this.path}, byte ${HEADER_BYTES + page * PAGE_BYTES}: a page is damaged. It is derived: stop, delete the folder it is in, and start again`,
      );
    }
    return words;
  }
}

function filterWords(count: number): number {
  return BLOCK_WORDS * Math.ceil(count / KEYS_IN_BLOCK);
}

/** A Bloom filter in blocks of one cache line: one miss a look-up. */
function addToFilter(filter: Uint32Array, high: number, low: number): void {
  const block = blockOf(filter, high);
  const bits = bitsOf(high, low);
  for (let probe = 0, bit = bits; probe < PROBES; probe++, bit += (bits >>> 9) | 1) {
    const word = block + ((bit & 511) >>> 5);
    filter[word] = (filter[word] ?? 0) | (1 << (bit & 31));
  }
}

function isInFilter(filter: Uint32Array, high: number, low: number): boolean {
  const block = blockOf(filter, high);
  const bits = bitsOf(high, low);
  for (let probe = 0, bit = bits; probe < PROBES; probe++, bit += (bits >>> 9) | 1) {
    if (((filter[block + ((bit & 511) >>> 5)] ?? 0) & (1 << (bit & 31))) === 0) return false;
  }
  return true;
}

function blockOf(filter: Uint32Array, high: number): number {
  return BLOCK_WORDS * Math.floor((high / 2 ** 32) * (filter.length / BLOCK_WORDS));
}

function bitsOf(high: number, low: number): number {
  let h = Math.imul(high, 0x9e3779b1) ^ low;
  h = Math.imul(h ^ (h >>> 15), 0x85ebca77);
  return (h ^ (h >>> 13)) >>> 0;
}

function asBytes(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function pad(value: number): string {
  return String(value).padStart(16, '0');
}
