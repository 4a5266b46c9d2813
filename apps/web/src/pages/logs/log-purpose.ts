import type { LogSummary } from '@vitrine/api';

/** What a kind of log is for. */
export function logPurpose(kind: LogSummary['kind']): string {
  switch (kind) {
    case 'statements':
      return 'releases, promises, events, and the heads of the other logs';
    case 'keys':
      return 'who may say what: keys, roles, rules of admission';
    case 'intake':
      return 'what was said to the vendor at this centre';
    case 'open':
      return 'entries of any kind, uninterpreted';
  }
}
