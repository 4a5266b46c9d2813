/** Reads one log: tiles and bundles up to a size that is in tiles, entries of what is durable, and proofs made from tiles. */
import {
  consistencyProof,
  formatBundlePath,
  formatTilePath,
  HASH_BYTES,
  inclusionProof,
  parseEntries,
  type ReadNodes,
  type TileAddress,
  TILE_WIDTH,
  TlogError,
  tileNodeReader,
  tileWidth,
  treeRoot,
} from '@vitrine/tlog';
import type { Entry, EntryKind } from './log.ts';
import { LogError } from './log-error.ts';
import type { LogStore } from './log-store.ts';
import type { Tail } from './tail.ts';

/** Bytes of `registeredAt` before an entry of a registered log. */
export const REGISTERED_AT_BYTES = 8;

/** Splits a leaf. @throws LogError `corrupt` if it is too short to have a registeredAt */
export function readLeaf(kind: EntryKind['kind'], leafIndex: number, leaf: Uint8Array): Entry {
  if (kind === 'open') return { leafIndex, leaf, registeredAt: null, bytes: leaf };
  if (leaf.length < REGISTERED_AT_BYTES) {
    throw new LogError('corrupt', `entry ${leafIndex} has ${leaf.length} bytes: too few for registeredAt`);
  }
  const registeredAt = Number(new DataView(leaf.buffer, leaf.byteOffset).getBigUint64(0));
  return { leafIndex, leaf, registeredAt, bytes: leaf.subarray(REGISTERED_AT_BYTES) };
}

/** What is on disk, and the end of the log that may not be there yet. */
type ReadableStore = Pick<LogStore, 'readFile' | 'partialWidths'>;
type ReadableTail = Pick<Tail, 'size' | 'tile' | 'leavesOf'>;

export class LogReader {
  readonly #kind: EntryKind['kind'];
  readonly #store: ReadableStore;
  readonly #tail: ReadableTail;
  readonly #readableSize: () => number;

  constructor(kind: EntryKind['kind'], store: ReadableStore, tail: ReadableTail, readableSize: () => number) {
    this.#kind = kind;
    this.#store = store;
    this.#tail = tail;
    this.#readableSize = readableSize;
  }

