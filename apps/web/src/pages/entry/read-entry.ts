/** What the page computes from an entry as it arrived: everything the server says beside it is checked here. */
import type { LogDetail, LogEntryDetail } from '@vitrine/api';
import { parseStatementLeaf } from '@vitrine/statements';
import type { StatementLeaf } from '@vitrine/statements';
import {
  decodeBase64,
  decodeHex,
  encodeHex,
  hashLeaf,
  openCheckpoint,
  parseVkey,
  verifyInclusion,
} from '@vitrine/tlog';
import { proofSteps } from './proof-steps.ts';
import type { ProofStep } from './proof-steps.ts';

export type CheckpointFinding = 'signed' | 'refuted' | 'not-kept';

export interface ReadEntry {
  readonly leaf: Uint8Array;
  /** Hash of the bytes that arrived. */
  readonly leafHash: Uint8Array;
  /** Whether the server named the same hash. */
  readonly hashAgrees: boolean;
  readonly included: boolean;
  /** The way to the root; undefined when the proof has not the right shape. */
  readonly steps: readonly ProofStep[] | undefined;
  /** Whether a checkpoint signed by the log has this size and root. */
  readonly checkpoint: CheckpointFinding;
  /** Undefined in open logs and for leaves that are no statement. */
  readonly statement: StatementLeaf | undefined;
  /** Why a leaf of a log of statements cannot be read as one. */
  readonly unreadable: string | undefined;
}

function findCheckpoint(entry: LogEntryDetail, log: LogDetail): CheckpointFinding {
  if (entry.checkpoint === null) return 'not-kept';
  try {
    const { checkpoint } = openCheckpoint(entry.checkpoint, parseVkey(log.vkey));
    const agrees =
      checkpoint.origin === log.origin &&
      checkpoint.treeSize === entry.proof.treeSize &&
      encodeHex(checkpoint.root) === entry.proof.root;
    return agrees ? 'signed' : 'refuted';
  } catch {
    return 'refuted';
  }
}

/** @throws TlogError when the leaf is not base64 */
export function readEntry(entry: LogEntryDetail, log: LogDetail): ReadEntry {
  const leaf = decodeBase64(entry.leaf);
  const leafHash = hashLeaf(leaf);
  const hashes = entry.proof.hashes.map(decodeHex);
  const position = { leafIndex: entry.index, treeSize: entry.proof.treeSize, leafHash };
  let statement: StatementLeaf | undefined;
  let unreadable: string | undefined;
  if (log.kind !== 'open') {
    try {
      statement = parseStatementLeaf(leaf);
    } catch (error) {
      unreadable = error instanceof Error ? error.message : 'it is no statement';
    }
  }
  return {
    leaf,
    leafHash,
    hashAgrees: encodeHex(leafHash) === entry.leafHash,
    included: verifyInclusion({ ...position, proof: hashes, root: decodeHex(entry.proof.root) }),
    steps: proofSteps({ ...position, hashes }),
    checkpoint: findCheckpoint(entry, log),
    statement,
    unreadable,
  };
}
