// Tiles and their paths: c2sp.org/tlog-tiles, "Merkle Tree".

import { parseDecimal } from './decimal.ts';
import { TlogError } from './error.ts';
import { HASH_BYTES, hashNode, type NodeAddress, type ReadNodes, rootOfLeaves } from './merkle.ts';

/** Tree levels in one tile. */
export const TILE_HEIGHT = 8;

/** Hashes in a full tile, and entries in a full bundle. */
export const TILE_WIDTH = 256;

const MAX_LEVEL = 63;

/** Where an entry bundle or, at some level, a tile stands: `width` is 256 when full, 1 to 255 when partial. */
export interface BundleAddress {
  readonly index: number;
  readonly width: number;
}

export interface TileAddress extends BundleAddress {
  /** Tile level, 0 to 63: level 0 holds leaf hashes, level n the roots of full tiles of level n - 1. */
  readonly level: number;
}

/** Reads a tile of exactly this width (`width * 32` bytes), or the full tile in its place (8,192 bytes). */
export type ReadTile = (tile: TileAddress) => Promise<Uint8Array>;

/**
 * `tile/<L>/<N>[.p/<W>]`, relative to the log's prefix, without a leading slash.
 *
 * @throws RangeError on a level, index or width outside the format
 */
export function formatTilePath({ level, index, width }: TileAddress): string {
  if (!Number.isSafeInteger(level) || level < 0 || level > MAX_LEVEL) {
    throw new RangeError(`${level} is not a tile level (0 to ${MAX_LEVEL})`);
  }
  return `tile/${level}/${formatPosition({ index, width })}`;
}

/**
 * The inverse of formatTilePath.
 *
 * @throws TlogError `malformed-tile-path`
 */
export function parseTilePath(path: string): TileAddress {
  const [tile, level, ...rest] = splitPath(path);
  const value = level === undefined ? undefined : parseDecimal(level);
  if (tile !== 'tile' || value === undefined || value > MAX_LEVEL) throw malformedPath(path);
  return { level: value, ...parsePosition(rest, path) };
}

/** `tile/entries/<N>[.p/<W>]`. @throws RangeError on an index or width outside the format */
export function formatBundlePath(bundle: BundleAddress): string {
  return `tile/entries/${formatPosition(bundle)}`;
}

/** The inverse of formatBundlePath. @throws TlogError `malformed-tile-path` */
export function parseBundlePath(path: string): BundleAddress {
  const [tile, entries, ...rest] = splitPath(path);
  if (tile !== 'tile' || entries !== 'entries') throw malformedPath(path);
  return parsePosition(rest, path);
}

