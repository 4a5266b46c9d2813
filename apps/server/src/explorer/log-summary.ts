/** A log in one line of a table. */
import type { LogSummary } from '@vitrine/api';
import { isWritten, type LogView } from '../log/log.ts';

export function summaryOf(log: LogView): LogSummary {
  return {
    name: log.name,
    origin: log.origin,
    kind: kindOf(log),
    vkey: log.vkey,
    size: log.published.size,
    durableSize: log.size,
    publishedAt: log.published.cosignedAt * 1000,
    state: stateOf(log),
  };
}

export function kindOf(log: LogView): LogSummary['kind'] {
  if (log.kind === 'open') return 'open';
  return log.name === 'keys' || log.name === 'intake' ? log.name : 'statements';
}

function stateOf(log: LogView): LogSummary['state'] {
  if (!isWritten(log)) return 'following';
  if (log.state === 'open') return 'writing';
  return log.state === 'disk-full' || log.state === 'awaiting-witnesses' ? 'refusing' : 'stopped';
}
