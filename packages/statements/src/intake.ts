// What is said at a centre: submissions, and everything that belongs to reviews. An entry point of its own, so that a verifier
// of releases does not carry it. Safe to run in a browser.

export { type AdmittedIntake, admitIntake } from './intake/admit-intake.ts';
export {
  DETAILS,
  ENGAGEMENT_KINDS,
  engagementAcceptance,
  engagementDecision,
  engagementEnd,
  engagementRequest,
  evidenceAnswer,
  evidenceRequest,
  procedure,
} from './intake/engagements.ts';
export { FINDING_GRADES, finding, findingResponse, findingRetest } from './intake/findings.ts';
export { type IntakeStatement, intakeTypes } from './intake/intake-types.ts';
export { type NamedBody, namedBodies } from './intake/named-bodies.ts';
export { CONCLUSIONS, managementStatement, opinion, opinionWithdrawal } from './intake/opinions.ts';
export {
  accreditation,
  accreditationEnd,
  MEMBER_ROLES,
  member,
  memberEnd,
  organisation,
  organisationKey,
  reading,
} from './intake/organisations.ts';
export {
  formatPasskeySignature,
  openPasskeySignature,
  type Passkey,
  type PasskeyAssertion,
  parsePasskeySpki,
  passkeyChallenge,
  type VerifyP256,
  verifyP256,
} from './intake/passkeys.ts';
export {
  formatSpeaker,
  keyidOfSpeaker,
  openSpeakers,
  parseSpeaker,
  type Speaker,
  type SpeakerKey,
  type SpeakerVerify,
  speakerKey,
  speakerVerify,
} from './intake/speaker.ts';
