// What the checks found, so that the sentence and what is not shown are derived from facts and never assumed.

import type {
  Admissions,
  CheckedKeys,
  CheckedRoot,
  FileFacts,
  PolicySource,
  StandingWithdrawal,
} from './checks.ts';
import type { OpenedEvidence } from './opened-evidence.ts';
import type { VerificationPolicy } from './verification-policy.ts';

export interface Facts {
  readonly policySource: PolicySource | undefined;
  readonly file: FileFacts | undefined;
  readonly maxAgeMs: number | undefined;
  readonly nowMs: number;
  /** Undefined where the check did not hold. */
  readonly policy: VerificationPolicy | undefined;
  readonly opened: OpenedEvidence | undefined;
  readonly keys: CheckedKeys | undefined;
  readonly root: CheckedRoot | undefined;
  readonly admissions: Admissions | undefined;
  readonly withdrawals: readonly StandingWithdrawal[];
}
