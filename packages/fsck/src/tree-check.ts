// Rebuilds the tree from the roots that entry bundles give, unit by unit, and holds every published tile against
// it. Where they differ, the checkpoint decides which of them was altered: a tile that hashes to what a proven
// tile above it holds is proven itself.

import {
  equalBytes,
  Frontier,
  formatBundlePath,
  formatTilePath,
  HASH_BYTES,
  hashesAtLevel,
  TILE_HEIGHT,
  TILE_WIDTH,
  tileWidth,
} from '@vitrine/tlog';
import { hashNode, hashTile } from './hashing.ts';
import type { ProblemList } from './log-report.ts';
import type { LogSource } from './log-source.ts';
import { checkOlderPartials } from './older-partials.ts';
import { type Hashes, readTile } from './resources.ts';
import { describeEntry, type RightEdge } from './right-edge.ts';
import type { Disagreement, UnitReport } from './unit.ts';

/** The hashes of a tile as they should be, and whether the checkpoint proves them. */
interface Settled {
  readonly hashes: Uint8Array;
  readonly isProven: boolean;
}

interface CachedTile {
  readonly index: number;
  readonly published: Hashes;
  /** What the checkpoint proves the tile to hold; undefined if the published one is not it, or nothing proves it. */
  readonly proven: Uint8Array | undefined;
}

export class TreeCheck {
  readonly #source: LogSource;
  readonly #treeSize: number;
  readonly #edge: RightEdge;
  readonly #problems: ProblemList;
  /** Per level from 2 up: the roots of the full tiles below the tile that is being filled. */
  readonly #pending = new Map<number, Uint8Array[]>();
  /** Per level: the tile used last, as units come in order. */
  readonly #cache = new Map<number, CachedTile>();
  /** Built from the bundles alone. */
  readonly #frontier = new Frontier(hashNode);

  constructor(source: LogSource, treeSize: number, edge: RightEdge, problems: ProblemList) {
    this.#source = source;
    this.#treeSize = treeSize;
    this.#edge = edge;
    this.#problems = problems;
  }

  /** Takes in the units in their order. @throws FsckError `unreachable` */
  async add(report: UnitReport): Promise<void> {
    const { unit, roots, disagreements, olderProblems } = report;
    for (let at = 0; at < roots.length; at += HASH_BYTES) {
      this.#frontier.appendSubtree(TILE_HEIGHT, roots.subarray(at, at + HASH_BYTES));
    }
    const before = this.#problems.count;
    const settled = await this.#settleUnit(report);
    this.#nameBundlesAndTiles(report, settled, new Map(disagreements.map((each) => [each.position, each])));
    if (unit.width < TILE_WIDTH) {
      this.#compareEdge(1, settled.hashes);
      this.#problems.add(...olderProblems);
      return;
    }
    const root = hashTile(settled.hashes);
    await this.#blameTile(1, unit.index, root, this.#problems.count > before);
    this.#problems.add(...olderProblems);
    await this.#checkOlderPartials(1, unit.index, settled);
    await this.#push(2, root);
  }

  /** The root that the bundles give; call after the last unit. */
  finish(): Uint8Array {
    const { bundle } = this.#edge;
    if (bundle !== undefined && 'hashes' in bundle) {
      for (let at = 0; at < bundle.hashes.length; at += HASH_BYTES) {
        this.#frontier.append(bundle.hashes.subarray(at, at + HASH_BYTES));
      }
    }
    for (const [level, roots] of this.#pending) this.#compareEdge(level, concat(roots));
    return this.#frontier.root();
  }

  async #settleUnit({ unit, roots, disagreements }: UnitReport): Promise<Settled> {
    const { published, proven } = await this.#tile(1, unit.index);
    if (proven !== undefined) return { hashes: proven, isProven: true };
    const expected = await this.#expectedRoot(1, unit.index);
    const matches = (hashes: Uint8Array): boolean =>
      expected !== undefined &&
      hashes.length === TILE_WIDTH * HASH_BYTES &&
      equalBytes(hashTile(hashes), expected);
    const settled = matches(roots)
      ? { hashes: roots, isProven: true }
      : this.#settleByMajority(roots, disagreements, published, matches);
    this.#comparePublished(1, unit.index, published, settled);
    return settled;
  }

