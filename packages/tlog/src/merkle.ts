// Merkle trees: RFC 6962, section 2.1 (verification in the words of RFC 9162, section 2.1). Sizes and indices go
// up to 2^53 - 1, so nothing here shifts or masks: JavaScript's bit operators cut at 32 bits.

import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { equalBytes } from './bytes.ts';

/** Size of every hash in bytes (SHA-256). */
export const HASH_BYTES = 32;

/** The root of a tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0));

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = Uint8Array.of(0x01);

/** SHA-256(0x00 ‖ entry). */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  return sha256.create().update(LEAF_PREFIX).update(entry).digest();
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE_PREFIX, left, right));
}

export type HashNode = (left: Uint8Array, right: Uint8Array) => Uint8Array;

/** A perfect subtree: it covers the leaves from `index * 2^level` up to (not including) `(index + 1) * 2^level`. */
export interface NodeAddress {
  /** 0 for a leaf hash. */
  readonly level: number;
  readonly index: number;
}

/** Reads the hashes at these addresses, in their order. */
export type ReadNodes = (addresses: readonly NodeAddress[]) => Promise<readonly Uint8Array[]>;

export interface InclusionClaim {
  readonly leafHash: Uint8Array;
  readonly leafIndex: number;
  readonly treeSize: number;
  /** From the leaf's sibling up to the root's child. */
  readonly proof: readonly Uint8Array[];
}

/**
 * Leaves from `start` up to, not including, `end`, as a tree of their own: `start` is a multiple of the smallest power
 * of two that is not below their number, so that the subtree is a node of every larger tree, or part of one.
 */
export interface Subtree {
  readonly start: number;
  readonly end: number;
}

export interface SubtreeInclusionClaim extends Subtree {
  readonly leafHash: Uint8Array;
  /** In the log, not in the subtree: `start` up to, not including, `end`. */
  readonly leafIndex: number;
  /** From the leaf's sibling up to the subtree's child. */
  readonly proof: readonly Uint8Array[];
  readonly subtreeRoot: Uint8Array;
}

