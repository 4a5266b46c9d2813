/** What a capability's projection is: a fold over the admitted statements of the root log, in order. */
import type { RootStatement } from '@vitrine/statements';
import type { ReadTx } from './schema.ts';

/** An admitted statement of the root log. `digest`: its payload digest; `signers`: sorted keyids. */
export interface Told {
  readonly leafIndex: number;
  readonly registeredAt: number;
  readonly digest: string;
  readonly signers: readonly string[];
  readonly statement: RootStatement;
}

export interface Projection {
  /**
   * Folds one statement into the tables; reads no clock and nothing but the tables and the statement.
   * @returns why the statement counts for nothing here although it is admitted, or null
   */
  fold(tx: ReadTx, told: Told): Promise<string | null>;
}
