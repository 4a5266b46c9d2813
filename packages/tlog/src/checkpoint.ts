// Checkpoints: c2sp.org/tlog-checkpoint.

import { decodeBase64, encodeBase64 } from './base64.ts';
import { parseDecimal } from './decimal.ts';
import { TlogError } from './error.ts';
import { checkNoteText, type NoteVerifier, type OpenedNote, openNote } from './note.ts';

export interface Checkpoint {
  /** Who the log says it is. */
  readonly origin: string;
  /** Number of leaves, 0 to 2^53 - 1 (the format knows no bound; larger trees are refused). */
  readonly treeSize: number;
  /** RFC 6962 root, 32 bytes. */
  readonly root: Uint8Array;
  /** Opaque lines after the third, without their newlines. */
  readonly extensions: readonly string[];
}

/**
 * Parses the text of a checkpoint's note, which vouches for nothing before its signature is verified.
 *
 * @throws TlogError `malformed-checkpoint`
 * @see c2sp.org/tlog-checkpoint, "Note text"
 */
export function parseCheckpoint(noteText: string): Checkpoint {
  try {
    checkNoteText(noteText);
  } catch (cause) {
    throw malformed('it is not the text of a note', { cause });
  }
  const [origin, size, root64, ...extensions] = noteText.slice(0, -1).split('\n');
  if (origin === undefined || size === undefined || root64 === undefined) {
    throw malformed('it has fewer than three lines');
  }
  if (origin === '') throw malformed('its origin is empty');
  const treeSize = parseDecimal(size);
  if (treeSize === undefined) {
    throw malformed('line 2 is not a tree size: a decimal without leading zeroes, at most 2^53 - 1');
  }
  if (extensions.includes('')) throw malformed('an extension line is empty');
  return { origin, treeSize, root: decodeRoot(root64), extensions };
}

function decodeRoot(root64: string): Uint8Array {
  let root: Uint8Array;
  try {
    root = decodeBase64(root64);
  } catch (cause) {
    throw malformed('line 3 is not a root hash in canonical Base 64', { cause });
  }
  if (root.length !== 32) throw malformed(`its root hash has ${root.length} bytes, not 32`);
  return root;
}

/**
 * The inverse of parseCheckpoint.
 *
 * @throws TlogError `malformed-checkpoint` if the result would not parse to the same checkpoint
 */
export function formatCheckpoint({ origin, treeSize, root, extensions }: Checkpoint): string {
  for (const line of [origin, ...extensions]) {
    if (line === '' || line.includes('\n'))
      throw malformed('an origin or extension is not one non-empty line');
  }
  if (!Number.isSafeInteger(treeSize) || treeSize < 0) throw malformed(`${treeSize} is not a tree size`);
  const text = [origin, String(treeSize), encodeBase64(root), ...extensions, ''].join('\n');
  parseCheckpoint(text);
  return text;
}

/**
 * Parses a checkpoint and checks that the log signed it: the origin must be the verifier's name.
 *
 * @throws TlogError `malformed-note`, `malformed-checkpoint`, `bad-signature`, `no-known-signature`,
 * `origin-mismatch`
 */
export function openCheckpoint(
  note: Uint8Array | string,
  logVerifier: NoteVerifier,
): { readonly checkpoint: Checkpoint; readonly note: OpenedNote } {
  const opened = openNote(note, [logVerifier]);
  const checkpoint = parseCheckpoint(opened.text);
  if (checkpoint.origin !== logVerifier.name) {
    throw new TlogError(
      'origin-mismatch',
      `the checkpoint's origin is ${checkpoint.origin}, the log's key is named ${logVerifier.name}`,
    );
  }
  return { checkpoint, note: opened };
}

function malformed(why: string, options?: ErrorOptions): TlogError {
  return new TlogError('malformed-checkpoint', `malformed checkpoint: ${why}`, options);
}
