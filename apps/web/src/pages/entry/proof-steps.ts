/** An inclusion proof, step by step from the leaf to the root (RFC 6962, section 2.1.1). */
import { hashNode } from '@vitrine/tlog';

export interface ProofStep {
  /** On which side of the path the given hash stands. */
  readonly side: 'left' | 'right';
  /** The hash that the proof gives. */
  readonly sibling: Uint8Array;
  /** The leaves under the sibling: first and last index. */
  readonly first: number;
  readonly last: number;
  /** What both hash to: the next node of the path. */
  readonly node: Uint8Array;
}

interface Span {
  readonly side: 'left' | 'right';
  readonly first: number;
  readonly last: number;
}

function largestPowerOfTwoBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** Which subtrees stand beside the path from a leaf to the root, from the leaf up. */
function spansBeside(leafIndex: number, treeSize: number): readonly Span[] {
  const spans: Span[] = [];
  let start = 0;
  let size = treeSize;
  while (size > 1) {
    const left = largestPowerOfTwoBelow(size);
    if (leafIndex - start < left) {
      spans.push({ side: 'right', first: start + left, last: start + size - 1 });
      size = left;
    } else {
      spans.push({ side: 'left', first: start, last: start + left - 1 });
      start += left;
      size -= left;
    }
  }
  return spans.reverse();
}

/** @returns undefined when the proof has not the shape that index and size demand. The last `node` is the root. */
export function proofSteps(claim: {
  readonly leafIndex: number;
  readonly treeSize: number;
  readonly leafHash: Uint8Array;
  readonly hashes: readonly Uint8Array[];
}): readonly ProofStep[] | undefined {
  const { leafIndex, treeSize, leafHash, hashes } = claim;
  if (leafIndex >= treeSize) return undefined;
  const spans = spansBeside(leafIndex, treeSize);
  if (spans.length !== hashes.length) return undefined;
  let node = leafHash;
  const steps: ProofStep[] = [];
  for (const [at, span] of spans.entries()) {
    const sibling = hashes[at];
    if (sibling === undefined) return undefined;
    node = span.side === 'left' ? hashNode(sibling, node) : hashNode(node, sibling);
    steps.push({ ...span, sibling, node });
  }
  return steps;
}

/** `entry 4`, `entries 0 to 3`. */
export function spanInWords({ first, last }: { readonly first: number; readonly last: number }): string {
  return first === last ? `entry ${first}` : `entries ${first}–${last}`;
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** The same for a drawing: large numbers give way to how many there are. */
export function spanInBrief(span: { readonly first: number; readonly last: number }): string {
  const words = spanInWords(span);
  return words.length <= 14 ? words : `${compact.format(span.last - span.first + 1)} entries`;
}
