// What the intake logs tell, in the order in which the root log anchored it. That order decides who had standing: the clock of
// one centre could be turned back, the order cannot.

import type { IntakeStatement } from '@vitrine/statements/intake';

/** Where an entry stands. */
export interface EntryAddress {
  /** Of the intake log. */
  readonly origin: string;
  readonly leafIndex: number;
}

/** A statement that the intake log admitted. */
export interface Told<Statement = IntakeStatement> {
  readonly statement: Statement;
  readonly entry: EntryAddress;
  /** When the root log anchored it, in milliseconds: the only time that counts. */
  readonly atMs: number;
  /** When the centre says that it took it in. */
  readonly saidAtMs: number;
  /** Payload digest. */
  readonly digest: string;
  /** The keyid of the one who says it. */
  readonly signer: string;
}

/** Who the signer is to the vendor and to the centres, as the root log and the keys log know it. */
export interface Capacity {
  /** A key of the vendor with the role `liaison`, or one of a person whom an organisation with such a key named as its liaison. */
  readonly isVendor: boolean;
  /** The key of the intake log that it entered. */
  readonly isCentre: boolean;
}

/** The statement of one type. */
export type Said<Type extends IntakeStatement['predicateType']> = Extract<
  IntakeStatement,
  { readonly predicateType: Type }
>;

/** Why a statement that is well signed counts for nothing. */
export type ReviewRefusalCode =
  | 'already-said'
  | 'ended'
  | 'no-standing'
  | 'not-founded'
  | 'not-in-scope'
  | 'unknown-engagement'
  | 'unknown-finding'
  | 'unknown-opinion'
  | 'wrong-version';

export interface ReviewRefusal {
  readonly code: ReviewRefusalCode;
  readonly reason: string;
}

/** What is known since it was said, or why it counts for nothing. */
export type Outcome<State> =
  | { readonly state: State; readonly refusal?: undefined }
  | { readonly refusal: ReviewRefusal };

export function refused(code: ReviewRefusalCode, reason: string): { readonly refusal: ReviewRefusal } {
  return { refusal: { code, reason } };
}
