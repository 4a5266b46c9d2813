/**
 * The port to cosigners other than the instance's own: witnesses and mirrors of other centres. `witnessing/` implements
 * it; an instance whose policy names none has none.
 */
import type { NoteSignature } from '@vitrine/tlog';

/** A checkpoint that the log has signed and that everything under it is durable for. `root`: 32 bytes. */
export type Cosignable = {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed note, cosigned by the instance. */
  readonly note: string;
  /** RFC 6962 proof from an earlier size (at least 1) to this checkpoint's, hashes of 32 bytes. */
  readonly consistencyProof: (from: number) => Promise<readonly Uint8Array[]>;
};

/** A log as its writer found it at start. */
export type FoundLog = {
  readonly origin: string;
  /** Number of durable entries. */
  readonly size: number;
  /** The root (32 bytes) at any size up to `size`. */
  readonly rootAt: (size: number) => Promise<Uint8Array>;
};

export interface Cosigners {
  /** Whether checkpoints of this log are cosigned by others. */
  concern(origin: string): boolean;

  /**
   * Asks all of them, and resolves with the cosignatures that have come once these and the note's own meet the quorum.
   * Each has been verified.
   * @throws LogError `no-quorum` when they do not and no more will come; the message names who is missing
   */
  ask(checkpoint: Cosignable): Promise<readonly NoteSignature[]>;

  /** Whether the note's signatures meet the quorum. */
  isQuorum(note: string): boolean;
  /** @throws LogError `no-quorum` unless they do */
  requireQuorum(note: string): void;

  /**
   * Asks all of them which checkpoint of this log they hold, before its writer signs anything: after a restore from a backup
   * it would otherwise sign a fork.
   * @throws LogError `awaiting-witnesses` while those that do not answer could have formed a quorum by themselves
   * @throws LogError `behind-witness` when one holds a checkpoint, signed by this log, that this log does not contain
   */
  confirm(log: FoundLog): Promise<void>;
}
