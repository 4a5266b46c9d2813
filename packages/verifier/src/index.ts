// Evidence and a policy in, a verdict out. Offline, in Node and in the browser.

export type { FileFacts, PolicySource } from './checks.ts';
export { formatDuration, parseDuration } from './duration.ts';
export { EvidenceError, type EvidenceErrorCode } from './error.ts';
export {
  EVIDENCE_EXTENSION,
  EVIDENCE_FORMAT,
  EVIDENCE_MEDIA_TYPE,
  type Evidence,
  formatEvidence,
  MAX_EVIDENCE_BYTES,
  MAX_EVIDENCE_KEYS_LEAVES,
  MAX_EVIDENCE_STATEMENTS,
  type ProvenLeaf,
  parseEvidence,
} from './evidence.ts';
export {
  CHECK_NAMES,
  type Check,
  type CheckName,
  type DescribedVerdict,
  describe,
  type Verdict,
  type VerdictSubject,
} from './verdict.ts';
export {
  carriesName,
  formatVerificationPolicy,
  isVendorKey,
  operatorOf,
  type PolicyDraft,
  parseVerificationPolicy,
  type VerificationPolicy,
} from './verification-policy.ts';
export { type VerificationRequest, verifyEvidence } from './verify.ts';
export { type KeysLogVerdict, verifyKeysLog } from './verify-keys-log.ts';