export interface SubtreeConsistencyClaim extends Subtree {
  readonly treeSize: number;
  readonly subtreeRoot: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly newSize: number;
  readonly oldRoot: Uint8Array;
  readonly newRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Whether the leaf stands at its index in the tree with this root (RFC 9162, section 2.1.3.2). Never throws. */
export function verifyInclusion(claim: InclusionClaim & { readonly root: Uint8Array }): boolean {
  const root = rootFromInclusionProof(claim);
  return root !== undefined && equalBytes(root, claim.root);
}

/** The root that an inclusion proof leads to, or undefined if it is not a proof for this index and size. */
export function rootFromInclusionProof(claim: InclusionClaim): Uint8Array | undefined {
  const { leafHash, leafIndex, treeSize, proof } = claim;
  if (!isSize(leafIndex) || !isSize(treeSize) || leafIndex >= treeSize) return undefined;
  if (![leafHash, ...proof].every(isHash)) return undefined;
  let node = leafIndex;
  let last = treeSize - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (last === 0) return undefined;
    if (isOdd(node) || node === last) {
      hash = hashNode(sibling, hash);
      // A right border without a sibling on some levels is carried up to where it has one.
      while (!isOdd(node) && node !== 0) {
        node = half(node);
        last = half(last);
      }
    } else {
      hash = hashNode(hash, sibling);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0 ? hash : undefined;
}

/**
 * Whether the tree of `newSize` begins with the tree of `oldSize` (RFC 9162, section 2.1.4.2). Two trees of one
 * size are consistent if their roots are equal, and anything follows the empty tree (size 0, EMPTY_ROOT), both by
 * an empty proof. Never throws. `hash` computes SHA-256(0x01 ‖ left ‖ right); a server passes a faster one than this
 * package's own.
 */
export function verifyConsistency(claim: ConsistencyClaim, hash: HashNode = hashNode): boolean {
  const { oldSize, newSize, oldRoot, newRoot, proof } = claim;
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize) return false;
  if (oldSize === 0 && !equalBytes(oldRoot, EMPTY_ROOT)) return false;
  if (oldSize === newSize) return proof.length === 0 && equalBytes(oldRoot, newRoot);
  if (![oldRoot, newRoot, ...proof].every(isHash)) return false;
  if (oldSize === 0) return proof.length === 0;

  const tree = {
    start: 0,
    end: oldSize,
    treeSize: newSize,
    subtreeRoot: oldRoot,
    root: newRoot,
    proof,
  };
  return leadsToBoth(tree, hash);
}

/**
 * Whether a tree can have this subtree: 0 ≤ start ≤ end ≤ 2^53 - 1, and `start` is a multiple of the smallest power of
 * two that is not below `end - start`. The empty subtree may start anywhere.
 *
 * @see draft-ietf-plants-merkle-tree-certs, section 4.1
 */
export function isSubtree(start: number, end: number): boolean {
  if (!isSize(start) || !isSize(end) || start > end) return false;
  let width = 1;
  while (width < end - start) width *= 2;
  return start % width === 0;
}

/**
 * Whether the leaf stands at its index (of the log) in the subtree with this root. Never throws.
 *
 * @see draft-ietf-plants-merkle-tree-certs, section 4.3
 */
export function verifySubtreeInclusion(claim: SubtreeInclusionClaim): boolean {
  const { leafHash, leafIndex, start, end, proof, subtreeRoot } = claim;
  if (!isSubtree(start, end) || !isSize(leafIndex) || leafIndex < start || leafIndex >= end) return false;
  const treeSize = end - start;
  return verifyInclusion({ leafHash, leafIndex: leafIndex - start, treeSize, proof, root: subtreeRoot });
}

/**
 * Whether the tree of `treeSize` holds this subtree. The empty subtree (EMPTY_ROOT) is in every tree that reaches it,
 * by an empty proof, which says nothing about `root`. Never throws.
 *
 * @see draft-ietf-plants-merkle-tree-certs, section 4.4
 */
export function verifySubtreeConsistency(claim: SubtreeConsistencyClaim): boolean {
  const { start, end, treeSize, subtreeRoot, root, proof } = claim;
  if (!isSubtree(start, end) || !isSize(treeSize) || end > treeSize) return false;
  if (start === end) return proof.length === 0 && equalBytes(subtreeRoot, EMPTY_ROOT);
  if (start === 0 && end === treeSize) return proof.length === 0 && equalBytes(subtreeRoot, root);
  if (![subtreeRoot, root, ...proof].every(isHash)) return false;
  return leadsToBoth(claim, hashNode);
}

/** Whether the proof leads to the root of a non-empty subtree and, with the hashes beside it, to that of the tree. */
function leadsToBoth(claim: SubtreeConsistencyClaim, hash: HashNode): boolean {
  const { start, end, treeSize, subtreeRoot, root, proof } = claim;
  // The paths of the subtree's first leaf, its last leaf and the tree's last leaf, one level a step.
  let first = start;
  let node = end - 1;
  let last = treeSize - 1;
  const climb = (): void => {
    first = half(first);
    node = half(node);
    last = half(last);
  };
  // A subtree that ends where the tree ends is a node as it is; else only its rightmost perfect part is sure to be.
  const endsWithTree = node === last;
  while (first !== node && (endsWithTree || isOdd(node))) climb();
  const [seed, ...path] = first === node ? [subtreeRoot, ...proof] : proof;
  if (seed === undefined) return false;
  let inner = seed;
  let outer = seed;
  for (const sibling of path) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      if (first < node) inner = hash(sibling, inner);
      outer = hash(sibling, outer);
      // A right border without a sibling on some levels is carried up to where it has one.
      while (!isOdd(node) && node !== 0) climb();
    } else {
      outer = hash(outer, sibling);
    }
    climb();
  }
  return last === 0 && equalBytes(inner, subtreeRoot) && equalBytes(outer, root);
}

/**
 * The inclusion proof of a leaf (RFC 6962, section 2.1.1), read in one batch.
 *
 * @throws RangeError unless 0 ≤ leafIndex < treeSize ≤ 2^53 - 1
 */
export async function inclusionProof(
  leafIndex: number,
  treeSize: number,
  readNodes: ReadNodes,
): Promise<Uint8Array[]> {
  requireSize(leafIndex);
  requireSize(treeSize);
  if (leafIndex >= treeSize) throw new RangeError(`leaf ${leafIndex} is not in a tree of size ${treeSize}`);
  return readRanges(inclusionRanges(leafIndex, { start: 0, end: treeSize }), readNodes);
}

/**
 * The consistency proof between two sizes (RFC 6962, section 2.1.2), read in one batch. Empty if the sizes are
 * equal or the old one is 0.
 *
 * @throws RangeError unless 0 ≤ oldSize ≤ newSize ≤ 2^53 - 1
 */
