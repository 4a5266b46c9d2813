/** Where a cosigner keeps what it has cosigned: the port that `storage/witness-state` implements. */

/**
 * The newest cosigned checkpoint of every log, as notes; a note's first line is the origin that it is kept under.
 * One process, one caller: no call begins before the one before has ended.
 */
export interface WitnessState {
  /**
   * Reads back what is stored, one note a log, and makes sure that it is durable. Call it first, and again after a
   * `commit` of unknown outcome: what that was for may be there or not.
   *
   * @throws LogError `log-missing` if there is no state, not even an empty one; `corrupt`, `disk-full`
   */
  open(): Promise<readonly string[]>;
  /**
   * Stores notes, each in place of an older one of its origin; the last of an origin counts. Durable when it resolves.
   *
   * @throws LogError `disk-full`: nothing of it was stored. Whatever else is thrown: the outcome is unknown, and
   * nothing is stored before `open` was called again
   */
  commit(notes: readonly string[]): Promise<void>;
  close(): Promise<void>;
}
