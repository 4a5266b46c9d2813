// Offline proofs that an entry is in a log: c2sp.org/tlog-proof.

import { decodeBase64, encodeBase64 } from './base64.ts';
import { decodeUtf8 } from './bytes.ts';
import { parseDecimal } from './decimal.ts';
import { TlogError } from './error.ts';
import { parseHashLines } from './hash-lines.ts';
import { verifyInclusion } from './merkle.ts';
import { MAX_NOTE_BYTES, parseNote } from './note.ts';
import { type CheckpointVerdict, type Policy, verifyCheckpoint } from './policy.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';

/** The longest inclusion proof: a tree of 2^53 - 1 leaves needs no more. */
const MAX_PROOF_HASHES = 53;

/** The largest extra data accepted, in bytes. */
export const MAX_EXTRA_BYTES = 1_000_000;

const MAX_PROOF_LENGTH = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES;

export interface TlogProof {
  /** Of the entry in the log, from 0. */
  readonly index: number;
  /** Opaque, not authenticated by anything; never empty. */
  readonly extra?: Uint8Array;
  /** RFC 6962 inclusion proof, 32 bytes each, from the leaf's sibling up. */
  readonly hashes: readonly Uint8Array[];
  /** The log's checkpoint with its signatures, verbatim. */
  readonly checkpointNote: string;
}

/**
 * Parses a proof; verifies nothing. The checkpoint must at least be a well-formed note.
 *
 * @throws TlogError `malformed-proof`
 * @see c2sp.org/tlog-proof, "Format"
 */
export function parseProof(proof: Uint8Array | string): TlogProof {
  if (proof.length > MAX_PROOF_LENGTH) throw malformed(`it is larger than ${MAX_PROOF_LENGTH} bytes`);
  const text = typeof proof === 'string' ? proof : decodeUtf8(proof);
  if (text === undefined) throw malformed('it is not UTF-8');
  const split = text.indexOf('\n\n');
  if (split < 0) throw malformed('no blank line before the checkpoint');
  const [header, ...lines] = text.slice(0, split).split('\n', MAX_PROOF_HASHES + 4);
  if (header !== HEADER) throw malformed(`its first line is not ${HEADER}`);
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift()) : undefined;
  const index = parseIndex(lines.shift());
  const hashes = parseHashLines(lines, MAX_PROOF_HASHES, malformed);
  const checkpointNote = text.slice(split + 2);
  checkNote(checkpointNote);
  return { index, ...(extra === undefined ? {} : { extra }), hashes, checkpointNote };
}

/**
 * The inverse of parseProof.
 *
 * @throws TlogError `malformed-proof` if the result would not parse
 */
export function formatProof({ index, extra, hashes, checkpointNote }: TlogProof): string {
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${encodeBase64(extra)}`]),
    `index ${index}`,
    ...hashes.map(encodeBase64),
    '',
    checkpointNote,
  ];
  const text = lines.join('\n');
  parseProof(text);
  return text;
}

/**
 * Whether the leaf with this hash is in a log of the policy, under a checkpoint that meets its quorum. Never
 * throws on a bad proof.
 *
 * @see c2sp.org/tlog-proof, "Verifying a tlog proof"
 */
export function verifyProof(claim: {
  /** 32 bytes. */
  readonly leafHash: Uint8Array;
  readonly proof: TlogProof;
  readonly policy: Policy;
}): CheckpointVerdict {
  const { leafHash, proof, policy } = claim;
  const verdict = verifyCheckpoint(proof.checkpointNote, policy);
  if (!verdict.ok) return verdict;
  const { treeSize, root } = verdict.checkpoint;
  const included = verifyInclusion({ leafHash, leafIndex: proof.index, treeSize, proof: proof.hashes, root });
  if (included) return verdict;
  return {
    ok: false,
    reason: `the leaf is not proven to be entry ${proof.index} of the ${treeSize} in the log`,
  };
}

function parseExtra(line: string | undefined): Uint8Array {
  const extra = decodeExtra(line?.slice('extra '.length) ?? '');
  if (extra.length === 0) throw malformed('an empty extra line must be left out');
  if (extra.length > MAX_EXTRA_BYTES)
    throw malformed(`its extra data is larger than ${MAX_EXTRA_BYTES} bytes`);
  return extra;
}

function parseIndex(line: string | undefined): number {
  const index = line?.startsWith('index ') ? parseDecimal(line.slice('index '.length)) : undefined;
  if (index === undefined) throw malformed('no line "index <decimal>" where it belongs');
  return index;
}

function decodeExtra(text: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch (cause) {
    throw malformed('the extra data is not canonical Base 64', { cause });
  }
}

function checkNote(note: string): void {
  try {
    parseNote(note);
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : 'its checkpoint is no note', { cause });
  }
}

function malformed(why: string, options?: ErrorOptions): TlogError {
  return new TlogError('malformed-proof', `malformed proof: ${why}`, options);
}
