/**
 * Where the read models lie: whole copies of them, of which readers see one. A fold that has to judge everything anew writes another
 * copy beside the one that is shown, so that nobody ever reads half of it.
 */
import type { ReadDb } from './schema.ts';

/** A copy of the read models. `db`: the connection of its one writer. */
export interface ReadModelCopy {
  readonly db: ReadDb;
}

export interface ReadModelStore<Copy extends ReadModelCopy = ReadModelCopy> {
  /**
   * What readers use: connections of their own, which wait for no fold and may write nothing. A transaction sees one state of one copy.
   * Fails until a copy is shown.
   */
  readonly shown: ReadDb;
  /** The copies that there are, oldest first. Called once; what cannot be opened is removed. */
  open(): Promise<readonly Copy[]>;
  /** An empty copy, newer than all others. */
  create(): Promise<Copy>;
  /** Readers are given this copy from now on. The one shown before is removed as soon as its last reader is done. */
  show(copy: Copy): Promise<void>;
  /** Removes a copy that is not shown. */
  remove(copy: Copy): Promise<void>;
  close(): Promise<void>;
}
