// What else is said in an engagement and stands by itself: evidence asked for and shown, what a practitioner did, the
// management's own words, how far a reading session has come.

import {
  evidenceAnswer,
  type evidenceRequest,
  managementStatement,
  type procedure,
  reading,
} from '@vitrine/statements/intake';
import { type Engagement, isReviewer } from './engagements.ts';
import type { Organisation } from './organisations.ts';
import { type Capacity, type EntryAddress, type Outcome, refused, type Said, type Told } from './told.ts';

export type NoteSaying = Said<
  | typeof evidenceAnswer.predicateType
  | typeof evidenceRequest.predicateType
  | typeof managementStatement.predicateType
  | typeof procedure.predicateType
  | typeof reading.predicateType
>;

export interface Note {
  /** Payload digest. */
  readonly id: string;
  readonly engagement: string;
  readonly by: string;
  readonly entry: EntryAddress;
  readonly atMs: number;
  readonly statement: NoteSaying;
}

export function sayNote(
  { engagement, organisation }: { readonly engagement: Engagement; readonly organisation: Organisation },
  { atMs, digest, entry, signer, statement }: Told<NoteSaying>,
  { isCentre, isVendor }: Capacity,
): Outcome<Note> {
  const note: Note = { id: digest, engagement: engagement.id, by: signer, entry, atMs, statement };
  switch (statement.predicateType) {
    case reading.predicateType:
      return isCentre
        ? { state: note }
        : refused(
            'no-standing',
            'how far a reading session has come is said by the centre that it takes place at',
          );
    case evidenceAnswer.predicateType:
    case managementStatement.predicateType:
      return isVendor ? { state: note } : refused('no-standing', 'this is for the vendor to say');
    default:
      return isReviewer(engagement, organisation, signer)
        ? { state: note }
        : refused('no-standing', 'this is for the organisation to say, or for the people of the engagement');
  }
}
