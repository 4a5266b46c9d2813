// Signed statements: in-toto in DSSE, who may say what, and what counts. Safe to run in a browser.

export {
  ACCEPTANCE_PAYLOAD_TYPE,
  type Acceptance,
  MAX_ACCEPTANCE_BYTES,
  openAcceptance,
  type ParsedAcceptance,
  parseAcceptance,
  signAcceptance,
} from './acceptance.ts';
export {
  type Admission,
  type AdmissionRefusalCode,
  type Admitted,
  admit,
  admitEnvelope,
  type NotAdmitted,
} from './admit.ts';
export {
  formatCanonicalJson,
  type JsonLimits,
  type JsonValue,
  parseCanonicalJson,
} from './canonical-json.ts';
export {
  type Envelope,
  type EnvelopeSignature,
  formatEnvelope,
  MAX_SIGNATURES,
  openEnvelope,
  parseEnvelope,
  preAuthEncoding,
  type Signer,
  signEnvelope,
  withSignatures,
} from './dsse.ts';
export { StatementError, type StatementErrorCode } from './error.ts';
export {
  formatPublicKey,
  keyidOf,
  type PublicKey,
  parsePublicKey,
  parseSpki,
  publicKeyFromRaw,
  SPKI_BYTES,
  type Verify,
  verifyEd25519,
} from './key.ts';
export {
  advanceKeys,
  emptyKeysState,
  foldKeys,
  isKeysStatement,
  isValidAt,
  type KeyRecord,
  type KeysEntry,
  type KeysRefusalCode,
  type KeysState,
  policyAt,
  type RegistrationPolicy,
  type RootKeys,
} from './keys-log.ts';
export { formatLeaf, type Leaf, parseLeaf, parseStatementLeaf, type StatementLeaf } from './leaf.ts';
export { STATEMENT_TYPE } from './predicates/in-toto.ts';
export {
  KEY_ADD_TYPE,
  KEY_REVOKE_TYPE,
  KEY_ROTATE_TYPE,
  type KeyAddPredicate,
  type KeyAddStatement,
  type KeyRevokePredicate,
  type KeyRevokeStatement,
  type KeyRotatePredicate,
  type KeyRotateStatement,
  keyAddStatement,
  keyRevokeStatement,
  keyRotateStatement,
  MAX_ROOT_THRESHOLD,
  REGISTRATION_POLICY_TYPE,
  type RegistrationPolicyPredicate,
  type RegistrationPolicyStatement,
  type RegistrationRule,
  ROOT_KEYS_TYPE,
  type RoleGrant,
  type RootKeysPredicate,
  type RootKeysStatement,
  registrationPolicyStatement,
  rootKeysStatement,
  WITNESSES_TYPE,
  type WitnessesPredicate,
  type WitnessesStatement,
  witnessesStatement,
} from './predicates/keys.ts';
export { HEAD_TYPE, type HeadPredicate, type HeadStatement, headStatement } from './predicates/logs.ts';
export {
  isPredicateType,
  type KeysStatement,
  type PredicateType,
  predicateTypes,
  type RootStatement,
  type Statement,
} from './predicates/registry.ts';
export {
  ARTIFACT_TYPE,
  type ArtifactPredicate,
  type ArtifactStatement,
  artifactStatement,
  formatArtifactList,
  type ListedArtifact,
  MAX_ARTIFACT_LIST_BYTES,
  parseArtifactList,
  RELEASE_TYPE,
  type ReleasePredicate,
  type ReleaseStatement,
  releaseStatement,
  WITHDRAWAL_TYPE,
  type WithdrawalPredicate,
  type WithdrawalStatement,
  withdrawalStatement,
} from './predicates/releases.ts';
export {
  DISPOSAL_TYPE,
  type DisposalList,
  type DisposalPredicate,
  type DisposalStatement,
  disposalStatement,
  formatDisposalList,
  MAX_DISPOSAL_LIST_BYTES,
  parseDisposalList,
} from './predicates/vault.ts';
export { DEFAULT_RULES, ROLES, type Role } from './registration-policy.ts';
export {
  artifactName,
  base64,
  count,
  instanceName,
  logOrigin,
  productName,
  sha256Hex,
  versionName,
} from './scalars.ts';
export { explainIssues } from './schema-issue.ts';
export {
  type EnvelopedStatement,
  formatStatement,
  identityOf,
  MAX_ENVELOPE_BYTES,
  MAX_LEAF_BYTES,
  parseStatement,
  parseStatementEnvelope,
  payloadDigestOf,
  STATEMENT_PAYLOAD_TYPE,
  signStatement,
} from './statement.ts';
