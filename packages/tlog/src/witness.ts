// What a witness and its clients say to each other: c2sp.org/tlog-witness. Wire forms only; what a witness answers
// when, and that it stores before it answers, is the server's.

import { encodeBase64 } from './base64.ts';
import { decodeUtf8 } from './bytes.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { cosignatureTime } from './cosignature.ts';
import { parseDecimal } from './decimal.ts';
import { TlogError } from './error.ts';
import { parseHashLine, parseHashLines, type Refuse } from './hash-lines.ts';
import { isSubtree } from './merkle.ts';
import {
  formatSignatureLine,
  MAX_NOTE_BYTES,
  type NoteSignature,
  type NoteVerifier,
  openNote,
  parseNote,
  parseSignatureLines,
  type VerifiedSignature,
} from './note.ts';

/** The most hashes in a request's proof ("MUST NOT send more than 63 consistency proof lines"). */
export const MAX_REQUEST_HASHES = 63;

/** The largest request body, in bytes: the largest note below the longest head. */
export const MAX_WITNESS_REQUEST_BYTES: number = MAX_NOTE_BYTES + 4096;

/** The content type of a 409 answer to add-checkpoint, whose body is the size that the witness holds. */
export const TREE_SIZE_CONTENT_TYPE = 'text/x.tlog.size';

export interface AddCheckpointRequest {
  /** The size that the client believes the witness holds, 0 to 2^53 - 1. */
  readonly oldSize: number;
  /** RFC 6962 consistency proof from `oldSize`, 32 bytes each, at most MAX_REQUEST_HASHES. */
  readonly proof: readonly Uint8Array[];
  /** The submitted checkpoint with its signatures, verbatim. */
  readonly checkpointNote: string;
}

export interface SignSubtreeRequest {
  /** Of leaves, from `start` up to, not including, `end`; with `hash` of 32 bytes. */
  readonly subtree: { readonly start: number; readonly end: number; readonly hash: Uint8Array };
  /** Subtree consistency proof to the reference checkpoint, 32 bytes each, at most MAX_REQUEST_HASHES. */
  readonly proof: readonly Uint8Array[];
  /** A checkpoint that the witness itself has cosigned, verbatim. */
  readonly checkpointNote: string;
}

/** What the note of a request says. Unverified: good for finding the log by its origin, and for nothing else. */
export interface ClaimedCheckpoint {
  readonly claimed: Checkpoint;
}

/**
 * Parses the body of an `add-checkpoint` request; verifies nothing.
 *
 * @throws TlogError `malformed-request`, also if the note is no checkpoint (HTTP: 400)
 * @see c2sp.org/tlog-witness, "add-checkpoint"
 */
export function parseAddCheckpoint(body: Uint8Array | string): AddCheckpointRequest & ClaimedCheckpoint {
  const { head, checkpointNote, claimed } = splitRequest(body, refuseAddCheckpoint);
  const [first, ...hashes] = head;
  const oldSize = first?.startsWith('old ') ? parseDecimal(first.slice('old '.length)) : undefined;
  if (oldSize === undefined) {
    throw refuseAddCheckpoint('line 1 is not "old <size>", a decimal without leading zeroes up to 2^53 - 1');
  }
  const proof = parseHashLines(hashes, MAX_REQUEST_HASHES, refuseAddCheckpoint);
  return { oldSize, proof, checkpointNote, claimed };
}

/**
 * The inverse of parseAddCheckpoint.
 *
 * @throws TlogError `malformed-request` if the result would not parse
 */
export function formatAddCheckpoint({ oldSize, proof, checkpointNote }: AddCheckpointRequest): string {
  const body = [`old ${oldSize}`, ...proof.map(encodeBase64), '', checkpointNote].join('\n');
  parseAddCheckpoint(body);
  return body;
}

/**
 * Parses the body of a `sign-subtree` request; verifies nothing, but the range is one that a subtree can have and
 * does not pass the claimed size of the checkpoint.
 *
 * @throws TlogError `malformed-request` (HTTP: 400)
 * @see c2sp.org/tlog-witness, "sign-subtree"
 */
export function parseSignSubtree(body: Uint8Array | string): SignSubtreeRequest & ClaimedCheckpoint {
  const { head, checkpointNote, claimed } = splitRequest(body, refuseSignSubtree);
  const [range, hashLine, ...hashes] = head;
  const [keyword, startText, endText, ...rest] = range?.split(' ', 4) ?? [];
  const start = parseDecimal(startText ?? '');
  const end = parseDecimal(endText ?? '');
  if (keyword !== 'subtree' || start === undefined || end === undefined || rest.length > 0) {
    throw refuseSignSubtree(
      'line 1 is not "subtree <start> <end>", decimals without leading zeroes up to 2^53 - 1',
    );
  }
  if (start >= end || !isSubtree(start, end)) {
    throw refuseSignSubtree(
      `leaves ${start} to ${end} are no subtree: the start must be a multiple of the smallest power of two ` +
        'that is not below the number of leaves',
    );
  }
  if (end > claimed.treeSize) {
    throw refuseSignSubtree(`the subtree ends at ${end}, the checkpoint at ${claimed.treeSize}`);
  }
  const hash = parseHashLine(hashLine ?? '', 'the subtree hash on line 2', refuseSignSubtree);
  const proof = parseHashLines(hashes, MAX_REQUEST_HASHES, refuseSignSubtree);
  return { subtree: { start, end, hash }, proof, checkpointNote, claimed };
}