  async readTile(tile: TileAddress): Promise<Uint8Array | null> {
    const path = formatTilePath({ ...tile, width: TILE_WIDTH });
    if (tile.width > tileWidth(tile, this.#readableSize())) return null;
    const bytes = this.#tail.tile(tile.level, tile.index) ?? (await this.#readWidest(path, tile.width));
    return bytes?.subarray(0, tile.width * HASH_BYTES) ?? null;
  }

  async readBundle(bundle: { readonly index: number; readonly width: number }): Promise<Uint8Array | null> {
    const { index, width } = bundle;
    const path = formatBundlePath({ index, width: TILE_WIDTH });
    if (width > tileWidth({ level: 0, index }, this.#readableSize())) return null;
    const exact = await this.#store.readFile(formatBundlePath(bundle));
    if (exact !== null) return exact;
    const wider = await this.#readWidest(path, width);
    return wider === null ? null : cutBundle(wider, width);
  }

  async readEntry(leafIndex: number): Promise<Entry> {
    for await (const entry of this.readEntries(leafIndex, leafIndex + 1)) return entry;
    throw new LogError('out-of-range', `the log has no entry ${leafIndex}`);
  }

  async *readEntries(start: number, end: number): AsyncIterable<Entry> {
    if (!Number.isSafeInteger(start) || start < 0 || !Number.isSafeInteger(end) || end > this.#tail.size) {
      throw new LogError('out-of-range', `entries ${start} to ${end} of a log of ${this.#tail.size}`);
    }
    for (let index = start; index < end; ) {
      const bundle = Math.floor(index / TILE_WIDTH);
      const leaves = await this.#leavesOf(bundle, Math.min(TILE_WIDTH, end - bundle * TILE_WIDTH));
      for (; index < end && Math.floor(index / TILE_WIDTH) === bundle; index++) {
        const leaf = leaves[index % TILE_WIDTH];
        if (leaf === undefined) throw new LogError('corrupt', `entry ${index} is not in its bundle`);
        yield readLeaf(this.#kind, index, leaf);
      }
    }
  }

  /**
   * The hashes of the durable leaves in a level-0 tile, as many as there are (and, for the one at the edge,
   * perhaps bytes without meaning after them).
   * @throws LogError `corrupt` if the tile is missing
   */
  async leafHashes(index: number): Promise<Uint8Array> {
    const tile = this.#tail.tile(0, index);
    if (tile !== null) return tile;
    const path = formatTilePath({ level: 0, index, width: TILE_WIDTH });
    const width = tileWidth({ level: 0, index }, this.#tail.size);
    const bytes = await this.#readWidest(path, width);
    if (bytes === null || bytes.length < width * HASH_BYTES) {
      throw new LogError('corrupt', `${path} is missing or cut short`);
    }
    return bytes;
  }

  async inclusionProof(leafIndex: number, treeSize: number): Promise<Uint8Array[]> {
    this.#requirePublished(treeSize);
    if (!Number.isSafeInteger(leafIndex) || leafIndex < 0 || leafIndex >= treeSize) {
      throw new LogError('out-of-range', `entry ${leafIndex} is not in a tree of size ${treeSize}`);
    }
    return explain(() => inclusionProof(leafIndex, treeSize, this.#nodes(treeSize)));
  }

  async consistencyProof(from: number, to: number): Promise<Uint8Array[]> {
    this.#requirePublished(to);
    if (!Number.isSafeInteger(from) || from <= 0 || from > to) {
      throw new LogError('out-of-range', `no consistency proof leads from size ${from} to ${to}`);
    }
    return explain(() => consistencyProof(from, to, this.#nodes(to)));
  }

  async rootAt(treeSize: number): Promise<Uint8Array> {
    this.#requirePublished(treeSize);
    return explain(() => treeRoot(treeSize, this.#nodes(treeSize)));
  }

  #nodes(treeSize: number): ReadNodes {
    return tileNodeReader(treeSize, async (tile) => {
      const bytes = await this.readTile(tile);
      if (bytes === null) throw new LogError('corrupt', `${formatTilePath(tile)} is missing`);
      return bytes;
    });
  }

  #requirePublished(treeSize: number): void {
    const readable = this.#readableSize();
    if (Number.isSafeInteger(treeSize) && treeSize >= 0 && treeSize <= readable) return;
    throw new LogError('out-of-range', `size ${treeSize} is not published yet; the newest is ${readable}`);
  }

  async #leavesOf(bundle: number, width: number): Promise<readonly Uint8Array[]> {
    const inMemory = this.#tail.leavesOf(bundle);
    if (inMemory !== null) return inMemory;
    const path = formatBundlePath({ index: bundle, width: TILE_WIDTH });
    const bytes = await this.#readWidest(path, width);
    if (bytes === null) throw new LogError('corrupt', `${path} is missing`);
    return parseLeaves(bytes, path);
  }

  /** The full tile or bundle of this path, or a partial one of at least `width`, or null. */
  async #readWidest(path: string, width: number): Promise<Uint8Array | null> {
    const full = await this.#store.readFile(path);
    if (full !== null) return full;
    if (width === TILE_WIDTH) return null;
    const widths = (await this.#store.partialWidths(path)).filter((held) => held >= width);
    if (widths.length === 0) {
      // The full tile may have come, and its partials gone, between the two reads.
      return this.#store.readFile(path);
    }
    return (await this.#store.readFile(`${path}.p/${Math.max(...widths)}`)) ?? this.#store.readFile(path);
  }
}

function parseLeaves(bytes: Uint8Array, path: string): Uint8Array[] {
  try {
    return parseEntries(bytes, TILE_WIDTH);
  } catch (cause) {
    if (cause instanceof TlogError) throw new LogError('corrupt', `${path}: ${cause.message}`, { cause });
    throw cause;
  }
}

function cutBundle(bytes: Uint8Array, width: number): Uint8Array {
  let end = 0;
  for (let i = 0; i < width; i++) end += 2 + lengthAt(bytes, end);
  if (end > bytes.length) throw new LogError('corrupt', 'a bundle on disk is cut short');
  return bytes.subarray(0, end);
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

async function explain<T>(prove: () => Promise<T>): Promise<T> {
  try {
    return await prove();
  } catch (cause) {
    if (cause instanceof TlogError) throw new LogError('corrupt', cause.message, { cause });
    throw cause;
  }
}