function formatPosition({ index, width }: BundleAddress): string {
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`${index} is not a tile index`);
  if (!Number.isSafeInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new RangeError(`${width} is not a tile width (1 to ${TILE_WIDTH})`);
  }
  let path = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`;
  }
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

function parsePosition(elements: readonly string[], path: string): BundleAddress {
  const joined = elements.join('/');
  const [digits = '', partial, ...more] = joined.split('.p/');
  const width = partial === undefined ? TILE_WIDTH : parseDecimal(partial);
  const index = Number(digits.replaceAll('x', '').replaceAll('/', ''));
  if (width === undefined || more.length > 0 || !Number.isSafeInteger(index)) throw malformedPath(path);
  if (width < 1 || (partial !== undefined && width >= TILE_WIDTH)) throw malformedPath(path);
  // Number() and the stripping above are lenient; only what formats back to the same path is accepted.
  if (index < 0 || formatPosition({ index, width }) !== joined) throw malformedPath(path);
  return { index, width };
}

function splitPath(path: string): string[] {
  // The longest index takes six elements.
  if (path.length > 64) throw malformedPath(path);
  return path.split('/');
}

function malformedPath(path: string): TlogError {
  return new TlogError('malformed-tile-path', `not a tile path: ${JSON.stringify(path.slice(0, 80))}`);
}

/** How many hashes the tiles of a level hold in all, in a tree of this size: floor(treeSize / 256^level). */
export function hashesAtLevel(level: number, treeSize: number): number {
  return Math.floor(treeSize / TILE_WIDTH ** level);
}

/** The width that the tile has in a tree of this size: 1 to 256, or 0 if it does not exist. */
export function tileWidth(
  tile: { readonly level: number; readonly index: number },
  treeSize: number,
): number {
  const left = hashesAtLevel(tile.level, treeSize) - tile.index * TILE_WIDTH;
  return Math.max(0, Math.min(TILE_WIDTH, left));
}

/**
 * The tiles of a tree of `treeSize`, level by level from 0; with `fromSize`, only those that hold a hash which a
 * tree of that size has not, which is what a log must write to grow. Lazy: a large tree has many.
 */
export function* tilesOfTree(treeSize: number, fromSize = 0): Generator<TileAddress> {
  for (let level = 0; level <= MAX_LEVEL && hashesAtLevel(level, treeSize) > 0; level++) {
    const hashes = hashesAtLevel(level, treeSize);
    const known = hashesAtLevel(level, fromSize);
    if (hashes === known) continue;
    for (let index = Math.floor(known / TILE_WIDTH); index * TILE_WIDTH < hashes; index++) {
      yield { level, index, width: tileWidth({ level, index }, treeSize) };
    }
  }
}

/** The bundles of a tree of `treeSize`; with `fromSize`, only those that hold an entry at or after it. Lazy. */
export function* bundlesOfTree(treeSize: number, fromSize = 0): Generator<BundleAddress> {
  if (fromSize >= treeSize) return;
  for (let index = Math.floor(fromSize / TILE_WIDTH); index * TILE_WIDTH < treeSize; index++) {
    yield { index, width: tileWidth({ level: 0, index }, treeSize) };
  }
}

/**
 * The hashes of a tile.
 *
 * @throws TlogError `malformed-tile` unless it holds exactly `width` hashes, or is the full tile in its place (of
 * which the first `width` are returned)
 */
export function parseTile(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length !== width * HASH_BYTES && bytes.length !== TILE_WIDTH * HASH_BYTES) {
    throw new TlogError(
      'malformed-tile',
      `a tile of width ${width} has ${width * HASH_BYTES} bytes, not ${bytes.length}`,
    );
  }
  return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

/**
 * Reads the nodes of a tree of `treeSize` from its tiles, each tile once per batch and all at the same time. What
 * it reads vouches for nothing: verify the proofs made from it against a signed root.
 *
 * The reader throws TlogError `malformed-tile`, and RangeError for a node outside the tree.
 */
export function tileNodeReader(treeSize: number, readTile: ReadTile): ReadNodes {
  return async (addresses) => {
    const tiles = new Map<string, Promise<Uint8Array[]>>();
    const readOnce = (tile: TileAddress): Promise<Uint8Array[]> => {
      const path = formatTilePath(tile);
      const known = tiles.get(path);
      if (known !== undefined) return known;
      const read = readTile(tile).then((bytes) => parseTile(bytes, tile.width));
      tiles.set(path, read);
      return read;
    };
    return Promise.all(
      addresses.map(async (address) => {
        const { tile, start, count } = locateNode(address, treeSize);
        const hashes = await readOnce(tile);
        return rootOfLeaves(hashes.slice(start, start + count), hashNode);
      }),
    );
  };
}

/** Where a node stands: it is the root of `count` hashes of the tile, beginning with the one at `start`. */
function locateNode(
  address: NodeAddress,
  treeSize: number,
): { tile: TileAddress; start: number; count: number } {
  const level = Math.floor(address.level / TILE_HEIGHT);
  const count = 2 ** (address.level % TILE_HEIGHT);
  const first = address.index * count;
  const index = Math.floor(first / TILE_WIDTH);
  const start = first % TILE_WIDTH;
  const width = tileWidth({ level, index }, treeSize);
  if (start + count > width) {
    throw new RangeError(
      `node ${address.index} of level ${address.level} is not in a tree of size ${treeSize}`,
    );
  }
  return { tile: { level, index, width }, start, count };
}
