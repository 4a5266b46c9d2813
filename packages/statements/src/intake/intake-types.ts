// Every type of statement that an intake log takes in. A capability adds a line here.

import { SUBMISSION_TYPE, submissionSchema } from '../predicates/intake.ts';
import type { StatementOf } from '../type-table.ts';
import {
  engagementAcceptance,
  engagementDecision,
  engagementEnd,
  engagementRequest,
  evidenceAnswer,
  evidenceRequest,
  procedure,
} from './engagements.ts';
import { finding, findingResponse, findingRetest } from './findings.ts';
import { managementStatement, opinion, opinionWithdrawal } from './opinions.ts';
import {
  accreditation,
  accreditationEnd,
  member,
  memberEnd,
  organisation,
  organisationKey,
  reading,
} from './organisations.ts';

export const intakeTypes = {
  [SUBMISSION_TYPE]: { log: 'intake', schema: submissionSchema },
  [organisation.predicateType]: { log: 'intake', schema: organisation.schema },
  [organisationKey.predicateType]: { log: 'intake', schema: organisationKey.schema },
  [member.predicateType]: { log: 'intake', schema: member.schema },
  [memberEnd.predicateType]: { log: 'intake', schema: memberEnd.schema },
  [accreditation.predicateType]: { log: 'intake', schema: accreditation.schema },
  [accreditationEnd.predicateType]: { log: 'intake', schema: accreditationEnd.schema },
  [reading.predicateType]: { log: 'intake', schema: reading.schema },
  [engagementRequest.predicateType]: { log: 'intake', schema: engagementRequest.schema },
  [engagementDecision.predicateType]: { log: 'intake', schema: engagementDecision.schema },
  [engagementAcceptance.predicateType]: { log: 'intake', schema: engagementAcceptance.schema },
  [engagementEnd.predicateType]: { log: 'intake', schema: engagementEnd.schema },
  [evidenceRequest.predicateType]: { log: 'intake', schema: evidenceRequest.schema },
  [evidenceAnswer.predicateType]: { log: 'intake', schema: evidenceAnswer.schema },
  [procedure.predicateType]: { log: 'intake', schema: procedure.schema },
  [finding.predicateType]: { log: 'intake', schema: finding.schema },
  [findingResponse.predicateType]: { log: 'intake', schema: findingResponse.schema },
  [findingRetest.predicateType]: { log: 'intake', schema: findingRetest.schema },
  [opinion.predicateType]: { log: 'intake', schema: opinion.schema },
  [opinionWithdrawal.predicateType]: { log: 'intake', schema: opinionWithdrawal.schema },
  [managementStatement.predicateType]: { log: 'intake', schema: managementStatement.schema },
} as const;

export type IntakeStatement = StatementOf<typeof intakeTypes>;
