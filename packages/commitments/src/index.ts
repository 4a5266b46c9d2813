// Dated promises: what keeps them, and how they stand at any time. Pure, and safe to run in a browser.

export { counts, type EvidenceSort, parseAcceptance, type Requirement } from './acceptance.ts';
export { acceptanceInWords } from './acceptance-in-words.ts';
export {
  type CommitmentBody,
  type EventBody,
  formatCommitmentBody,
  formatEventBody,
  MAX_COMMITMENT_BODY_BYTES,
  parseCommitmentBody,
  parseEventBody,
} from './bodies.ts';
export {
  type Bounds,
  boundsOfDue,
  boundsOfPeriod,
  dayInWords,
  dueInWords,
  offsetOf,
  happenedInWords,
  periodInWords,
} from './calendar.ts';
export {
  type AnnouncedCentre,
  CENTRE_COSIGNING_TYPE,
  type Centres,
  cosignedTreeSize,
} from './centre-cosigning.ts';
export { type Change, type ChangeKind, changesUntil } from './changes.ts';
export {
  type CommitmentRefusal,
  type CommitmentRefusalCode,
  type CommitmentSaying,
  endEvidence,
  isCommitmentSaying,
  type Said,
  sayOfCommitment,
  takeEvidence,
} from './commitment.ts';
export { CommitmentError, type CommitmentErrorCode } from './error.ts';
export { type Consequences, consequencesOf, isConsequential, voidedEvidenceOf } from './evidence-of.ts';
export {
  documentOf,
  documentOfSubmission,
  type EnteredSubmission,
  type EntryAddress,
  type EvidenceDocument,
  type EvidenceEnd,
  type Told,
} from './evidence.ts';
export {
  type CommitmentFacts,
  type CommitmentVersion,
  commitmentFacts,
  type EvidencePiece,
  inForce,
  promisedAtMs,
} from './facts.ts';
export { CommitmentsFold, type EarlierEvidence, lookBack, typesOf } from './fold.ts';
export { standsAt } from './gathering.ts';
export {
  type Interest,
  interestsMetBy,
  interestsOf,
  type OpenRequirement,
  RequirementIndex,
} from './requirement-index.ts';
export {
  COMMITMENT_STATES,
  type CommitmentState,
  commitmentStanding,
  type Progress,
  type Standing,
  stateAt,
  type Timeline,
} from './state.ts';
