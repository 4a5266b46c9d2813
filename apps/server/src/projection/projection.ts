/** What a projection is: it judges the admitted statements of the root log, in order, and keeps what became known. */
import type { KeysState, RootStatement, Voided } from '@vitrine/statements';
import type { IntakeStatement } from '@vitrine/statements/intake';
import type { Fact, ReadTx } from './schema.ts';

/** An admitted statement of the root log. `digest`: its payload digest; `signers`: sorted keyids. */
export interface Told {
  readonly leafIndex: number;
  readonly registeredAt: number;
  readonly digest: string;
  readonly signers: readonly string[];
  readonly statement: RootStatement;
  /** The keys log as far as it is anchored. Of what is judged anew it may be further than the statement: look at its times. */
  readonly keys: KeysState;
}

/** By which entry of the keys log, and when by its time, a statement was voided. */
export type Voiding = Omit<Voided, 'admission'> & { readonly origin: string };

/** A statement of an intake log that is admitted there: part of the view since a head of that log stands in the root log. */
export interface Entered {
  readonly statement: IntakeStatement;
  /** Its payload digest. */
  readonly digest: string;
  /** The keyid of the one who says it. */
  readonly signer: string;
  /** Of the intake log. */
  readonly origin: string;
  readonly entryIndex: number;
  /** When the centre says that it took it in. */
  readonly saidAt: number;
  /** The key of the intake log, as its centre is announced. */
  readonly intakeKey: string;
  /** Of the root log. `registeredAt` is the only time that counts: the clock of one centre could be turned back. */
  readonly head: Pick<Told, 'keys' | 'leafIndex' | 'registeredAt'>;
}

/** Why a statement counts for nothing although it is admitted, or what is known since it was said. */
export type Folded =
  | { readonly refusal: string }
  | {
      readonly facts: readonly Fact[];
      /** What it makes part of the view: told to all projections one after another, once the facts are recorded. */
      readonly entered?: AsyncIterable<Entered>;
    };

/** Of a statement that is not a projection's business. */
export const NOTHING: Folded = { facts: [] };

export interface Projection {
  readonly name: string;
  /** Makes its tables in a copy of the read models that has none. */
  createTables(tx: ReadTx): Promise<void>;
  /** Judges one statement. Reads no clock and nothing but the tables and the statement; writes nothing. */
  fold(tx: ReadTx, told: Told): Promise<Folded>;
  /**
   * What stays known of a statement that counted until a key was revoked as compromised, when everything is judged anew: it counts for
   * nothing, and is no more than history. Most projections know nothing of it.
   */
  foldVoided?(tx: ReadTx, told: Told, voided: Voiding): Promise<readonly Fact[]>;
  /**
   * Judges one statement that entered at a centre, on the terms of {@link fold}.
   *
   * @param stated what the projections before this one made of it
   */
  foldEntered?(tx: ReadTx, entered: Entered, stated: readonly Fact[]): Promise<readonly Fact[]>;
  /** Writes into its own tables what one fact means there, whichever projection stated it. */
  record(tx: ReadTx, fact: Fact): Promise<void>;
}
