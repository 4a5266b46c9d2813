// Which bodies a statement of an intake log stands for: they come with it, and its digests name their bytes.

import { SUBMISSION_TYPE } from '../predicates/intake.ts';
import { engagementDecision, engagementEnd } from './engagements.ts';
import type { IntakeStatement } from './intake-types.ts';
import { opinion } from './opinions.ts';

/** A body that comes with a statement. */
export interface NamedBody {
  /** Lower-case hex SHA-256 of its bytes. */
  readonly digest: string;
  /** Who may read it: everybody, or the parties of the review alone. */
  readonly access: 'parties' | 'public';
}

/**
 * The bodies that come with a statement, none twice, and one of them at most public. None of a submission that only commits to its body; none of what a statement
 * refers to as said or published elsewhere, criteria and findings for example.
 */
export function namedBodies(statement: IntakeStatement): readonly NamedBody[] {
  switch (statement.predicateType) {
    case SUBMISSION_TYPE: {
      const { body } = statement.predicate;
      return body.access === 'public' ? [{ access: 'public', digest: body.digest }] : [];
    }
    case engagementDecision.predicateType: {
      const { decision } = statement.predicate;
      return [open(decision.decision === 'granted' ? decision.terms : decision.reason)];
    }
    case engagementEnd.predicateType: {
      const { outcome } = statement.predicate;
      return outcome.outcome === 'withdrawn' ? [open(outcome.reason)] : [];
    }
    case opinion.predicateType: {
      const { annex, body } = statement.predicate;
      const report = open(body);
      return annex === undefined || annex.digest === report.digest
        ? [report]
        : [report, { access: 'parties', digest: annex.digest }];
    }
    default: {
      const { predicate } = statement;
      if ('reason' in predicate && typeof predicate.reason === 'object') return [open(predicate.reason)];
      if (!('body' in predicate)) return [];
      const { body } = predicate;
      return ['access' in body ? { access: body.access, digest: body.digest } : open(body)];
    }
  }
}

function open({ digest }: { readonly digest: string }): NamedBody {
  return { access: 'public', digest };
}
