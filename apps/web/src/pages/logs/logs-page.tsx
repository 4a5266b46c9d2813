import { useSuspenseQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { LogSummary } from '@vitrine/api';
import { centreQuery } from '../../api-client.ts';
import { stateInWords } from '../../components/log-state.ts';
import { LogTime } from '../../components/log-time.tsx';
import { PageHeading } from '../../components/page-heading.tsx';
import { RecordTable } from '../../components/record-table.tsx';
import type { Column } from '../../components/record-table.tsx';
import { formatCount } from '../../formats/byte-size.ts';
import { usePageTitle } from '../../page-title.ts';
import { logPurpose } from './log-purpose.ts';

const columns: readonly Column<LogSummary>[] = [
  {
    key: 'log',
    title: 'Log',
    value: (row) => row.name,
    show: (row) => (
      <Link to="/logs/$log" params={{ log: row.name }} className="link">
        {row.name}
      </Link>
    ),
  },
  { key: 'holds', title: 'Holds', value: (row) => logPurpose(row.kind) },
  {
    key: 'size',
    title: 'Entries',
    value: (row) => row.size,
    show: (row) => formatCount(row.size),
    numeric: true,
  },
  {
    key: 'publishedAt',
    title: 'Last checkpoint',
    value: (row) => new Date(row.publishedAt).toISOString(),
    show: (row) => <LogTime timeMs={row.publishedAt} />,
  },
  { key: 'state', title: 'State', value: (row) => row.state, show: (row) => stateInWords(row.state) },
];

/** The logs of this centre. */
export function LogsPage() {
  const { data: centre } = useSuspenseQuery(centreQuery);
  usePageTitle('Logs', `The append-only logs of ${centre.name}.`);
  return (
    <>
      <PageHeading
        below={
          <p>
            What is said here is an entry of an append-only log. Anyone may copy the logs, and whoever keeps a
            checkpoint can prove it if an entry is ever changed or removed.
          </p>
        }
      >
        Logs
      </PageHeading>
      <RecordTable
        name="logs"
        caption={`logs of ${centre.name}`}
        rowName="log"
        columns={columns}
        rows={centre.logs}
        rowKey={(row) => row.name}
        empty="This centre has no log."
      />
    </>
  );
}