  // With one of bundle, tile and parent altered at each place, the other two agree on what was there.
  #settleByMajority(
    roots: Uint8Array,
    disagreements: readonly Disagreement[],
    published: Hashes,
    matches: (hashes: Uint8Array) => boolean,
  ): Settled {
    const hashes = Uint8Array.from(roots);
    for (const { position, bundle, tile } of disagreements) {
      if (typeof tile === 'string') continue;
      const parent = 'hashes' in published ? hashAt(published.hashes, position) : undefined;
      if (typeof bundle === 'string' || (parent !== undefined && equalBytes(parent, tile))) {
        hashes.set(tile, position * HASH_BYTES);
      }
    }
    return { hashes, isProven: matches(hashes) };
  }

  #nameBundlesAndTiles(
    { unit, roots }: UnitReport,
    settled: Settled,
    disagreements: ReadonlyMap<number, Disagreement>,
  ): void {
    for (let position = 0; position < unit.width; position++) {
      const truth = hashAt(settled.hashes, position);
      const root = hashAt(roots, position);
      const disagreement = disagreements.get(position);
      if (disagreement === undefined && equalBytes(truth, root)) continue;
      const { bundle, tile, firstDifference } = disagreement ?? {
        bundle: root,
        tile: root,
        firstDifference: undefined,
      };
      const index = unit.index * TILE_WIDTH + position;
      const bundlePath = formatBundlePath({ index, width: TILE_WIDTH });
      const tilePath = formatTilePath({ level: 0, index, width: TILE_WIDTH });
      const tileIsRight = typeof tile !== 'string' && equalBytes(tile, truth);
      const bundleIsRight = typeof bundle !== 'string' && equalBytes(bundle, truth);
      if (typeof bundle === 'string') this.#problems.add({ path: bundlePath, reason: bundle });
      else if (!bundleIsRight) {
        this.#problems.add({
          path: bundlePath,
          reason:
            tileIsRight && firstDifference !== undefined
              ? settled.isProven
                ? describeEntry(index, firstDifference)
                : `altered: entry ${firstDifference} does not hash to the leaf in ${tilePath}`
              : 'altered: its entries do not hash to what the tile above holds',
        });
      }
      if (typeof tile === 'string') this.#problems.add({ path: tilePath, reason: tile });
      else if (!tileIsRight) {
        this.#problems.add({
          path: tilePath,
          reason:
            bundleIsRight && firstDifference !== undefined
              ? `altered: hash ${firstDifference} is not that of its entry in ${bundlePath}`
              : 'altered: it does not hash to what the tile above holds',
        });
      }
    }
  }

  /** Passes the root of a full tile to the level above, and on when that tile is full. */
  async #push(level: number, root: Uint8Array): Promise<void> {
    const roots = this.#pending.get(level) ?? [];
    roots.push(root);
    this.#pending.set(level, roots);
    if (roots.length < TILE_WIDTH) return;
    const index = Math.floor(this.#frontier.size / TILE_WIDTH ** (level + 1)) - 1;
    this.#pending.set(level, []);
    const before = this.#problems.count;
    const settled = await this.#settleTile(level, index, concat(roots));
    const up = hashTile(settled.hashes);
    await this.#blameTile(level, index, up, this.#problems.count > before);
    await this.#checkOlderPartials(level, index, settled);
    await this.#push(level + 1, up);
  }

  async #settleTile(level: number, index: number, derived: Uint8Array): Promise<Settled> {
    const { published, proven } = await this.#tile(level, index);
    if (proven !== undefined) return { hashes: proven, isProven: true };
    const expected = await this.#expectedRoot(level, index);
    const isProven = expected !== undefined && equalBytes(hashTile(derived), expected);
    const settled = { hashes: derived, isProven };
    this.#comparePublished(level, index, published, settled);
    return settled;
  }

  #comparePublished(level: number, index: number, published: Hashes, { hashes, isProven }: Settled): void {
    // The right edge has been described when it was read.
    if (this.#isEdge(level, index)) return;
    const path = formatTilePath({ level, index, width: TILE_WIDTH });
    if ('fault' in published) {
      this.#problems.add({ path, reason: published.fault });
      return;
    }
    const at = firstDifferentHash(published.hashes, hashes);
    if (at === undefined) return;
    const below = formatTilePath({ level: level - 1, index: index * TILE_WIDTH + at, width: TILE_WIDTH });
    const proof = isProven ? ', as the checkpoint proves' : '';
    this.#problems.add({ path, reason: `altered: hash ${at} is not the root of ${below}${proof}` });
  }

  /** A whole subtree may be consistent in itself and still not be the one that the checkpoint commits to. */
  async #blameTile(level: number, index: number, root: Uint8Array, isBlamed: boolean): Promise<void> {
    const expected = await this.#expectedRoot(level, index);
    if (isBlamed || expected === undefined || equalBytes(root, expected)) return;
    this.#problems.add({
      path: formatTilePath({ level, index, width: TILE_WIDTH }),
      reason: 'altered: it and all below it agree, but do not hash to what the checkpoint proves',
    });
  }

  async #checkOlderPartials(level: number, index: number, settled: Settled): Promise<void> {
    const tile = { level, index, width: TILE_WIDTH };
    this.#problems.add(...(await checkOlderPartials(this.#source, tile, [settled])));
  }

  #compareEdge(level: number, derived: Uint8Array): void {
    const edge = this.#edge.tiles.get(level);
    if (edge === undefined || edge.proven !== undefined || 'fault' in edge.published) return;
    const at = firstDifferentHash(edge.published.hashes, derived);
    if (at === undefined) return;
    this.#problems.add({
      path: formatTilePath(edge.tile),
      reason: `hash ${at} is not the root of the tile below it`,
    });
  }

  /** What the tile above holds for this one, if that is proven. */
  async #expectedRoot(level: number, index: number): Promise<Uint8Array | undefined> {
    if (this.#isEdge(level, index)) return undefined;
    const { proven } = await this.#tile(level + 1, Math.floor(index / TILE_WIDTH));
    return proven === undefined ? undefined : hashAt(proven, index % TILE_WIDTH);
  }

  async #tile(level: number, index: number): Promise<CachedTile> {
    const cached = this.#cache.get(level);
    if (cached?.index === index) return cached;
    const tile = await this.#readTile(level, index);
    this.#cache.set(level, tile);
    return tile;
  }

  async #readTile(level: number, index: number): Promise<CachedTile> {
    const edge = this.#edge.tiles.get(level);
    if (edge?.tile.index === index) return { index, published: edge.published, proven: edge.proven };
    const published = await readTile(this.#source, { level, index, width: TILE_WIDTH });
    const expected = await this.#expectedRoot(level, index);
    const isProven =
      'hashes' in published && expected !== undefined && equalBytes(hashTile(published.hashes), expected);
    return { index, published, proven: isProven ? published.hashes : undefined };
  }

  #isEdge(level: number, index: number): boolean {
    return tileWidth({ level, index }, this.#treeSize) < TILE_WIDTH;
  }
}

/** How many units of up to 65,536 leaves a tree has; its partial bundle belongs to none. */
export function unitsOfTree(treeSize: number): number {
  return Math.ceil(hashesAtLevel(1, treeSize) / TILE_WIDTH);
}

function hashAt(hashes: Uint8Array, position: number): Uint8Array {
  return hashes.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES);
}

function firstDifferentHash(a: Uint8Array, b: Uint8Array): number | undefined {
  for (let position = 0; position * HASH_BYTES < Math.max(a.length, b.length); position++) {
    if (!equalBytes(hashAt(a, position), hashAt(b, position))) return position;
  }
  return undefined;
}

function concat(hashes: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(hashes));
}
