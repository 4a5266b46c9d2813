// Every type of statement: its URI, the log it belongs to, its schema. A capability adds a line here.

import type * as v from 'valibot';
import {
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
import { HEAD_TYPE, headSchema } from './logs.ts';
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
  [DISPOSAL_TYPE]: { log: 'statements', schema: disposalSchema },
  [ROOT_KEYS_TYPE]: { log: 'keys', schema: rootKeysSchema },
  [REGISTRATION_POLICY_TYPE]: { log: 'keys', schema: registrationPolicySchema },
  [WITNESSES_TYPE]: { log: 'keys', schema: witnessesSchema },
  [KEY_ADD_TYPE]: { log: 'keys', schema: keyAddSchema },
  [KEY_ROTATE_TYPE]: { log: 'keys', schema: keyRotateSchema },
  [KEY_REVOKE_TYPE]: { log: 'keys', schema: keyRevokeSchema },
} as const;

export type PredicateType = keyof typeof predicateTypes;

type StatementIn<Log extends 'statements' | 'keys'> = {
  [Type in PredicateType]: (typeof predicateTypes)[Type]['log'] extends Log
    ? v.InferOutput<(typeof predicateTypes)[Type]['schema']>
    : never;
}[PredicateType];

/** A statement of the root log. */
export type RootStatement = StatementIn<'statements'>;

/** A statement of the keys log. */
export type KeysStatement = StatementIn<'keys'>;

export type Statement = RootStatement | KeysStatement;

/** Whether this version knows the type. */
export function isPredicateType(uri: string): uri is PredicateType {
  return Object.hasOwn(predicateTypes, uri);
}
