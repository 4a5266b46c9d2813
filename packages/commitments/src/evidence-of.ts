// What follows from a statement of the root log: the one place that says so, for a server's read models and for whoever checks them.

import { CENTRE_TYPE, COSIGNED_TYPE } from '@vitrine/statements';
import { advanceCentres, type Centres, centreEnd, cosigningDocuments } from './centre-cosigning.ts';
import {
  documentOf,
  type EvidenceDocument,
  type EvidenceEnd,
  endOf,
  isEvidenceType,
  type EntryAddress,
  type Told,
} from './evidence.ts';

export interface Consequences {
  readonly documents: readonly EvidenceDocument[];
  /** What no longer stands from then on; after the documents. */
  readonly ends: readonly EvidenceEnd[];
  /** The centres as the statement leaves them. */
  readonly centres: Centres;
}

/** Whether a statement can have consequences at all, so that the centres and the root need not be looked up for others. */
export function isConsequential({ predicateType }: { readonly predicateType: string }): boolean {
  return isEvidenceType(predicateType) || predicateType === COSIGNED_TYPE;
}

/**
 * @param centres as the statements before it left them
 * @param cosignedRoot of a `cosigned/v1`: the root hash of the root log at the size that it speaks of
 */
export function consequencesOf(told: Told, centres: Centres, cosignedRoot?: Uint8Array): Consequences {
  const after = advanceCentres(centres, told);
  // An announcement that is not newer says nothing any more.
  if (after === centres && told.statement.predicateType === CENTRE_TYPE)
    return { documents: [], ends: [], centres };
  const closed = centreEnd(centres, after, told);
  const name = endOf(told.statement);
  return {
    documents: [
      ...(isEvidenceType(told.statement.predicateType) ? [documentOf(told)] : []),
      ...(cosignedRoot === undefined ? [] : cosigningDocuments(told, after, cosignedRoot)),
    ],
    ends: [
      ...(closed === undefined ? [] : [closed]),
      ...(name === undefined ? [] : [{ name, atMs: told.registeredAtMs, entry: told.entry }]),
    ],
    centres: after,
  };
}

/**
 * The evidence that a statement was which counted until a key was revoked as compromised: promises keep it in their history, ended then.
 * Whatever else followed from it follows no more.
 *
 * @param centres as the statements before it left them
 * @param voided when, and by which entry of the keys log
 */
export function voidedEvidenceOf(
  told: Told,
  voided: { readonly atMs: number; readonly entry: EntryAddress },
  centres: Centres,
  cosignedRoot?: Uint8Array,
): readonly EvidenceDocument[] {
  return consequencesOf(told, centres, cosignedRoot).documents.map((document) => ({ ...document, voided }));
}
