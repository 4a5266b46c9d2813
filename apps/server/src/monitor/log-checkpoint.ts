/** A checkpoint as a monitor keeps it: signed by its log, and no larger than it needs to be. */
import { createHash } from 'node:crypto';
import { formatNote, type NoteVerifier, openCheckpoint, parseCheckpoint, parseNote } from '@vitrine/tlog';

/** Of the cosignatures on a note only so much is kept, in UTF-16 code units: strangers can add more. */
const MAX_KEPT_NOTE = 16_384;

export interface LogCheckpoint {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** The signed note: with all its signatures if that is not too long, else with the log's. */
  readonly note: string;
  /** Hex SHA-256 of the text that the log signed: the same whoever cosigned it. */
  readonly textDigest: string;
}

/** The origin that a note claims. @throws TlogError `malformed-note`, `malformed-checkpoint` */
export function claimedOrigin(note: string): string {
  return parseCheckpoint(parseNote(note).text).origin;
}

/** The size that a note claims. @throws TlogError `malformed-note`, `malformed-checkpoint` */
export function claimedSize(note: string): number {
  return parseCheckpoint(parseNote(note).text).treeSize;
}

/** Hex SHA-256 of what is signed of a note. @throws TlogError `malformed-note` */
export function textDigestOf(note: string): string {
  return digestOf(parseNote(note).text);
}

/** @throws TlogError `malformed-note`, `malformed-checkpoint`, `bad-signature`, `no-known-signature`, `origin-mismatch` */
export function openLogCheckpoint(note: string, verifier: NoteVerifier): LogCheckpoint {
  const { checkpoint, note: opened } = openCheckpoint(note, verifier);
  const { text, signatures } = opened;
  const own = signatures.filter(({ keyId, name }) => keyId === verifier.keyId && name === verifier.name);
  return {
    origin: checkpoint.origin,
    size: checkpoint.treeSize,
    root: checkpoint.root,
    note: note.length <= MAX_KEPT_NOTE ? note : formatNote({ text, signatures: own }),
    textDigest: digestOf(text),
  };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