export async function consistencyProof(
  oldSize: number,
  newSize: number,
  readNodes: ReadNodes,
): Promise<Uint8Array[]> {
  requireSize(oldSize);
  requireSize(newSize);
  if (oldSize > newSize) throw new RangeError(`the old size ${oldSize} is above the new size ${newSize}`);
  if (oldSize === 0 || oldSize === newSize) return [];
  return readRanges(consistencyRanges({ start: 0, end: oldSize }, newSize), readNodes);
}

/**
 * The root of a subtree; EMPTY_ROOT if it is empty.
 *
 * @throws RangeError unless isSubtree(start, end)
 */
export async function subtreeRoot({ start, end }: Subtree, readNodes: ReadNodes): Promise<Uint8Array> {
  requireSubtree(start, end);
  if (start === end) return EMPTY_ROOT;
  const [root] = await readRanges([{ start, end }], readNodes);
  return root ?? EMPTY_ROOT;
}

/**
 * The inclusion proof of the log's leaf `leafIndex` in a subtree, read in one batch.
 *
 * @throws RangeError unless isSubtree(start, end) and start ≤ leafIndex < end
 * @see draft-ietf-plants-merkle-tree-certs, section 4.3
 */
export async function subtreeInclusionProof(
  leafIndex: number,
  { start, end }: Subtree,
  readNodes: ReadNodes,
): Promise<Uint8Array[]> {
  requireSubtree(start, end);
  requireSize(leafIndex);
  if (leafIndex < start || leafIndex >= end) {
    throw new RangeError(`leaf ${leafIndex} is not among the leaves ${start} to ${end}`);
  }
  return readRanges(inclusionRanges(leafIndex, { start, end }), readNodes);
}

/**
 * The proof that a subtree is in the tree of `treeSize`, read in one batch. Empty for an empty subtree and for the
 * whole tree; for a subtree that starts at 0 it is the consistency proof from `end`.
 *
 * @throws RangeError unless isSubtree(start, end) and end ≤ treeSize ≤ 2^53 - 1
 * @see draft-ietf-plants-merkle-tree-certs, section 4.4
 */
export async function subtreeConsistencyProof(
  { start, end }: Subtree,
  treeSize: number,
  readNodes: ReadNodes,
): Promise<Uint8Array[]> {
  requireSubtree(start, end);
  requireSize(treeSize);
  if (end > treeSize) throw new RangeError(`the subtree ends at ${end}, behind the tree's ${treeSize}`);
  if (start === end) return [];
  return readRanges(consistencyRanges({ start, end }, treeSize), readNodes);
}

/** The root of the first `size` leaves. @throws RangeError unless `size` is 0 to 2^53 - 1 */
export async function treeRoot(size: number, readNodes: ReadNodes): Promise<Uint8Array> {
  requireSize(size);
  if (size === 0) return EMPTY_ROOT;
  const [root] = await readRanges([{ start: 0, end: size }], readNodes);
  return root ?? EMPTY_ROOT;
}

/** The perfect subtrees that make up the leaves from `start` to `end`, left to right; `start` must be aligned. */
export function rangeAddresses(start: number, end: number): NodeAddress[] {
  const addresses: NodeAddress[] = [];
  let at = start;
  while (at < end) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      level++;
      width *= 2;
    }
    addresses.push({ level, index: at / width });
    at += width;
  }
  return addresses;
}

/** The root of a tree whose leaf hashes are all at hand. */
export function rootOfLeaves(leafHashes: Iterable<Uint8Array>, hash: HashNode = hashNode): Uint8Array {
  const frontier = new Frontier(hash);
  for (const leafHash of leafHashes) frontier.append(leafHash);
  return frontier.root();
}

/**
 * The right edge of a growing tree: the roots of the perfect subtrees that make it up, largest first. At most 53
 * hashes, whatever the size.
 */
export class Frontier {
  readonly #hashNode: HashNode;
  #size = 0;
  readonly #nodes: Uint8Array[] = [];

  /** `hashNode` computes SHA-256(0x01 ‖ left ‖ right); a server passes a faster one than this package's own. */
  constructor(hash: HashNode = hashNode) {
    this.#hashNode = hash;
  }

