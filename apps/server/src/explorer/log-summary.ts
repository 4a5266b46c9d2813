/** A log in one line of a table. */
import type { LogClosing, LogSummary } from '@vitrine/api';
import { isWritten, type LogView } from '../log/log.ts';

/** @param closed its end, if it has one */
export function summaryOf(log: LogView, closed: LogClosing | undefined): LogSummary {
  return {
    name: log.name,
    origin: log.origin,
    kind: kindOf(log),
    vkey: log.vkey,
    size: log.published.size,
    durableSize: log.size,
    publishedAt: log.published.cosignedAt * 1000,
    state: closed === undefined ? stateOf(log) : 'closed',
    closed: closed ?? null,
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
