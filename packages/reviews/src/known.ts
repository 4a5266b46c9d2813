// What a fold of reviews reads: a server keeps it in tables, a verifier in memory.

import type { Engagement } from './engagements.ts';
import type { Finding } from './findings.ts';
import type { Opinion } from './opinions.ts';
import type { Organisation } from './organisations.ts';
import type { Said, Told } from './told.ts';

/** What is known so far. */
export interface Known {
  /** Whether the statement of this payload digest has counted: a centre that repeats one brings nothing back. */
  hasCounted(digest: string): Promise<boolean>;
  organisation(id: string): Promise<Organisation | undefined>;
  /** The organisations that name the key as their liaison now. */
  liaisonOf(keyid: string): Promise<readonly Organisation[]>;
  /** The organisation that has the accreditation. */
  accredited(accreditation: string): Promise<Organisation | undefined>;
  engagement(id: string): Promise<Engagement | undefined>;
  /** By the payload digest of any of its wordings. */
  finding(digest: string): Promise<Finding | undefined>;
  findingNumbered(engagement: string, number: number): Promise<Finding | undefined>;
  opinion(id: string): Promise<Opinion | undefined>;
}

export type ReviewSaying = Exclude<Told['statement'], Said<'https://vitrine.dev/submission/v1'>>;

/** Whether a statement of an intake log belongs to reviews. */
export function isReviewSaying(statement: Told['statement']): statement is ReviewSaying {
  return statement.predicateType !== 'https://vitrine.dev/submission/v1';
}
