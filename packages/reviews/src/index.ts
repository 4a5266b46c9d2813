// Reviews: who has standing to say what, and how engagements, findings and opinions stand at any time. Pure, and safe to run
// in a browser.

export { type ByteRange, bytesWithin, unionOf } from './byte-ranges.ts';
export {
  type Coverage,
  coverageOf,
  type FileCoverage,
  type Lag,
  lagOf,
  type ScopedFile,
  type Share,
  type Shown,
  ShownBytes,
} from './coverage.ts';
export { capacityOf, isOwnOpinion, type Surroundings } from './capacity.ts';
export {
  type Decision,
  ENGAGEMENT_STATES,
  type Engagement,
  type EngagementSaying,
  type EngagementState,
  engagementState,
  type Grant,
  grantOf,
  isReviewer,
  mayOpen,
  requestEngagement,
  sayOfEngagement,
} from './engagements.ts';
export {
  FINDING_STATES,
  type Finding,
  type FindingState,
  findingState,
  publicFromMs,
  type Response,
  type Retest,
  sayFinding,
  sayOfFinding,
  type Wording,
  wordingOf,
} from './findings.ts';
export { type Change, ReviewsFold, sayOfReviews } from './fold.ts';
export { isReviewSaying, type Known, type ReviewSaying } from './known.ts';
export type { Note, NoteSaying } from './notes.ts';
export {
  type Opinion,
  type OpinionSaid,
  type OpinionState,
  opinionState,
  sayOpinion,
  withdrawOpinion,
} from './opinions.ts';
export {
  type Accreditation,
  accreditationsAt,
  hasLiaison,
  type Member,
  type MemberRole,
  memberOf,
  type Organisation,
  type OrganisationSaying,
  sayOfOrganisation,
  type Standing,
  speaksAs,
  standingOf,
} from './organisations.ts';
export {
  type BrokenChain,
  checkRecords,
  digestOfRecord,
  formatDetail,
  formatRecord,
  MAX_DETAIL_BYTES,
  MAX_RECORD_BYTES,
  NO_RECORD,
  parseDetail,
  parseRecord,
  type ReadingRecord,
  type RecordDetail,
} from './records.ts';
export type {
  Capacity,
  EntryAddress,
  Outcome,
  ReviewRefusal,
  ReviewRefusalCode,
  Said,
  Told,
} from './told.ts';
