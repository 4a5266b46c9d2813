/**
 * What a cosigner is asked and may answer (c2sp.org/tlog-witness, "add-checkpoint"), without HTTP, without storage:
 * which submission is one at all, and whether it follows what is held.
 */
import {
  EMPTY_ROOT,
  equalBytes,
  type NoteSignature,
  type NoteVerifier,
  openNote,
  parseAddCheckpoint,
  TlogError,
  verifyConsistency,
} from '@vitrine/tlog';
import { hashNode } from '../log/hashing.ts';

/**
 * The largest request that is taken, in bytes: with its proof, room for some seventy ML-DSA-44 signatures. What is held
 * of a log is never larger.
 */
export const MAX_SUBMISSION_BYTES: number = 256 * 1024;

/** Why nothing was signed. `reason` is for people. */
export type Refusal =
  /** The request does not parse, or its old size is above the size of its checkpoint. */
  | { readonly outcome: 'malformed'; readonly reason: string }
  | { readonly outcome: 'unknown-origin'; readonly reason: string }
  /** No signature by a trusted key of the log, or a bad one that claims to be by one. */
  | { readonly outcome: 'not-signed'; readonly reason: string }
  /** The old size is not the one held, `heldSize`. */
  | { readonly outcome: 'other-size'; readonly heldSize: number }
  /** The checkpoint does not follow the one held, as far as the proof shows. */
  | { readonly outcome: 'inconsistent'; readonly reason: string };

/** What comes of one add-checkpoint. http/ gives each its status. */
export type AddCheckpointOutcome =
  /** Signature lines, each with its newline. What they say is durable. */
  { readonly outcome: 'cosigned'; readonly signatureLines: string } | Refusal;

/** Whoever answers add-checkpoint: a witness, a mirror. */
export interface CheckpointCosigner {
  /**
   * Answers the body of one add-checkpoint request.
   *
   * @throws LogError when nothing can be signed for now, for a reason on this side: `disk-full`, `writer-stopped`,
   * `overloaded`, `clock-behind`, `clock-jumped`, `closed`, `corrupt`
   */
  addCheckpoint(body: Uint8Array): Promise<AddCheckpointOutcome>;
  /**
   * The latest checkpoint cosigned for the log whose origin has this SHA-256 (lower-case hex), with the signatures of
   * the log's trusted keys and the cosignature; undefined if none was.
   *
   * @throws LogError `disk-full` while it is not known what was
   */
  latest(originHash: string): string | undefined;
}

/** The keys that are trusted to sign for a log; none for a log that is not known. All of types 0x01 and 0x06. */
export type VerifiersOf = (origin: string) => readonly NoteVerifier[];

/** A checkpoint that its log has signed, with the proof that came with it. */
export interface Submission {
  readonly origin: string;
  readonly treeSize: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** The text that the log signed, extension lines included. */
  readonly text: string;
  /** One of each trusted key that signed, all verified. Others are dropped. */
  readonly logSignatures: readonly NoteSignature[];
}

/** What a cosigner holds of a log. */
export interface HeldTree {
  readonly treeSize: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** Parses a request and checks the log's signature: all that can be told without knowing what is held. */
export function openSubmission(
  body: Uint8Array,
  verifiersOf: VerifiersOf,
): { readonly submission: Submission } | { readonly refusal: Refusal } {
  if (body.length > MAX_SUBMISSION_BYTES) {
    return { refusal: { outcome: 'malformed', reason: `it is larger than ${MAX_SUBMISSION_BYTES} bytes` } };
  }
  let request: ReturnType<typeof parseAddCheckpoint>;
  try {
    request = parseAddCheckpoint(body);
  } catch (error) {
    return { refusal: { outcome: 'malformed', reason: messageOf(error) } };
  }
  const { claimed, oldSize, proof, checkpointNote } = request;
  const { origin, treeSize, root } = claimed;
  const verifiers = verifiersOf(origin);
  if (verifiers.length === 0) {
    return {
      refusal: { outcome: 'unknown-origin', reason: `this cosigner does not know the log ${origin}` },
    };
  }
  let opened: ReturnType<typeof openNote>;
  try {
    opened = openNote(checkpointNote, verifiers);
  } catch (error) {
    return { refusal: { outcome: 'not-signed', reason: messageOf(error) } };
  }
  if (oldSize > treeSize) {
    const reason = `the old size ${oldSize} is above the size of the checkpoint, ${treeSize}`;
    return { refusal: { outcome: 'malformed', reason } };
  }
  const { text, signatures } = opened;
  const logSignatures = verifiers.flatMap((key) => signatures.find(({ verifier }) => verifier === key) ?? []);
  return { submission: { origin, treeSize, root, oldSize, proof, text, logSignatures } };
}

/** Whether a submission follows what is held (undefined: nothing yet). @returns why not, or undefined */
export function checkSubmission(submission: Submission, held: HeldTree | undefined): Refusal | undefined {
  const { treeSize: newSize, root: newRoot, oldSize, proof } = submission;
  const heldSize = held?.treeSize ?? 0;
  if (oldSize !== heldSize) return { outcome: 'other-size', heldSize };
  if (newSize === 0 && !equalBytes(newRoot, EMPTY_ROOT)) {
    return inconsistent('a tree without leaves has the root SHA-256 of nothing, and this checkpoint another');
  }
  if (oldSize === 0 && proof.length > 0)
    return inconsistent('nothing is to be proved from size 0, and there is a proof');
  const oldRoot = held?.root ?? EMPTY_ROOT;
  if (oldSize === newSize && !equalBytes(oldRoot, newRoot)) {
    return inconsistent(`another checkpoint of size ${newSize} with another root was cosigned before`);
  }
  if (!verifyConsistency({ oldSize, newSize, oldRoot, newRoot, proof }, hashNode)) {
    return inconsistent(
      `the proof does not lead from the tree of size ${oldSize} to that of size ${newSize}`,
    );
  }
  return undefined;
}

/** Whether two trees cannot be of one history, whatever anybody proves. */
export function isFork(submission: Submission, held: HeldTree): boolean {
  return submission.treeSize === held.treeSize && !equalBytes(submission.root, held.root);
}

function inconsistent(reason: string): Refusal {
  return { outcome: 'inconsistent', reason };
}

function messageOf(error: unknown): string {
  if (error instanceof TlogError) return error.message;
  throw error;
}
