// The rules that a fresh instance starts with. What holds is what its keys log says.

import { CENTRE_TYPE, COSIGNED_TYPE } from './predicates/centres.ts';
import {
  COMMITMENT_AMENDMENT_TYPE,
  COMMITMENT_TYPE,
  COMMITMENT_WITHDRAWAL_TYPE,
  EVENT_TYPE,
} from './predicates/commitments.ts';
import type { RegistrationRule } from './predicates/keys.ts';
import { HEAD_TYPE } from './predicates/logs.ts';
import { ARTIFACT_TYPE, RELEASE_TYPE, WITHDRAWAL_TYPE } from './predicates/releases.ts';
import { DISPOSAL_TYPE } from './predicates/vault.ts';

/** A key of this role speaks for the vendor in reviews. No rule asks for it: what it says is said in an intake log. */
export const LIAISON_ROLE = 'liaison';

/** The roles of a fresh instance: those that the default rules ask for, and the liaison. */
export const ROLES = ['anchor', 'custodian', LIAISON_ROLE, 'publisher', 'spokesperson'] as const;

/** By a key of this role another centre's server says who it is, when it copies the encrypted vault. No rule asks for it: it signs no statement. */
export const CENTRE_ROLE = 'centre';

export type Role = (typeof ROLES)[number];

/** Every type of the root log needs one signature: by a publisher, a custodian, a spokesperson, or the instance's anchor key. */
export const DEFAULT_RULES: readonly (RegistrationRule & { readonly role: Role })[] = [
  { predicateType: ARTIFACT_TYPE, role: 'publisher', threshold: 1 },
  { predicateType: CENTRE_TYPE, role: 'spokesperson', threshold: 1 },
  { predicateType: COMMITMENT_AMENDMENT_TYPE, role: 'spokesperson', threshold: 1 },
  { predicateType: COMMITMENT_TYPE, role: 'spokesperson', threshold: 1 },
  { predicateType: COMMITMENT_WITHDRAWAL_TYPE, role: 'spokesperson', threshold: 1 },
  { predicateType: COSIGNED_TYPE, role: 'anchor', threshold: 1 },
  { predicateType: DISPOSAL_TYPE, role: 'custodian', threshold: 1 },
  { predicateType: EVENT_TYPE, role: 'spokesperson', threshold: 1 },
  { predicateType: HEAD_TYPE, role: 'anchor', threshold: 1 },
  { predicateType: RELEASE_TYPE, role: 'publisher', threshold: 1 },
  { predicateType: WITHDRAWAL_TYPE, role: 'publisher', threshold: 1 },
];
