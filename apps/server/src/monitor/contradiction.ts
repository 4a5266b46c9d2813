/** Whether two checkpoints of a log can be of one history: if not, the proof that anyone can check. */
import { openSource, type SourceLocation } from '@vitrine/fsck';
import {
  consistencyProof,
  equalBytes,
  formatTilePath,
  HASH_BYTES,
  TILE_WIDTH,
  TlogError,
  tileNodeReader,
  treeRoot,
  verifyConsistency,
} from '@vitrine/tlog';
import type { ForkEvidence } from '@vitrine/verifier/fork';
import type { LogCheckpoint } from './log-checkpoint.ts';

/** The tree under a checkpoint, as somebody serves it. What it gives is verified before it is believed. */
export interface Tree {
  /** 32 bytes. */
  rootAt(size: number): Promise<Uint8Array>;
  /** RFC 6962, hashes of 32 bytes; `to` is the size of the checkpoint. */
  consistencyProof(from: number, to: number): Promise<readonly Uint8Array[]>;
}

/** Thrown when a tree is not the one under its checkpoint: then nothing is known. */
export class UnprovenTree extends Error {
  override readonly name = 'UnprovenTree';
}

/** The tree of `treeSize` entries that another server shows by its tiles. @throws FsckError `unreachable`; UnprovenTree */
export function servedTree(location: SourceLocation, treeSize: number): Tree {
  const source = openSource(location);
  const nodes = tileNodeReader(treeSize, async (tile) => {
    const paths = [formatTilePath(tile), formatTilePath({ ...tile, width: TILE_WIDTH })];
    for (const path of paths) {
      const content = await source.read(path, TILE_WIDTH * HASH_BYTES);
      if ('bytes' in content) return content.bytes.subarray(0, tile.width * HASH_BYTES);
    }
    throw new UnprovenTree(`${paths[0] ?? ''} is not served`);
  });
  return {
    rootAt: (size) => unlessMalformed(treeRoot(size, nodes)),
    consistencyProof: (from, to) => unlessMalformed(consistencyProof(from, to, nodes)),
  };
}

/**
 * The proof that two checkpoints of one log, each signed by it, are not of one history; undefined if the larger tree begins with
 * the smaller.
 *
 * @param tree the one under the larger checkpoint; not asked where the sizes are equal
 * @throws UnprovenTree if the tree given is not that one
 */
export async function contradictionOf(
  one: LogCheckpoint,
  other: LogCheckpoint,
  tree: Tree,
): Promise<ForkEvidence | undefined> {
  const [first, second] = one.size <= other.size ? [one, other] : [other, one];
  const checkpoints = [first.note, second.note] as const;
  if (first.size === second.size) return equalBytes(first.root, second.root) ? undefined : { checkpoints };
  const root = await tree.rootAt(first.size);
  const hashes = await tree.consistencyProof(first.size, second.size);
  const isProven = verifyConsistency({
    oldSize: first.size,
    newSize: second.size,
    oldRoot: root,
    newRoot: second.root,
    proof: hashes,
  });
  if (!isProven)
    throw new UnprovenTree(`the tiles are not those of the checkpoint of ${second.size} entries`);
  return equalBytes(root, first.root) ? undefined : { checkpoints, proof: { root, hashes } };
}

async function unlessMalformed<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    if (cause instanceof TlogError) throw new UnprovenTree(cause.message, { cause });
    throw cause;
  }
}
