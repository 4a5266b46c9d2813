import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consistencyProof,
  EMPTY_ROOT,
  Frontier,
  hashLeaf,
  hashNode,
  inclusionProof,
  type NodeAddress,
  type ReadNodes,
  rangeAddresses,
  rootFromInclusionProof,
  rootOfLeaves,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './index.ts';

const numRuns = process.env['VITRINE_SOAK'] === undefined ? 100 : 5000;

const leaves = Array.from({ length: 600 }, (_, i) => hashLeaf(Uint8Array.of(i & 255, i >> 8)));

/** MTH(D[n]) in the words of RFC 6962, section 2.1: the model that everything is held against. */
function merkleTreeHash(hashes: readonly Uint8Array[]): Uint8Array {
  const [only] = hashes;
  if (only === undefined) return EMPTY_ROOT;
  if (hashes.length === 1) return only;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return hashNode(merkleTreeHash(hashes.slice(0, split)), merkleTreeHash(hashes.slice(split)));
}

const readNodes: ReadNodes = (addresses) =>
  Promise.resolve(
    addresses.map(({ level, index }) =>
      merkleTreeHash(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)),
    ),
  );

const treeSize = fc.integer({ min: 1, max: leaves.length });
const leafInTree = treeSize.chain((size) => fc.record({ size: fc.constant(size), index: fc.nat(size - 1) }));
const twoSizes = treeSize.chain((newSize) =>
  fc.record({ newSize: fc.constant(newSize), oldSize: fc.nat(newSize) }),
);
const root = (size: number): Uint8Array => merkleTreeHash(leaves.slice(0, size));
const leaf = (index: number): Uint8Array => leaves[index] ?? EMPTY_ROOT;

/** Sizes that 32-bit arithmetic gets wrong. */
const hugeSize = fc.oneof(
  fc.maxSafeNat().filter((size) => size > 0),
  fc
    .integer({ min: 31, max: 52 })
    .chain((power) => fc.integer({ min: -2, max: 2 }).map((d) => 2 ** power + d)),
  fc.constant(Number.MAX_SAFE_INTEGER),
);

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = Math.floor(bit / 8) % copy.length;
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8));
  return copy;
}

describe('roots', () => {
  test('of a frontier, at every size', () => {
    const frontier = new Frontier();
    expect(frontier.root()).toEqual(EMPTY_ROOT);
    for (const [i, each] of leaves.entries()) {
      frontier.append(each);
      if (i % 37 === 0 || i < 70) expect(frontier.root()).toEqual(root(i + 1));
      expect(frontier.size).toBe(i + 1);
    }
  });

  test('of a frontier that was stored and taken up again', () => {
    fc.assert(
      fc.property(twoSizes, ({ oldSize, newSize }) => {
        const old = new Frontier();
        for (const each of leaves.slice(0, oldSize)) old.append(each);
        const resumed = Frontier.of(old.size, old.nodes);
        const copy = old.copy();
        for (const each of leaves.slice(oldSize, newSize)) resumed.append(each);
        expect(resumed.root()).toEqual(root(newSize));
        expect(copy.root()).toEqual(root(oldSize));
      }),
      { numRuns },
    );
  });

  test('of a frontier grown by subtrees', () => {
    const frontier = new Frontier();
    for (const { level, index } of rangeAddresses(0, 600)) {
      frontier.appendSubtree(
        level,
        merkleTreeHash(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)),
      );
    }
    expect(frontier.root()).toEqual(root(600));
    expect(() => frontier.appendSubtree(4, EMPTY_ROOT)).toThrow(RangeError);
    expect(() => frontier.append(new Uint8Array(31))).toThrow(RangeError);
  });

  test('of stored nodes', async () => {
    await fc.assert(
      fc.asyncProperty(treeSize, async (size) => {
        expect(await treeRoot(size, readNodes)).toEqual(root(size));
        expect(rootOfLeaves(leaves.slice(0, size))).toEqual(root(size));
      }),
      { numRuns: numRuns / 4 },
    );
  });
});

