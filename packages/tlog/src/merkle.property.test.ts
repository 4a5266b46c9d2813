import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consistencyProof,
  EMPTY_ROOT,
  Frontier,
  hashLeaf,
  hashNode,
  inclusionProof,
  isSubtree,
  type NodeAddress,
  type ReadNodes,
  rangeAddresses,
  rootFromInclusionProof,
  rootOfLeaves,
  type Subtree,
  subtreeConsistencyProof,
  subtreeInclusionProof,
  subtreeRoot,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
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

/** SUBTREE_PROOF(start, end, D[n]) in the words of draft-ietf-plants-merkle-tree-certs, section 4.4.1. */
function subtreeProof(start: number, end: number, hashes: readonly Uint8Array[], known = true): Uint8Array[] {
  if (start === 0 && end === hashes.length) return known ? [] : [merkleTreeHash(hashes)];
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  const [left, right] = [hashes.slice(0, split), hashes.slice(split)];
  if (end <= split) return [...subtreeProof(start, end, left, known), merkleTreeHash(right)];
  if (split <= start)
    return [...subtreeProof(start - split, end - split, right, known), merkleTreeHash(left)];
  return [...subtreeProof(0, end - split, right, false), merkleTreeHash(left)];
}

describe('subtrees', () => {
  const subtree = treeSize.chain((size) =>
    fc
      .record({ level: fc.nat(10), index: fc.nat(), length: fc.nat() })
      .map(({ level, index, length }): Subtree & { size: number } => {
        const width = 2 ** level;
        const start = (index % Math.ceil(size / width)) * width;
        // Longer than half its width, so that it needs the alignment that it has; up to the end of the tree.
        const longest = Math.min(width, size - start);
        const shortest = Math.min(longest, Math.floor(width / 2) + 1);
        return { size, start, end: start + shortest + (length % (longest - shortest + 1)) };
      }),
  );
  const hashOf = ({ start, end }: Subtree): Uint8Array => merkleTreeHash(leaves.slice(start, end));

  test('are those whose start is aligned to the power of two that holds them', () => {
    for (let start = 0; start < 40; start++) {
      for (let end = start; end < 40; end++) {
        let width = 1;
        while (width < end - start) width *= 2;
        expect(isSubtree(start, end)).toBe(start % width === 0);
      }
    }
    expect(isSubtree(0, Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(isSubtree(1, Number.MAX_SAFE_INTEGER)).toBe(false);
    expect(isSubtree(2 ** 52, Number.MAX_SAFE_INTEGER)).toBe(true);
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53]) expect(isSubtree(0, bad)).toBe(false);
    expect(isSubtree(2, 1)).toBe(false);
  });

  test('every one is proven to be in its tree, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(subtree, fc.nat(), async ({ size, start, end }, noise) => {
        expect(isSubtree(start, end)).toBe(true);
        const hash = await subtreeRoot({ start, end }, readNodes);
        expect(hash).toEqual(hashOf({ start, end }));
        const proof = await subtreeConsistencyProof({ start, end }, size, readNodes);
        expect(proof).toEqual(subtreeProof(start, end, leaves.slice(0, size)));
        const claim = { start, end, treeSize: size, subtreeRoot: hash, root: root(size), proof };
        expect(verifySubtreeConsistency(claim)).toBe(true);
        expect(verifySubtreeConsistency({ ...claim, subtreeRoot: flip(hash, noise) })).toBe(false);
        expect(verifySubtreeConsistency({ ...claim, root: flip(claim.root, noise) })).toBe(false);
        expect(verifySubtreeConsistency({ ...claim, proof: [...proof, EMPTY_ROOT] })).toBe(false);
        expect(verifySubtreeConsistency({ ...claim, treeSize: end - 1 })).toBe(false);
        const width = 2 ** Math.ceil(Math.log2(end - start));
        const moved = { ...claim, start: start + width, end: end + width };
        expect(verifySubtreeConsistency(moved)).toBe(false);
        expect(verifySubtreeConsistency({ ...claim, end: start })).toBe(false);
        if (proof.length === 0) return;
        expect(verifySubtreeConsistency({ ...claim, proof: proof.slice(1) })).toBe(false);
        expect(verifySubtreeConsistency({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
        const at = noise % proof.length;
        const broken = proof.with(at, flip(proof[at] ?? EMPTY_ROOT, noise));
        expect(verifySubtreeConsistency({ ...claim, proof: broken })).toBe(false);
        const short = proof.with(at, new Uint8Array(31));
        expect(verifySubtreeConsistency({ ...claim, proof: short })).toBe(false);
      }),
      { numRuns: numRuns * 2 },
    );
  });

  test('of a small tree, each one, against every size that is claimed for it', async () => {
    for (let size = 1; size <= 17; size++) {
      for (let start = 0; start < size; start++) {
        for (let end = start + 1; end <= size; end++) {
          if (!isSubtree(start, end)) continue;
          const proof = await subtreeConsistencyProof({ start, end }, size, readNodes);
          expect(proof).toEqual(subtreeProof(start, end, leaves.slice(0, size)));
          const claim = { start, end, subtreeRoot: hashOf({ start, end }), root: root(size), proof };
          expect(verifySubtreeConsistency({ ...claim, treeSize: size })).toBe(true);
        }
      }
    }
  });

  test('one that starts at 0 is an older tree, and one of a single leaf is that leaf', async () => {
    await fc.assert(
      fc.asyncProperty(leafInTree, async ({ size, index }) => {
        const older = await subtreeConsistencyProof({ start: 0, end: index + 1 }, size, readNodes);
        expect(older).toEqual(await consistencyProof(index + 1, size, readNodes));
        const single = await subtreeConsistencyProof({ start: index, end: index + 1 }, size, readNodes);
        expect(single).toEqual(await inclusionProof(index, size, readNodes));
      }),
      { numRuns },
    );
  });

  test('prove their leaves, and no others', async () => {
    await fc.assert(
      fc.asyncProperty(subtree, fc.nat(), async ({ start, end }, noise) => {
        const leafIndex = start + (noise % (end - start));
        const proof = await subtreeInclusionProof(leafIndex, { start, end }, readNodes);
        const claim = {
          leafHash: leaf(leafIndex),
          leafIndex,
          start,
          end,
          proof,
          subtreeRoot: hashOf({ start, end }),
        };
        expect(verifySubtreeInclusion(claim)).toBe(true);
        expect(verifySubtreeInclusion({ ...claim, leafHash: flip(claim.leafHash, noise) })).toBe(false);
        expect(verifySubtreeInclusion({ ...claim, leafIndex: start - 1 })).toBe(false);
        expect(verifySubtreeInclusion({ ...claim, leafIndex: end })).toBe(false);
        const other = start + ((noise + 1) % (end - start));
        if (other !== leafIndex) {
          expect(verifySubtreeInclusion({ ...claim, leafIndex: other })).toBe(false);
        }
        expect(verifySubtreeInclusion({ ...claim, proof: [...proof, EMPTY_ROOT] })).toBe(false);
      }),
      { numRuns },
    );
  });

  test('misuse is refused, evidence is not thrown at', async () => {
    const misuse: readonly Subtree[] = [
      { start: 1, end: 3 },
      { start: 3, end: 2 },
      { start: -1, end: 0 },
      { start: 0, end: 2 ** 53 },
    ];
    for (const bad of misuse) {
      await expect(subtreeRoot(bad, readNodes)).rejects.toThrow(RangeError);
      await expect(subtreeConsistencyProof(bad, 8, readNodes)).rejects.toThrow(RangeError);
      await expect(subtreeInclusionProof(bad.start, bad, readNodes)).rejects.toThrow(RangeError);
      const claim = { ...bad, treeSize: 8, subtreeRoot: root(1), root: root(8), proof: [] };
      expect(verifySubtreeConsistency(claim)).toBe(false);
      const leafClaim = { ...bad, leafHash: leaf(0), leafIndex: bad.start, proof: [], subtreeRoot: leaf(0) };
      expect(verifySubtreeInclusion(leafClaim)).toBe(false);
    }
    await expect(subtreeConsistencyProof({ start: 0, end: 9 }, 8, readNodes)).rejects.toThrow(RangeError);
    await expect(subtreeInclusionProof(4, { start: 0, end: 4 }, readNodes)).rejects.toThrow(RangeError);
    expect(await subtreeRoot({ start: 5, end: 5 }, readNodes)).toEqual(EMPTY_ROOT);
    expect(await subtreeConsistencyProof({ start: 5, end: 5 }, 8, readNodes)).toEqual([]);
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

  test('subtrees', async () => {
    await fc.assert(
      fc.asyncProperty(
        hugeSize,
        fc.nat(52),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (size, level, where) => {
          const width = 2 ** level;
          const last = Math.floor((size - 1) / width);
          const start = Math.min(last, Math.floor(last * where)) * width;
          const end = Math.min(start + width, size);
          const whole = await treeRoot(size, readUniform);
          const hash = await subtreeRoot({ start, end }, readUniform);
          const proof = await subtreeConsistencyProof({ start, end }, size, readUniform);
          const claim = { start, end, treeSize: size, subtreeRoot: hash, root: whole, proof };
          expect(verifySubtreeConsistency(claim)).toBe(true);
          expect(verifySubtreeConsistency({ ...claim, subtreeRoot: EMPTY_ROOT })).toBe(false);
        },
      ),
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