/**
 * The inverse of parseSignSubtree.
 *
 * @throws TlogError `malformed-request` if the result would not parse
 */
export function formatSignSubtree({ subtree, proof, checkpointNote }: SignSubtreeRequest): string {
  const { start, end, hash } = subtree;
  const head = [`subtree ${start} ${end}`, encodeBase64(hash), ...proof.map(encodeBase64)];
  const body = [...head, '', checkpointNote].join('\n');
  parseSignSubtree(body);
  return body;
}

/**
 * The body of a successful answer: one or more signature lines. Its inverse is parseSignatureLines.
 *
 * @throws TlogError `malformed-note` if there is none, or one would not parse
 */
export function formatSignatureLines(signatures: readonly NoteSignature[]): string {
  const lines = signatures.map(formatSignatureLine).join('');
  parseSignatureLines(lines);
  return lines;
}

/**
 * The cosignatures in a witness's successful answer to add-checkpoint that are by a known key, all verified over the
 * text of the submitted checkpoint. Signatures of other keys are ignored; one bad signature by a known key condemns
 * the answer, and so does one without a time.
 *
 * @throws TlogError `malformed-note`, `bad-signature`, `no-known-signature`, `ambiguous-key`
 * @throws TypeError if a verifier's key is no cosigner's (0x01)
 * @see c2sp.org/tlog-witness, "add-checkpoint"
 */
export function openCosignatures<V extends NoteVerifier>(
  checkpointText: string,
  answer: Uint8Array | string,
  witnesses: readonly V[],
): readonly VerifiedSignature<V>[] {
  for (const { name, type } of witnesses) {
    if (type === 0x01) throw new TypeError(`the key of ${name} is not a cosigner's`);
  }
  // Parsed on their own first: an answer that holds a blank line would move the end of the text.
  const lines = formatSignatureLines(parseSignatureLines(answer));
  const { signatures } = openNote(`${checkpointText}\n${lines}`, witnesses);
  for (const { name, signature } of signatures) {
    if (cosignatureTime(signature) === 0) {
      throw new TlogError('bad-signature', `${name} cosigned without a time, which a witness must state`);
    }
  }
  return signatures;
}

/**
 * Parses the body of a 409 answer to add-checkpoint: the size of the latest checkpoint that the witness cosigned.
 *
 * @throws TlogError `malformed-answer` unless it is one canonical decimal up to 2^53 - 1 and a newline
 */
export function parseTreeSizeLine(body: Uint8Array | string): number {
  const text = typeof body === 'string' ? body : decodeUtf8(body.subarray(0, 32));
  const size = text?.endsWith('\n') ? parseDecimal(text.slice(0, -1)) : undefined;
  if (size === undefined || body.length > 32) {
    throw new TlogError(
      'malformed-answer',
      'malformed tree size: it is not one decimal without leading zeroes, up to 2^53 - 1, and a newline',
    );
  }
  return size;
}

/** The inverse of parseTreeSizeLine. @throws RangeError unless `treeSize` is 0 to 2^53 - 1 */
export function formatTreeSizeLine(treeSize: number): string {
  if (!Number.isSafeInteger(treeSize) || treeSize < 0) throw new RangeError(`${treeSize} is not a tree size`);
  return `${treeSize}\n`;
}

function splitRequest(
  body: Uint8Array | string,
  refuse: Refuse,
): { readonly head: readonly string[]; readonly checkpointNote: string; readonly claimed: Checkpoint } {
  if (body.length > MAX_WITNESS_REQUEST_BYTES) {
    throw refuse(`it is larger than ${MAX_WITNESS_REQUEST_BYTES} bytes`);
  }
  const text = typeof body === 'string' ? body : decodeUtf8(body);
  if (text === undefined) throw refuse('it is not UTF-8');
  // The first blank line: the lines above it are never empty, while the note has one of its own.
  const split = text.indexOf('\n\n');
  if (split < 0) throw refuse('it has no blank line before the checkpoint');
  const checkpointNote = text.slice(split + 2);
  return {
    head: text.slice(0, split).split('\n', MAX_REQUEST_HASHES + 3),
    checkpointNote,
    claimed: readClaim(checkpointNote, refuse),
  };
}

function readClaim(note: string, refuse: Refuse): Checkpoint {
  try {
    return parseCheckpoint(parseNote(note).text);
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw refuse(`its checkpoint does not parse: ${cause.message}`, { cause });
  }
}

function refuseAddCheckpoint(why: string, options?: ErrorOptions): TlogError {
  return new TlogError('malformed-request', `malformed add-checkpoint request: ${why}`, options);
}

function refuseSignSubtree(why: string, options?: ErrorOptions): TlogError {
  return new TlogError('malformed-request', `malformed sign-subtree request: ${why}`, options);
}