describe('inclusion', () => {
  test('every leaf of a tree is proven, and no other leaf, index, size or root', async () => {
    await fc.assert(
      fc.asyncProperty(leafInTree, fc.nat(), async ({ size, index }, noise) => {
        const proof = await inclusionProof(index, size, readNodes);
        const claim = { leafHash: leaf(index), leafIndex: index, treeSize: size, proof, root: root(size) };
        expect(verifyInclusion(claim)).toBe(true);
        expect(verifyInclusion({ ...claim, leafHash: flip(claim.leafHash, noise) })).toBe(false);
        expect(verifyInclusion({ ...claim, root: flip(claim.root, noise) })).toBe(false);
        const other = noise % (size + 3);
        if (other !== index) expect(verifyInclusion({ ...claim, leafIndex: other })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: [...proof, EMPTY_ROOT] })).toBe(false);
        if (proof.length === 0) return;
        expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
        const broken = proof.with(
          noise % proof.length,
          flip(proof[noise % proof.length] ?? EMPTY_ROOT, noise),
        );
        expect(verifyInclusion({ ...claim, proof: broken })).toBe(false);
        const short = proof.with(noise % proof.length, new Uint8Array(31));
        expect(verifyInclusion({ ...claim, proof: short })).toBe(false);
      }),
      { numRuns },
    );
  });

  test('misuse is refused, evidence is not thrown at', async () => {
    await expect(inclusionProof(5, 5, readNodes)).rejects.toThrow(RangeError);
    await expect(inclusionProof(-1, 5, readNodes)).rejects.toThrow(RangeError);
    await expect(inclusionProof(0.5, 5, readNodes)).rejects.toThrow(RangeError);
    await expect(treeRoot(2 ** 53, readNodes)).rejects.toThrow(RangeError);
    await expect(treeRoot(5, () => Promise.resolve([]))).rejects.toThrow(RangeError);
    for (const bad of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
      const claim = { leafHash: leaf(0), leafIndex: bad, treeSize: 5, proof: [] };
      expect(rootFromInclusionProof(claim)).toBeUndefined();
      expect(rootFromInclusionProof({ ...claim, leafIndex: 0, treeSize: bad })).toBeUndefined();
    }
  });
});

describe('consistency', () => {
  test('every earlier size is proven, and no other root or size', async () => {
    await fc.assert(
      fc.asyncProperty(twoSizes, fc.nat(), async ({ oldSize, newSize }, noise) => {
        const proof = await consistencyProof(oldSize, newSize, readNodes);
        const claim = { oldSize, newSize, oldRoot: root(oldSize), newRoot: root(newSize), proof };
        expect(verifyConsistency(claim)).toBe(true);
        expect(verifyConsistency({ ...claim, oldRoot: flip(claim.oldRoot, noise) })).toBe(false);
        if (oldSize > 0)
          expect(verifyConsistency({ ...claim, newRoot: flip(claim.newRoot, noise) })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: [...proof, EMPTY_ROOT] })).toBe(false);
        expect(verifyConsistency({ ...claim, oldSize: newSize + 1 })).toBe(false);
        const other = noise % newSize;
        if (other !== oldSize && oldSize > 0) {
          expect(verifyConsistency({ ...claim, oldSize: other })).toBe(false);
        }
        if (proof.length === 0) return;
        expect(verifyConsistency({ ...claim, proof: proof.slice(1) })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
        const broken = proof.with(
          noise % proof.length,
          flip(proof[noise % proof.length] ?? EMPTY_ROOT, noise),
        );
        expect(verifyConsistency({ ...claim, proof: broken })).toBe(false);
      }),
      { numRuns },
    );
  });
});

describe('sizes up to 2^53 - 1', () => {
  // A tree of any size whose leaves are all the same has one hash per level: proofs can be made without a tree.
  const perfect: Uint8Array[] = [hashLeaf(new Uint8Array(0))];
  for (let level = 1; level < 54; level++) {
    const below = perfect[level - 1] ?? EMPTY_ROOT;
    perfect.push(hashNode(below, below));
  }
  const readUniform: ReadNodes = (addresses) =>
    Promise.resolve(addresses.map(({ level }) => perfect[level] ?? EMPTY_ROOT));

  test('inclusion and consistency', async () => {
    await fc.assert(
      fc.asyncProperty(hugeSize, fc.double({ min: 0, max: 1, noNaN: true }), async (size, where) => {
        const index = Math.min(size - 1, Math.floor(size * where));
        const proof = await inclusionProof(index, size, readUniform);
        const whole = await treeRoot(size, readUniform);
        const leafHash = perfect[0] ?? EMPTY_ROOT;
        expect(verifyInclusion({ leafHash, leafIndex: index, treeSize: size, proof, root: whole })).toBe(
          true,
        );
        const oldSize = index + 1;
        const oldRoot = await treeRoot(oldSize, readUniform);
        const consistency = await consistencyProof(oldSize, size, readUniform);
        const claim = { oldSize, newSize: size, oldRoot, newRoot: whole, proof: consistency };
        expect(verifyConsistency(claim)).toBe(true);
      }),
      { numRuns },
    );
  });

  test('ranges are covered exactly, by aligned subtrees', () => {
    fc.assert(
      fc.property(hugeSize, (size) => {
        let at = 0;
        for (const { level, index } of rangeAddresses(0, size) satisfies NodeAddress[]) {
          expect(index * 2 ** level).toBe(at);
          at += 2 ** level;
        }
        expect(at).toBe(size);
      }),
      { numRuns },
    );
  });
});
