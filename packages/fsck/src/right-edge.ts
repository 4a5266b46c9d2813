// The right edge of the tree: the partial tile that each level has at the checkpoint's size. Their hashes are the
// perfect subtrees that make up the tree, so together they hash to the root that the log signed, and from them
// down every full tile is proven by the one above it.

import {
  equalBytes,
  Frontier,
  formatBundlePath,
  formatTilePath,
  HASH_BYTES,
  hashesAtLevel,
  TILE_HEIGHT,
  TILE_WIDTH,
  type TileAddress,
  tileWidth,
} from '@vitrine/tlog';
import { hashNode, hashTile } from './hashing.ts';
import type { LogSource } from './log-source.ts';
import type { Problem } from './log-report.ts';
import { checkOlderPartials } from './older-partials.ts';
import { type Hashes, readBundle, readTile } from './resources.ts';
import { findDifference } from './unit.ts';

/** Of one level: the tile, what is published, and what the checkpoint's root proves it to be. */
export interface EdgeTile {
  readonly tile: TileAddress;
  readonly published: Hashes;
  /** Undefined if no reading of the right edge hashes to the signed root. */
  readonly proven: Uint8Array | undefined;
}

export interface RightEdge {
  /** By level; levels whose tiles are all full have none. */
  readonly tiles: ReadonlyMap<number, EdgeTile>;
  /** The leaf hashes of the partial entry bundle. */
  readonly bundle: Hashes | undefined;
  readonly problems: readonly Problem[];
}

/** @throws FsckError `unreachable` */
export async function readRightEdge(
  source: LogSource,
  treeSize: number,
  root: Uint8Array,
): Promise<RightEdge> {
  const addresses = edgeAddresses(treeSize);
  const published = await Promise.all(addresses.map((tile) => readTile(source, tile)));
  const partial = addresses.find(({ level }) => level === 0);
  const bundle = partial === undefined ? undefined : await readBundle(source, partial);
  const direct = published.map((hashes) => ('hashes' in hashes ? [hashes.hashes] : []));
  const proven =
    chooseProven(addresses, direct, root) ??
    chooseProven(addresses, await addDerived(source, addresses, direct, bundle), root);
  const tiles = new Map<number, EdgeTile>();
  const problems: Problem[] = [];
  for (const [i, tile] of addresses.entries()) {
    const hashes = published[i] ?? { fault: 'missing' };
    const edge = { tile, published: hashes, proven: proven?.[i] };
    tiles.set(tile.level, edge);
    problems.push(...describeTile(edge));
    const readings = edge.proven === undefined ? [hashes] : [{ hashes: edge.proven }];
    if (edge.proven === undefined && tile.level === 0 && bundle !== undefined) readings.push(bundle);
    problems.push(...(await checkOlderPartials(source, tile, readings)));
    if (tile.level > 0) continue;
    const { index, width } = tile;
    problems.push(...(await checkOlderPartials(source, { index, width }, readings)));
  }
  if (partial !== undefined && bundle !== undefined) {
    problems.push(
      ...describeBundle(partial, bundle, published[addresses.indexOf(partial)], tiles.get(0)?.proven),
    );
  }
  return { tiles, bundle, problems };
}

/** The root that the hashes of all edge tiles together lead to. */
export function rootOfEdge(
  edges: readonly { readonly level: number; readonly hashes: Uint8Array }[],
): Uint8Array {
  const frontier = new Frontier(hashNode);
  for (const { level, hashes } of edges.toSorted((a, b) => b.level - a.level)) {
    for (let at = 0; at < hashes.length; at += HASH_BYTES) {
      frontier.appendSubtree(level * TILE_HEIGHT, hashes.subarray(at, at + HASH_BYTES));
    }
  }
  return frontier.root();
}

/** The partial tile that each level has in a tree of this size, where it has one; from level 0 up. */
export function edgeAddresses(treeSize: number): TileAddress[] {
  const addresses: TileAddress[] = [];
  for (let level = 0; hashesAtLevel(level, treeSize) > 0; level++) {
    const index = Math.floor(hashesAtLevel(level, treeSize) / TILE_WIDTH);
    const width = tileWidth({ level, index }, treeSize);
    if (width > 0) addresses.push({ level, index, width });
  }
  return addresses;
}

/** Adds to every level the hashes that the resources below it give, where they can all be read. */
async function addDerived(
  source: LogSource,
  addresses: readonly TileAddress[],
  direct: readonly (readonly Uint8Array[])[],
  bundle: Hashes | undefined,
): Promise<(readonly Uint8Array[])[]> {
  return Promise.all(
    addresses.map(async (tile, i) => {
      const derived = tile.level === 0 ? bundle : await deriveTile(source, tile);
      return [
        ...(direct[i] ?? []),
        ...(derived !== undefined && 'hashes' in derived ? [derived.hashes] : []),
      ];
    }),
  );
}

async function deriveTile(source: LogSource, { level, index, width }: TileAddress): Promise<Hashes> {
  const hashes = new Uint8Array(width * HASH_BYTES);
  for (let i = 0; i < width; i++) {
    const child = { level: level - 1, index: index * TILE_WIDTH + i, width: TILE_WIDTH };
    const tile = await readTile(source, child);
    if ('fault' in tile) return tile;
    hashes.set(hashTile(tile.hashes), i * HASH_BYTES);
  }
  return { hashes };
}

// At most seven levels of two readings each.
function chooseProven(
  addresses: readonly TileAddress[],
  readings: readonly (readonly Uint8Array[])[],
  root: Uint8Array,
): Uint8Array[] | undefined {
  const choose = (chosen: readonly Uint8Array[]): Uint8Array[] | undefined => {
    const options = readings[chosen.length];
    if (options === undefined) {
      const edges = addresses.flatMap(({ level }, i) => {
        const hashes = chosen[i];
        return hashes === undefined ? [] : [{ level, hashes }];
      });
      return equalBytes(rootOfEdge(edges), root) ? [...chosen] : undefined;
    }
    for (const option of options) {
      const found = choose([...chosen, option]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return choose([]);
}

function describeTile({ tile, published, proven }: EdgeTile): Problem[] {
  const path = formatTilePath(tile);
  if ('fault' in published) return [{ path, reason: published.fault }];
  const at = proven === undefined ? undefined : findDifference(published, { hashes: proven });
  return at === undefined
    ? []
    : [{ path, reason: `altered: hash ${at} is not the one that the checkpoint proves` }];
}

function describeBundle(
  { index, width }: TileAddress,
  bundle: Hashes,
  tile: Hashes | undefined,
  proven: Uint8Array | undefined,
): Problem[] {
  const path = formatBundlePath({ index, width });
  if ('fault' in bundle) return [{ path, reason: bundle.fault }];
  if (proven !== undefined) {
    const at = findDifference(bundle, { hashes: proven });
    return at === undefined ? [] : [{ path, reason: describeEntry(index, at) }];
  }
  if (tile === undefined) return [];
  const at = findDifference(bundle, tile);
  if (at === undefined) return [];
  const reason = `entry ${at} and hash ${at} of ${formatTilePath({ level: 0, index, width })} do not belong together`;
  return [{ path, reason }];
}

/** What to say of an entry whose leaf hash is proven to be another. */
export function describeEntry(bundleIndex: number, position: number): string {
  const leafIndex = bundleIndex * TILE_WIDTH + position;
  return `altered: entry ${position} (leaf ${leafIndex}) does not hash to the leaf that the checkpoint proves`;
}
