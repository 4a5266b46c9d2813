// Findings: what the reviewer found, what the vendor says of it, what a retest found. The vendor's response never overwrites,
// and only the reviewer's retest closes.

import { finding, findingResponse, type findingRetest } from '@vitrine/statements/intake';
import { type Engagement, isReviewer } from './engagements.ts';
import type { Organisation } from './organisations.ts';
import { type Capacity, type EntryAddress, type Outcome, refused, type Said, type Told } from './told.ts';

interface Words<Predicate> {
  readonly digest: string;
  readonly by: string;
  readonly entry: EntryAddress;
  readonly atMs: number;
  readonly said: Predicate;
}

export type Wording = Words<Said<typeof finding.predicateType>['predicate']>;
export type Response = Words<Said<typeof findingResponse.predicateType>['predicate']>;
export type Retest = Words<Said<typeof findingRetest.predicateType>['predicate']>;

export interface Finding {
  /** Payload digest of its first wording. */
  readonly id: string;
  readonly engagement: string;
  readonly number: number;
  /** The last is the one in force; the others stay. */
  readonly wordings: readonly [Wording, ...Wording[]];
  readonly responses: readonly Response[];
  readonly retests: readonly Retest[];
}

export const FINDING_STATES = [
  'open',
  'responded',
  'planned',
  'remediated',
  'risk-accepted',
  'closed',
] as const;
export type FindingState = (typeof FINDING_STATES)[number];

/** How a finding stands: what was said last decides; a retest counts for more than a response of the same time. */
export function findingState({ responses, retests }: Finding): FindingState {
  const retest = retests.at(-1);
  if (retest?.said.result === 'closed') return 'closed';
  const response = responses.at(-1);
  if (response === undefined || (retest !== undefined && retest.atMs >= response.atMs)) return 'open';
  return response.said.status;
}

/** A wording in force. */
export function wordingOf({ wordings }: Finding): Wording {
  return wordings.at(-1) ?? wordings[0];
}

/** From when on everybody may read what a finding says; undefined while it is for the parties alone. */
export function publicFromMs(known: Finding): number | undefined {
  const { atMs, said } = wordingOf(known);
  return said.body.access === 'public' ? atMs : said.publicFrom;
}

/**
 * A finding, or a new wording of one.
 *
 * @param known the finding that `rewords` belongs to, or the one that has the number already
 */
export function sayFinding(
  known: Finding | undefined,
  { engagement, organisation }: { readonly engagement: Engagement; readonly organisation: Organisation },
  told: Told<Said<typeof finding.predicateType>>,
): Outcome<Finding> {
  const { signer, statement, digest, entry, atMs } = told;
  const { predicate: said } = statement;
  if (!isReviewer(engagement, organisation, signer))
    return refused(
      'no-standing',
      'a finding is recorded by the organisation, or by the people of the engagement',
    );
  const wording: Wording = { digest, by: signer, entry, atMs, said };
  if (said.rewords === undefined) {
    if (known !== undefined)
      return refused('already-said', `number ${said.number} is that of another finding of this engagement`);
    const { number } = said;
    return {
      state: {
        id: digest,
        engagement: engagement.id,
        number,
        wordings: [wording],
        responses: [],
        retests: [],
      },
    };
  }
  if (known === undefined) return refused('unknown-finding', 'there is no such finding to word anew');
  if (wordingOf(known).digest !== said.rewords)
    return refused('wrong-version', 'that is not its wording in force');
  if (known.number !== said.number) return refused('wrong-version', `its number is ${known.number}`);
  return { state: { ...known, wordings: [...known.wordings, wording] } };
}

/** What is said of a finding: by the vendor, or by the reviewer who looked again. */
export function sayOfFinding(
  known: Finding,
  { engagement, organisation }: { readonly engagement: Engagement; readonly organisation: Organisation },
  told: Told<Said<typeof findingResponse.predicateType | typeof findingRetest.predicateType>>,
  { isVendor }: Capacity,
): Outcome<Finding> {
  const { signer, statement, digest, entry, atMs } = told;
  if (statement.predicateType === findingResponse.predicateType) {
    if (!isVendor) return refused('no-standing', 'a response is the vendor’s');
    if (findingState(known) === 'closed') return refused('ended', 'a retest has closed it');
    const response: Response = { digest, by: signer, entry, atMs, said: statement.predicate };
    return { state: { ...known, responses: [...known.responses, response] } };
  }
  if (!isReviewer(engagement, organisation, signer))
    return refused('no-standing', 'a finding is closed by the reviewer’s retest, and by nothing else');
  const retest: Retest = { digest, by: signer, entry, atMs, said: statement.predicate };
  return { state: { ...known, retests: [...known.retests, retest] } };
}
