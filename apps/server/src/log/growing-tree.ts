/**
 * The right edge of a Merkle tree that grows by leaves, kept as two frontiers: that of the full level-0 tiles, and
 * that of the leaves after them. So the root of each full tile, which is a hash of the tile above, falls out
 * without being computed twice.
 */
import { Frontier, TILE_HEIGHT, TILE_WIDTH } from '@vitrine/tlog';
import { hashNode } from './hashing.ts';

export class GrowingTree {
  readonly #tiles: Frontier;
  #leaves: Frontier;

  private constructor(tiles: Frontier, leaves: Frontier) {
    this.#tiles = tiles;
    this.#leaves = leaves;
  }

  /**
   * The edge of a tree of `size` leaves.
   * `nodes`: the roots of its perfect subtrees, largest first (as `Frontier.nodes`).
   */
  static of(size: number, nodes: readonly Uint8Array[]): GrowingTree {
    const after = size % TILE_WIDTH;
    const nodesAfter = bitCount(after);
    return new GrowingTree(
      Frontier.of(size - after, nodes.slice(0, nodes.length - nodesAfter), hashNode),
      Frontier.of(after, nodes.slice(nodes.length - nodesAfter), hashNode),
    );
  }

  get size(): number {
    return this.#tiles.size + this.#leaves.size;
  }

  /** Adds a leaf hash (kept, not copied). Returns the root of the level-0 tile that it fills, else null. */
  append(leafHash: Uint8Array): Uint8Array | null {
    this.#leaves.append(leafHash);
    if (this.#leaves.size < TILE_WIDTH) return null;
    const tileRoot = this.#leaves.root();
    this.#tiles.appendSubtree(TILE_HEIGHT, tileRoot);
    this.#leaves = new Frontier(hashNode);
    return tileRoot;
  }

  /** 32 bytes. */
  root(): Uint8Array {
    return Frontier.of(this.size, [...this.#tiles.nodes, ...this.#leaves.nodes], hashNode).root();
  }

  copy(): GrowingTree {
    return new GrowingTree(this.#tiles.copy(), this.#leaves.copy());
  }
}

function bitCount(byte: number): number {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}
