/**
 * The durable end of a log that is not in tiles on disk yet, and the open tiles and bundle at its edge. Everything
 * here is committed: a batch enters once the store has it, so tiles never run ahead of the write-ahead file.
 */
import {
  bundlesOfTree,
  formatBundlePath,
  formatEntryBundle,
  formatTilePath,
  HASH_BYTES,
  hashesAtLevel,
  parseEntryBundle,
  type ReadTile,
  rangeAddresses,
  rootOfLeaves,
  TILE_WIDTH,
  TlogError,
  tileNodeReader,
  tilesOfTree,
} from '@vitrine/tlog';
import type { SignedCheckpoint } from './checkpoint-signing.ts';
import { GrowingTree } from './growing-tree.ts';
import { hashNode, writeLeafHash } from './hashing.ts';
import { LogError } from './log-error.ts';
import type { TileFile } from './log-store.ts';

/** A batch ready to commit. `tree` is the tree with it; `leafHashes`: 32 bytes an entry. */
export type NextBatch = {
  /** The leaves; views of memory that nobody else writes to. */
  readonly leaves: readonly Uint8Array[];
  readonly leafHashes: Uint8Array;
  readonly tree: GrowingTree;
  /** Roots of the level-0 tiles that the batch fills, in order. */
  readonly tileRoots: readonly Uint8Array[];
};

/** What one publication writes. */
export type TailSnapshot = {
  readonly checkpoint: SignedCheckpoint;
  readonly files: readonly TileFile[];
  /** Paths of the full ones among `files`, whose partials may go once a checkpoint over them is published. */
  readonly fullPaths: readonly string[];
  readonly appendedBytes: number;
};

/** Reads a file below the log by its URL path, or null. */
export type ReadPath = (path: string) => Promise<Uint8Array | null>;

export class Tail {
  #checkpoint: SignedCheckpoint;
  #tree: GrowingTree;
  /** By level, then by index: tiles at or after the edge of what is written. Buffers of 8,192 bytes. */
  readonly #tiles: Map<number, Buffer>[] = [];
  readonly #bundles = new Map<number, Uint8Array[]>();
  #writtenSize: number;
  #appendedBytes = 0;
  #writtenBytes = 0;
  #onWritten: (() => void)[] = [];

  private constructor(checkpoint: SignedCheckpoint, tree: GrowingTree) {
    this.#checkpoint = checkpoint;
    this.#tree = tree;
    this.#writtenSize = checkpoint.size;
  }

  /**
   * The tail of a log all of which is in tiles: reads the right edge back, and checks it against the checkpoint.
   * @throws LogError `corrupt`, naming the file
   */
  static async load(checkpoint: SignedCheckpoint, readPath: ReadPath): Promise<Tail> {
    const { size, root } = checkpoint;
    const readTile: ReadTile = async (tile) => {
      const bytes =
        (await readPath(formatTilePath(tile))) ??
        (await readPath(formatTilePath({ ...tile, width: TILE_WIDTH })));
      return bytes ?? failLoad(formatTilePath(tile), 'is missing');
    };
    const nodes = await explain(() => tileNodeReader(size, readTile)(rangeAddresses(0, size)));
    const tree = GrowingTree.of(size, nodes);
    if (!Buffer.from(root).equals(tree.root())) {
      throw new LogError(
        'corrupt',
        `the tiles at the edge of size ${size} do not give the root of the published checkpoint: restore the log's folder from a mirror or a backup`,
      );
    }
    const tail = new Tail(checkpoint, tree);
    for (let level = 0; hashesAtLevel(level, size) > 0; level++) {
      const count = hashesAtLevel(level, size);
      const width = count % TILE_WIDTH;
      if (width === 0) continue;
      const index = Math.floor(count / TILE_WIDTH);
      const bytes = await readTile({ level, index, width });
      if (bytes.length < width * HASH_BYTES)
        failLoad(formatTilePath({ level, index, width }), 'is cut short');
      tail.#tileAt(level, index).set(bytes.subarray(0, width * HASH_BYTES));
    }
    await tail.#loadBundle(readPath);
    return tail;
  }

  get size(): number {
    return this.#checkpoint.size;
  }

  /** The newest committed checkpoint. */
  get checkpoint(): SignedCheckpoint {
    return this.#checkpoint;
  }

  /** Bytes of entries that are durable, but not in bundles on disk. */
  get unwrittenBytes(): number {
    return this.#appendedBytes - this.#writtenBytes;
  }

  /** A batch with these leaves as the next; changes nothing here. `leafHashes`: 32 bytes a leaf. */
  next(leaves: readonly Uint8Array[], leafHashes: Uint8Array): NextBatch {
    const tree = this.#tree.copy();
    const tileRoots: Uint8Array[] = [];
    for (let at = 0; at < leafHashes.length; at += HASH_BYTES) {
      const tileRoot = tree.append(leafHashes.subarray(at, at + HASH_BYTES));
      if (tileRoot !== null) tileRoots.push(tileRoot);
    }
    return { leaves, leafHashes, tree, tileRoots };
  }

  /** The store has committed the batch under this checkpoint. */
  append(batch: NextBatch, checkpoint: SignedCheckpoint): void {
    const { leaves, leafHashes, tree, tileRoots } = batch;
    let index = this.size;
    for (const [position, leaf] of leaves.entries()) {
      this.#bundleAt(Math.floor(index / TILE_WIDTH)).push(leaf);
      this.#appendedBytes += leaf.length;
      this.#setHash(0, index, leafHashes.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES));
      index++;
    }
    let tile = hashesAtLevel(1, this.size);
    for (const root of tileRoots) this.#addTileRoot(1, tile++, root);
    this.#tree = tree;
    this.#checkpoint = checkpoint;
  }

