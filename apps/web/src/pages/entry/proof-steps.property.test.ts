import { hashLeaf, inclusionProof, rootOfLeaves } from '@vitrine/tlog';
import type { NodeAddress } from '@vitrine/tlog';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { proofSteps, spanInBrief, spanInWords } from './proof-steps.ts';

function leafHashes(size: number): readonly Uint8Array[] {
  return Array.from({ length: size }, (_, at) => hashLeaf(new TextEncoder().encode(`entry ${at}`)));
}

function proofOf(leafIndex: number, leaves: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  const node = ({ level, index }: NodeAddress) =>
    rootOfLeaves(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
  return inclusionProof(leafIndex, leaves.length, (addresses) => Promise.resolve(addresses.map(node)));
}

const positions = fc
  .integer({ min: 1, max: 300 })
  .chain((treeSize) => fc.tuple(fc.constant(treeSize), fc.integer({ min: 0, max: treeSize - 1 })));

test('the steps end in the root, and every given hash is that of the leaves it is said to cover', async () => {
  await fc.assert(
    fc.asyncProperty(positions, async ([treeSize, leafIndex]) => {
      const leaves = leafHashes(treeSize);
      const leafHash = leaves[leafIndex] ?? new Uint8Array();
      const hashes = await proofOf(leafIndex, leaves);
      const steps = proofSteps({ leafIndex, treeSize, leafHash, hashes });
      expect(steps).toBeDefined();
      expect(steps?.at(-1)?.node ?? leafHash).toEqual(rootOfLeaves(leaves));
      for (const { sibling, first, last, side } of steps ?? []) {
        expect(sibling).toEqual(rootOfLeaves(leaves.slice(first, last + 1)));
        expect(side === 'left' ? last < leafIndex : first > leafIndex).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});

test('a proof of another length has no steps', async () => {
  const leaves = leafHashes(11);
  const hashes = await proofOf(8, leaves);
  const claim = { leafIndex: 8, treeSize: 11, leafHash: hashLeaf(new Uint8Array()) };
  expect(proofSteps({ ...claim, hashes: hashes.slice(1) })).toBeUndefined();
  expect(proofSteps({ ...claim, hashes: [...hashes, hashes[0] ?? new Uint8Array(32)] })).toBeUndefined();
  expect(proofSteps({ ...claim, leafIndex: 11, hashes })).toBeUndefined();
});

test('spans in words', () => {
  expect(spanInWords({ first: 4, last: 4 })).toBe('entry 4');
  expect(spanInWords({ first: 0, last: 3 })).toBe('entries 0–3');
  expect(spanInBrief({ first: 2 ** 20, last: 2 ** 21 - 1 })).toBe('1M entries');
});