  /**
   * The frontier of a tree of `size` leaves from its `nodes`, as the getters give them.
   *
   * @throws RangeError if `nodes` are not as many as a tree of this size has, or not hashes
   */
  static of(size: number, nodes: readonly Uint8Array[], hash: HashNode = hashNode): Frontier {
    requireSize(size);
    const expected = rangeAddresses(0, size).length;
    if (nodes.length !== expected || !nodes.every(isHash)) {
      throw new RangeError(`a frontier of size ${size} has ${expected} hashes of 32 bytes`);
    }
    const frontier = new Frontier(hash);
    frontier.#size = size;
    frontier.#nodes.push(...nodes);
    return frontier;
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** The roots of the perfect subtrees, largest (leftmost) first. */
  get nodes(): readonly Uint8Array[] {
    return [...this.#nodes];
  }

  /** Adds a leaf hash (32 bytes; kept, not copied). */
  append(leafHash: Uint8Array): void {
    this.appendSubtree(0, leafHash);
  }

  /**
   * Adds the root of a perfect subtree of `2^level` leaves.
   *
   * @throws RangeError if the size is not a multiple of `2^level`, or would pass 2^53 - 1
   */
  appendSubtree(level: number, root: Uint8Array): void {
    const width = 2 ** level;
    if (!isHash(root)) throw new RangeError('not a hash of 32 bytes');
    if (!isSize(level) || this.#size % width !== 0 || !Number.isSafeInteger(this.#size + width)) {
      throw new RangeError(`a subtree of level ${level} cannot follow ${this.#size} leaves`);
    }
    let hash = root;
    for (let count = this.#size / width; isOdd(count); count = half(count)) {
      const left = this.#nodes.pop();
      if (left === undefined) throw new RangeError('the frontier has lost a node');
      hash = this.#hashNode(left, hash);
    }
    this.#nodes.push(hash);
    this.#size += width;
  }

  /** The root of the tree so far; EMPTY_ROOT without leaves. */
  root(): Uint8Array {
    return foldRight(this.#nodes, this.#hashNode) ?? EMPTY_ROOT;
  }

  copy(): Frontier {
    return Frontier.of(this.#size, this.#nodes, this.#hashNode);
  }
}

/** Leaves whose Merkle Tree Hash is one element of a proof. */
type LeafRange = Subtree;

// PATH(m, D[n]) of RFC 6962 over the leaves of `tree`, walked from the root down; a proof lists it from the leaf up.
function inclusionRanges(leafIndex: number, tree: Subtree): LeafRange[] {
  const ranges: LeafRange[] = [];
  let { start, end } = tree;
  while (end - start > 1) {
    const split = start + largestPowerBelow(end - start);
    if (leafIndex < split) {
      ranges.push({ start: split, end });
      end = split;
    } else {
      ranges.push({ start, end: split });
      start = split;
    }
  }
  return ranges.reverse();
}

// SUBTREE_SUBPROOF(start, end, D[n], b) of the draft, walked likewise; with a subtree from 0 it is SUBPROOF(m, D[n], b)
// of RFC 6962. `known` is b: what is left of the subtree is all of it, and whoever checks the proof has its root.
function consistencyRanges(subtree: Subtree, treeSize: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let known = true;
  let left = subtree.start;
  let start = 0;
  let end = treeSize;
  while (start !== left || end !== subtree.end) {
    const split = start + largestPowerBelow(end - start);
    if (subtree.end <= split) {
      ranges.push({ start: split, end });
      end = split;
      continue;
    }
    ranges.push({ start, end: split });
    start = split;
    if (left < split) {
      left = split;
      known = false;
    }
  }
  if (!known) ranges.push({ start, end });
  return ranges.reverse();
}

async function readRanges(ranges: readonly LeafRange[], readNodes: ReadNodes): Promise<Uint8Array[]> {
  const addresses = ranges.map(({ start, end }) => rangeAddresses(start, end));
  const hashes = await readNodes(addresses.flat());
  if (hashes.length !== addresses.flat().length || !hashes.every(isHash)) {
    throw new RangeError('the node reader did not answer one hash of 32 bytes for every address');
  }
  let at = 0;
  return addresses.map((range) => {
    const nodes = hashes.slice(at, at + range.length);
    at += range.length;
    return foldRight(nodes, hashNode) ?? EMPTY_ROOT;
  });
}

function foldRight(nodes: readonly Uint8Array[], hash: HashNode): Uint8Array | undefined {
  let root: Uint8Array | undefined;
  for (const node of nodes.toReversed()) root = root === undefined ? node : hash(node, root);
  return root;
}

function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES;
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function requireSize(value: number): void {
  if (!isSize(value)) throw new RangeError(`${value} is not a tree size: a whole number, 0 to 2^53 - 1`);
}

function requireSubtree(start: number, end: number): void {
  if (!isSubtree(start, end))
    throw new RangeError(`the leaves ${start} to ${end} are no subtree of any tree`);
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}
