// What evidence is: one admitted statement, or one fact that follows from statements, in the words in which acceptances speak of it.

import {
  type Admitted,
  ARTIFACT_TYPE,
  COMMITMENT_AMENDMENT_TYPE,
  COMMITMENT_TYPE,
  COMMITMENT_WITHDRAWAL_TYPE,
  COSIGNED_TYPE,
  EVENT_TYPE,
  HEAD_TYPE,
  type JsonValue,
  SUBMISSION_TYPE,
  WITHDRAWAL_TYPE,
} from '@vitrine/statements';
import type { RootStatement } from '@vitrine/statements';

/** Where an entry stands. */
export interface EntryAddress {
  readonly origin: string;
  readonly leafIndex: number;
}

/** What an acceptance can ask for. */
export interface EvidenceDocument {
  /** The URI of the statement's type, or of the fact that follows. */
  readonly type: string;
  /**
   * Log time, in milliseconds: when the root log registered the statement, or the head under which the root log knows it. So it never
   * runs backwards, and nobody's own log can date a thing earlier.
   */
  readonly atMs: number;
  readonly by: {
    readonly keyids: readonly string[];
    /** Whether one of the keys is of the vendor's keys log. */
    readonly vendor: boolean;
  };
  readonly product?: string;
  readonly data: { readonly [member: string]: JsonValue };
  /** Of an event of the world: when it happened, as a calendar period. */
  readonly happened?: string;
  /** From then on it shows nothing any more. */
  readonly expiresAtMs?: number;
  readonly entry: EntryAddress;
  /** Set where its key was revoked as compromised later: it showed what it shows until then. */
  readonly voided?: { readonly atMs: number; readonly entry: EntryAddress };
  /** What it stands and falls with: payload digests of statements, or other names that an {@link EvidenceEnd} may name. */
  readonly restsOn: readonly string[];
}

/** That something no longer stands: all evidence that rests on it has ended. */
export interface EvidenceEnd {
  readonly name: string;
  readonly atMs: number;
  readonly entry: EntryAddress;
}

/** An admitted statement of the root log, as a fold is told of it. */
export type Told = Pick<Admitted, 'payloadDigest' | 'registeredAtMs' | 'signers' | 'statement'> & {
  readonly entry: EntryAddress;
};

/** What the log says of itself, and promises: no evidence for promises. */
const NO_EVIDENCE: ReadonlySet<string> = new Set([
  COMMITMENT_AMENDMENT_TYPE,
  COMMITMENT_TYPE,
  COMMITMENT_WITHDRAWAL_TYPE,
  COSIGNED_TYPE,
  HEAD_TYPE,
]);

/** Whether statements of the type can keep a promise by themselves. */
export function isEvidenceType(type: string): boolean {
  return !NO_EVIDENCE.has(type);
}

/** The evidence that a statement of the root log is by itself, when its type {@link isEvidenceType}. */
export function documentOf({
  entry,
  payloadDigest,
  registeredAtMs,
  signers,
  statement,
}: Told): EvidenceDocument {
  const { predicate, predicateType } = statement;
  const product = 'product' in predicate ? predicate.product : undefined;
  return {
    type: predicateType,
    atMs: registeredAtMs,
    // Admission to the root log is by keys of the keys log alone.
    by: { keyids: signers, vendor: true },
    ...(product === undefined ? {} : { product }),
    entry,
    ...(predicateType === EVENT_TYPE
      ? {
          data: { ...predicate.data, kind: predicate.kind, happened: predicate.happened },
          happened: predicate.happened,
        }
      : { data: { ...predicate } }),
    restsOn: predicateType === ARTIFACT_TYPE ? [payloadDigest, predicate.release] : [payloadDigest],
  };
}

/** Something said to the vendor at a centre, as an intake log has it. */
export interface EnteredSubmission {
  /** Where it stands in the intake log. */
  readonly entry: EntryAddress;
  readonly payloadDigest: string;
  readonly signer: string;
  readonly kind: string;
  readonly product: string | undefined;
  /** Whether everyone may read it, or its addressee only. */
  readonly access: string;
  /** Whether the signer's key stood in the vendor's keys log then. */
  readonly vendor: boolean;
  /** When the root log registered the head under which it is part of the view. */
  readonly anchoredAtMs: number;
}

/** The evidence that a submission is: that it was made, by whom and of what kind; what it says stands in its body. */
export function documentOfSubmission(entered: EnteredSubmission): EvidenceDocument {
  const { access, anchoredAtMs, entry, kind, payloadDigest, product, signer, vendor } = entered;
  return {
    type: SUBMISSION_TYPE,
    atMs: anchoredAtMs,
    by: { keyids: [signer], vendor },
    ...(product === undefined ? {} : { product }),
    data: { access, kind, log: entry.origin },
    entry,
    restsOn: [payloadDigest],
  };
}

/** What a statement ends. The closing of a centre is another matter. */
export function endOf(statement: RootStatement): string | undefined {
  return statement.predicateType === WITHDRAWAL_TYPE ? statement.predicate.release : undefined;
}
