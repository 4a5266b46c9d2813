/**
 * How a followed log grows, proven from its root down before anything of it is kept. The partial tiles at the right
 * edge of the new tree give the root that the log signed; each hash in them proves the full tile below it, and so on
 * down to the bundles. What is held must be the beginning of that tree: its own right edge stands in it, hash by hash.
 * So an altered file is told from a fork, and one file is verified without waiting for the others.
 */
import { edgeAddresses, hashTile, type LogSource, readBundle, readTile, rootOfEdge } from '@vitrine/fsck';
import {
  type BundleAddress,
  equalBytes,
  formatBundlePath,
  formatTilePath,
  HASH_BYTES,
  hashesAtLevel,
  TILE_WIDTH,
  type TileAddress,
  tileWidth,
} from '@vitrine/tlog';
import type { TileFile } from '../log/log-store.ts';
import { FollowError } from './follow-error.ts';
import type { BundleRun } from './followed-store.ts';

/** Bundles in one run: enough that handing it to a thread costs nothing, few enough that all threads end together. */
const RUN_BUNDLES = 64;

/** By level: the hashes of the partial tile at the right edge, 32 bytes each. Levels without a partial tile have none. */
export type EdgeTiles = ReadonlyMap<number, Uint8Array>;

/** A tree of which the right edge is known. */
export interface Edge {
  readonly size: number;
  readonly tiles: EdgeTiles;
}

/** The edge of the empty tree. */
export const EMPTY_EDGE: Edge = { size: 0, tiles: new Map() };

/** 32 bytes. */
export function rootOf({ tiles }: Edge): Uint8Array {
  return rootOfEdge([...tiles].map(([level, hashes]) => ({ level, hashes })));
}

export class GrowthProof {
  readonly edge: Edge;
  readonly #held: Edge;
  readonly #source: LogSource;
  readonly #edgeBundle: { readonly address: BundleAddress; readonly bytes: Uint8Array } | null;
  /** Full tiles that were read to compare the held edge with. */
  readonly #proven = new Map<string, Promise<Uint8Array>>();

  private constructor(
    source: LogSource,
    held: Edge,
    edge: Edge,
    edgeBundle: { readonly address: BundleAddress; readonly bytes: Uint8Array } | null,
  ) {
    this.#source = source;
    this.#held = held;
    this.edge = edge;
    this.#edgeBundle = edgeBundle;
  }

