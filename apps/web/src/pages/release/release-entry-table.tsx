import type { Release } from '@vitrine/api';
import { Link } from '@tanstack/react-router';
import { RecordTable } from '../../components/record-table.tsx';
import { visibleName } from '../../formats/visible-name.ts';
import type { Column } from '../../components/record-table.tsx';

interface SayingEntry {
  readonly index: number;
  readonly says: string;
}

const columns: readonly Column<SayingEntry>[] = [
  {
    key: 'entry',
    title: 'Entry',
    value: (row) => row.index,
    show: (row) => (
      <Link to="/logs/$log/$index" params={{ log: 'statements', index: String(row.index) }} className="link">
        {row.index}
      </Link>
    ),
  },
  { key: 'says', title: 'Says', value: (row) => row.says },
];

function entriesOf(release: Release): readonly SayingEntry[] {
  const { product, version, withdrawal } = release;
  return [
    { index: release.index, says: `${product} ${version} is released` },
    ...release.artifacts.map(({ index, name }) => ({
      index,
      says: `${visibleName(name)} belongs to the release`,
    })),
    ...(withdrawal === null ? [] : [{ index: withdrawal.index, says: `${product} ${version} is withdrawn` }]),
  ];
}

/** The entries of the log that everything on a release's page rests on. */
export function ReleaseEntryTable({ release }: { readonly release: Release }) {
  return (
    <RecordTable
      name="entries"
      caption={`log entries about ${release.product} ${release.version}`}
      rowName="entry"
      rowNamePlural="entries"
      columns={columns}
      rows={entriesOf(release)}
      rowKey={(row) => String(row.index)}
      empty=""
    />
  );
}
