import type { LogSummary } from '@vitrine/api';

/** What the writer of a log is doing. */
export function stateInWords(state: LogSummary['state']): string {
  switch (state) {
    case 'writing':
      return 'accepting entries';
    case 'following':
      return 'following the centre that writes it';
    case 'refusing':
      return 'refusing new entries for now; reading works';
    case 'closed':
      return 'closed: takes no more entries; reading works';
    case 'stopped':
      return 'stopped after a storage failure; reading works';
  }
}