  /**
   * Proves that the tree of `size` and `root` begins with the held one, which is smaller; `not-an-extension` if it
   * proves the opposite: whoever signed both has forked the log.
   * @throws FollowError `does-not-hold` @throws FsckError `unreachable`
   */
  static async of(
    source: LogSource,
    held: Edge,
    { size, root }: { readonly size: number; readonly root: Uint8Array },
  ): Promise<GrowthProof | 'not-an-extension'> {
    const addresses = edgeAddresses(size);
    const lowest = addresses.find(({ level }) => level === 0);
    const bundle = lowest === undefined ? null : await readEdgeBundle(source, lowest);
    // What did not grow is not read again, unless the root then shows that it is not what is held.
    for (const reused of [held.tiles, new Map<number, Uint8Array>()]) {
      const tiles = new Map<number, Uint8Array>();
      for (const address of addresses) {
        const own = hashesAtLevel(address.level, size) === hashesAtLevel(address.level, held.size);
        const known = own ? reused.get(address.level) : undefined;
        const hashes = address.level === 0 ? bundle?.hashes : known;
        tiles.set(address.level, hashes ?? (await readEdgeTile(source, address)));
      }
      const edge = { size, tiles };
      if (!equalBytes(rootOf(edge), root)) continue;
      const proof = new GrowthProof(source, held, edge, bundle);
      return (await proof.#extendsHeld()) ? proof : 'not-an-extension';
    }
    const paths = addresses.map((address) =>
      address.level === 0 ? formatBundlePath(address) : formatTilePath(address),
    );
    throw new FollowError(
      'does-not-hold',
      `altered: ${paths.join(', ')} do not give the root that the log signed for size ${size}`,
    );
  }

  /** How many full bundles the new tree has that the held one has not. */
  get bundles(): number {
    return hashesAtLevel(1, this.edge.size) - hashesAtLevel(1, this.#held.size);
  }

  /**
   * The full bundles that are new, in order, and between them the full tiles above level 0 that are new, each verified.
   * @throws FollowError `does-not-hold` @throws FsckError `unreachable`
   */
  async *parts(): AsyncGenerator<
    { readonly run: Omit<BundleRun, 'mayBeThere'> } | { readonly tile: TileFile }
  > {
    const levels = [...this.edge.tiles.keys()].filter((level) => level > 0).toSorted((a, b) => b - a);
    for (const level of levels) {
      const index = Math.floor(hashesAtLevel(level, this.edge.size) / TILE_WIDTH);
      yield* this.#below(level, index, this.edge.tiles.get(level) ?? new Uint8Array());
    }
  }

  /** The partial tiles and the partial bundle of the new size, where the held tree has not the same. */
  edgeFiles(): TileFile[] {
    const { size, tiles } = this.edge;
    const files: TileFile[] = [];
    for (const address of edgeAddresses(size)) {
      const hashes = tiles.get(address.level);
      const isHeld = hashesAtLevel(address.level, size) === hashesAtLevel(address.level, this.#held.size);
      if (hashes !== undefined && !isHeld) files.push({ path: formatTilePath(address), bytes: () => hashes });
    }
    const bundle = this.#edgeBundle;
    if (bundle !== null) files.push({ path: formatBundlePath(bundle.address), bytes: () => bundle.bytes });
    return files;
  }

  async *#below(
    level: number,
    index: number,
    hashes: Uint8Array,
  ): AsyncGenerator<{ readonly run: Omit<BundleRun, 'mayBeThere'> } | { readonly tile: TileFile }> {
    const width = hashes.length / HASH_BYTES;
    const known = tileWidth({ level, index }, this.#held.size);
    if (level === 1) {
      for (let from = known; from < width; from += RUN_BUNDLES) {
        const to = Math.min(width, from + RUN_BUNDLES);
        yield {
          run: {
            firstIndex: index * TILE_WIDTH + from,
            // A copy: a view would take all of its tile along to a thread.
            roots: hashes.slice(from * HASH_BYTES, to * HASH_BYTES),
          },
        };
      }
      return;
    }
    for (let position = known; position < width; position++) {
      const child = { level: level - 1, index: index * TILE_WIDTH + position, width: TILE_WIDTH };
      const path = formatTilePath(child);
      const bytes = await (this.#proven.get(path) ?? this.#readFull(child, hashAt(hashes, position)));
      yield { tile: { path, bytes: () => bytes } };
      yield* this.#below(child.level, child.index, bytes);
    }
  }

  async #extendsHeld(): Promise<boolean> {
    for (const [level, held] of this.#held.tiles) {
      const index = Math.floor(hashesAtLevel(level, this.#held.size) / TILE_WIDTH);
      const now = await this.#provenTile(level, index);
      if (!equalBytes(now.subarray(0, held.length), held)) return false;
    }
    return true;
  }

  async #provenTile(level: number, index: number): Promise<Uint8Array> {
    const width = tileWidth({ level, index }, this.edge.size);
    if (width < TILE_WIDTH) return this.edge.tiles.get(level) ?? new Uint8Array();
    const tile = { level, index, width };
    const path = formatTilePath(tile);
    const known = this.#proven.get(path);
    if (known !== undefined) return known;
    const above = await this.#provenTile(level + 1, Math.floor(index / TILE_WIDTH));
    const read = this.#readFull(tile, hashAt(above, index % TILE_WIDTH));
    this.#proven.set(path, read);
    return read;
  }

  /** A full tile, which is the one that hashes to `root`. Of level 0 its bundle is read. */
  async #readFull(tile: TileAddress, root: Uint8Array): Promise<Uint8Array> {
    const path = tile.level === 0 ? formatBundlePath(tile) : formatTilePath(tile);
    const read = tile.level === 0 ? await readBundle(this.#source, tile) : await readTile(this.#source, tile);
    if ('fault' in read) throw new FollowError('does-not-hold', `${path}: ${read.fault}`);
    if (equalBytes(hashTile(read.hashes), root)) return read.hashes;
    throw new FollowError(
      'does-not-hold',
      `${path}: altered: it does not hash to what the checkpoint proves`,
    );
  }
}

async function readEdgeTile(source: LogSource, address: TileAddress): Promise<Uint8Array> {
  const read = await readTile(source, address);
  if ('hashes' in read) return read.hashes;
  throw new FollowError('does-not-hold', `${formatTilePath(address)}: ${read.fault}`);
}

async function readEdgeBundle(
  source: LogSource,
  address: BundleAddress,
): Promise<{ readonly address: BundleAddress; readonly bytes: Uint8Array; readonly hashes: Uint8Array }> {
  const read = await readBundle(source, address);
  if ('hashes' in read) return { address, bytes: read.bytes, hashes: read.hashes };
  throw new FollowError('does-not-hold', `${formatBundlePath(address)}: ${read.fault}`);
}

function hashAt(hashes: Uint8Array, position: number): Uint8Array {
  return hashes.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES);
}