  /** What must be written for the newest committed checkpoint. The bytes do not change afterwards. */
  snapshot(): TailSnapshot {
    const { size } = this;
    const files: TileFile[] = [];
    const fullPaths: string[] = [];
    for (const bundle of bundlesOfTree(size, this.#writtenSize)) {
      const path = formatBundlePath(bundle);
      const leaves = this.#bundleAt(bundle.index);
      files.push({ path, bytes: () => formatEntryBundle(leaves.slice(0, bundle.width)) });
      if (bundle.width === TILE_WIDTH) fullPaths.push(path);
    }
    for (const tile of tilesOfTree(size, this.#writtenSize)) {
      const path = formatTilePath(tile);
      const bytes = this.#tileAt(tile.level, tile.index).subarray(0, tile.width * HASH_BYTES);
      files.push({ path, bytes: () => bytes });
      if (tile.width === TILE_WIDTH) fullPaths.push(path);
    }
    return { checkpoint: this.#checkpoint, files, fullPaths, appendedBytes: this.#appendedBytes };
  }

  /** The files of the snapshot are durable: what only they needed is let go. */
  written(snapshot: TailSnapshot): void {
    this.#writtenSize = snapshot.checkpoint.size;
    this.#writtenBytes = snapshot.appendedBytes;
    for (const [level, tiles] of this.#tiles.entries()) {
      const edge = Math.floor(hashesAtLevel(level + 1, this.#writtenSize));
      for (const index of tiles.keys()) if (index < edge) tiles.delete(index);
    }
    const edge = hashesAtLevel(1, this.#writtenSize);
    for (const index of this.#bundles.keys()) if (index < edge) this.#bundles.delete(index);
    const waiting = this.#onWritten;
    this.#onWritten = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves at the next `written`, or at `release`. */
  whenWritten(): Promise<void> {
    return new Promise((resolve) => this.#onWritten.push(resolve));
  }

  /** Lets go whoever waits in `whenWritten`. */
  release(): void {
    for (const resolve of this.#onWritten.splice(0)) resolve();
  }

  /** The leaves of a bundle that is not wholly on disk, or null. */
  leavesOf(bundleIndex: number): readonly Uint8Array[] | null {
    return this.#bundles.get(bundleIndex) ?? null;
  }

  /** A tile that is not wholly on disk (8,192 bytes, of which the part below the edge counts), or null. */
  tile(level: number, index: number): Uint8Array | null {
    return this.#tiles[level]?.get(index) ?? null;
  }

  async #loadBundle(readPath: ReadPath): Promise<void> {
    const width = this.size % TILE_WIDTH;
    if (width === 0) return;
    const index = Math.floor(this.size / TILE_WIDTH);
    const path = formatBundlePath({ index, width });
    const partial = await readPath(path);
    const full = partial === null ? await readPath(formatBundlePath({ index, width: TILE_WIDTH })) : null;
    const bytes = partial ?? full ?? failLoad(path, 'is missing');
    const leaves = await explain(() =>
      Promise.resolve(parseEntryBundle(bytes, partial === null ? TILE_WIDTH : width).slice(0, width)),
    );
    const hash = Buffer.alloc(HASH_BYTES);
    for (const [position, leaf] of leaves.entries()) {
      writeLeafHash(leaf, hash, 0);
      const expected = this.#tileAt(0, index).subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES);
      if (!hash.equals(expected)) failLoad(path, `holds at position ${position} another entry than the tree`);
    }
    this.#bundles.set(index, leaves);
  }

  #addTileRoot(level: number, position: number, root: Uint8Array): void {
    this.#setHash(level, position, root);
    if (position % TILE_WIDTH !== TILE_WIDTH - 1) return;
    const index = Math.floor(position / TILE_WIDTH);
    const tile = this.#tileAt(level, index);
    const hashes = Array.from({ length: TILE_WIDTH }, (_, i) =>
      tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
    );
    this.#addTileRoot(level + 1, index, rootOfLeaves(hashes, hashNode));
  }

  #setHash(level: number, position: number, hash: Uint8Array): void {
    const tile = this.#tileAt(level, Math.floor(position / TILE_WIDTH));
    tile.set(hash, (position % TILE_WIDTH) * HASH_BYTES);
  }

  #tileAt(level: number, index: number): Buffer {
    while (this.#tiles.length <= level) this.#tiles.push(new Map());
    const tiles = this.#tiles[level];
    const known = tiles?.get(index);
    if (known !== undefined) return known;
    const made = Buffer.alloc(TILE_WIDTH * HASH_BYTES);
    tiles?.set(index, made);
    return made;
  }

  #bundleAt(index: number): Uint8Array[] {
    const known = this.#bundles.get(index);
    if (known !== undefined) return known;
    const made: Uint8Array[] = [];
    this.#bundles.set(index, made);
    return made;
  }
}

function failLoad(path: string, why: string): never {
  throw new LogError('corrupt', `${path} ${why}: restore the log's folder from a mirror or a backup`);
}

async function explain<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof TlogError) throw new LogError('corrupt', cause.message, { cause });
    throw cause;
  }
}
