/** The tables of reviews, and the facts that fill them. `state`: the whole state of one thing as @vitrine/reviews has it, in canonical JSON. */
import type { EngagementState, FindingState, Wording } from '@vitrine/reviews';

type FindingGrade = Wording['said']['grade'];

export interface ReviewTables {
  /** Everything that was said in reviews. `refusal`: why it counts for nothing; null when it counts. `said_at`: by its centre. */
  review_statements: {
    origin: string;
    entry_index: number;
    head_index: number;
    said_at: number;
    digest: string;
    predicate_type: string;
    signer: string;
    refusal: string | null;
  };
  /** `position`: how many were founded before. */
  review_organisations: { id: string; position: number; state: string };
  /** Which organisations ever named a key as their liaison. */
  review_liaisons: { keyid: string; organisation: string };
  review_accreditations: { digest: string; organisation: string };
  /**
   * `position`: how many were requested before. How it stands is `before` until `from_ms`, `during` until `until_ms`, then `after`: the
   * states of a period that is over without anybody doing anything.
   */
  review_engagements: {
    id: string;
    position: number;
    organisation: string;
    from_ms: number;
    until_ms: number;
    before: EngagementState;
    during: EngagementState;
    after: EngagementState;
    state: string;
  };
  /** `public_from`: null while it is for the parties alone. */
  review_findings: {
    id: string;
    engagement: string;
    number: number;
    grade: FindingGrade;
    standing: FindingState;
    public_from: number | null;
    state: string;
  };
  /** By payload digest of any wording of a finding. */
  review_wordings: { digest: string; finding: string };
  /** `position`: how many were given before. `accredited`, `by_vendor`: whether it was then, 1 or 0. */
  review_opinions: {
    id: string;
    position: number;
    engagement: string;
    organisation: string;
    product: string | null;
    accredited: number;
    by_vendor: number;
    state: string;
  };
  review_opinion_releases: { release: string; opinion: string };
  /** What else was said in an engagement. */
  review_notes: { id: string; engagement: string; predicate_type: string; state: string };
}

export type ReviewFact =
  | { readonly fact: 'review-said'; readonly row: ReviewTables['review_statements'] }
  | { readonly fact: 'organisation-known'; readonly row: ReviewTables['review_organisations'] }
  | { readonly fact: 'liaison-named'; readonly row: ReviewTables['review_liaisons'] }
  | { readonly fact: 'accreditation-given'; readonly row: ReviewTables['review_accreditations'] }
  | { readonly fact: 'engagement-known'; readonly row: ReviewTables['review_engagements'] }
  | { readonly fact: 'finding-known'; readonly row: ReviewTables['review_findings'] }
  | { readonly fact: 'finding-worded'; readonly row: ReviewTables['review_wordings'] }
  | { readonly fact: 'opinion-known'; readonly row: ReviewTables['review_opinions'] }
  | { readonly fact: 'release-judged'; readonly row: ReviewTables['review_opinion_releases'] }
  | { readonly fact: 'note-known'; readonly row: ReviewTables['review_notes'] };
