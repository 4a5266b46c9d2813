// What a schema found wrong, in words: where, and what was expected.

import * as v from 'valibot';

/** The first issue, such as `predicate.version: a member is missing`. */
export function explainIssues(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues;
  const where = v.getDotPath(issue) ?? 'at the top';
  return `${where}: ${explain(issue)}`;
}

function explain(issue: v.BaseIssue<unknown>): string {
  if (issue.type !== 'strict_object') return issue.message;
  if (issue.expected === 'never') return 'unknown member';
  return issue.received === 'undefined' ? 'a member is missing' : issue.message;
}
