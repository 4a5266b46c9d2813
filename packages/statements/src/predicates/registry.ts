// Every type of statement: its URI, the log it belongs to, its schema. A capability adds a line here.

import type { StatementIn } from '../type-table.ts';
import { CENTRE_TYPE, COSIGNED_TYPE, centreSchema, cosignedSchema } from './centres.ts';
import {
  COMMITMENT_AMENDMENT_TYPE,
  COMMITMENT_TYPE,
  COMMITMENT_WITHDRAWAL_TYPE,
  commitmentAmendmentSchema,
  commitmentSchema,
  commitmentWithdrawalSchema,
  EVENT_TYPE,
  eventSchema,
} from './commitments.ts';
import { SUBMISSION_TYPE, submissionSchema } from './intake.ts';
import {
  FORK_RESOLUTION_TYPE,
  forkResolutionSchema,
  KEY_ADD_TYPE,
  KEY_REVOKE_TYPE,
  KEY_ROTATE_TYPE,
  keyAddSchema,
  keyRevokeSchema,
  keyRotateSchema,
  REGISTRATION_POLICY_TYPE,
  ROOT_KEYS_TYPE,
  registrationPolicySchema,
  rootKeysSchema,
  WITNESSES_TYPE,
  witnessesSchema,
} from './keys.ts';
import { CLOSED_TYPE, closedSchema, HEAD_TYPE, headSchema } from './logs.ts';
import {
  ARTIFACT_TYPE,
  artifactSchema,
  RELEASE_TYPE,
  releaseSchema,
  WITHDRAWAL_TYPE,
  withdrawalSchema,
} from './releases.ts';
import { DISPOSAL_TYPE, disposalSchema } from './vault.ts';

export const predicateTypes = {
  [RELEASE_TYPE]: { log: 'statements', schema: releaseSchema },
  [ARTIFACT_TYPE]: { log: 'statements', schema: artifactSchema },
  [WITHDRAWAL_TYPE]: { log: 'statements', schema: withdrawalSchema },
  [HEAD_TYPE]: { log: 'statements', schema: headSchema },
  [CLOSED_TYPE]: { log: 'statements', schema: closedSchema },
  [DISPOSAL_TYPE]: { log: 'statements', schema: disposalSchema },
  [CENTRE_TYPE]: { log: 'statements', schema: centreSchema },
  [COSIGNED_TYPE]: { log: 'statements', schema: cosignedSchema },
  [COMMITMENT_TYPE]: { log: 'statements', schema: commitmentSchema },
  [COMMITMENT_AMENDMENT_TYPE]: { log: 'statements', schema: commitmentAmendmentSchema },
  [COMMITMENT_WITHDRAWAL_TYPE]: { log: 'statements', schema: commitmentWithdrawalSchema },
  [EVENT_TYPE]: { log: 'statements', schema: eventSchema },
  [SUBMISSION_TYPE]: { log: 'intake', schema: submissionSchema },
  [ROOT_KEYS_TYPE]: { log: 'keys', schema: rootKeysSchema },
  [REGISTRATION_POLICY_TYPE]: { log: 'keys', schema: registrationPolicySchema },
  [WITNESSES_TYPE]: { log: 'keys', schema: witnessesSchema },
  [KEY_ADD_TYPE]: { log: 'keys', schema: keyAddSchema },
  [KEY_ROTATE_TYPE]: { log: 'keys', schema: keyRotateSchema },
  [KEY_REVOKE_TYPE]: { log: 'keys', schema: keyRevokeSchema },
  [FORK_RESOLUTION_TYPE]: { log: 'keys', schema: forkResolutionSchema },
} as const;

export type PredicateType = keyof typeof predicateTypes;

/** A statement of the root log. */
export type RootStatement = StatementIn<typeof predicateTypes, 'statements'>;

/** A statement of the keys log. */
export type KeysStatement = StatementIn<typeof predicateTypes, 'keys'>;

/** A statement of a centre's intake log. */
export type IntakeStatement = StatementIn<typeof predicateTypes, 'intake'>;

export type Statement = RootStatement | KeysStatement | IntakeStatement;

/** Whether this version knows the type. */
export function isPredicateType(uri: string): uri is PredicateType {
  return Object.hasOwn(predicateTypes, uri);
}

/** Whether it belongs in the root log. */
export function isRootStatement(statement: Statement): statement is RootStatement {
  return predicateTypes[statement.predicateType].log === 'statements';
}

/** Whether it belongs in an intake log. */
export function isIntakeStatement(statement: Statement): statement is IntakeStatement {
  return predicateTypes[statement.predicateType].log === 'intake';
}
