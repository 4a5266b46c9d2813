import type { Release } from '@vitrine/api';
import { Link } from '@tanstack/react-router';
import { apiUrl } from '../../api-client.ts';
import { Digest } from '../../components/digest.tsx';
import { RecordTable } from '../../components/record-table.tsx';
import type { Column } from '../../components/record-table.tsx';
import { visibleName } from '../../formats/visible-name.ts';
import { formatByteSize } from '../../formats/byte-size.ts';

type ReleaseArtifact = Release['artifacts'][number];

const rowLink = 'link inline-flex min-h-7 items-center';

function columnsOf(product: string, version: string): readonly Column<ReleaseArtifact>[] {
  return [
    { key: 'name', title: 'Name', value: (row) => row.name, show: (row) => visibleName(row.name) },
    {
      key: 'sizeBytes',
      title: 'Size',
      value: (row) => row.sizeBytes,
      show: (row) => <span title={`${row.sizeBytes} bytes`}>{formatByteSize(row.sizeBytes)}</span>,
      numeric: true,
    },
    {
      key: 'sha256',
      title: 'SHA-256',
      value: (row) => row.sha256,
      show: (row) => <Digest value={row.sha256} of={row.name} />,
    },
    {
      key: 'entry',
      title: 'Entry',
      value: (row) => row.index,
      numeric: true,
      show: (row) => (
        <Link
          to="/logs/$log/$index"
          params={{ log: 'statements', index: String(row.index) }}
          className="link"
        >
          {row.index}
        </Link>
      ),
    },
    {
      key: 'content',
      title: 'Take or check',
      value: (row) => apiUrl('artifactContent', { params: { sha256: row.sha256 } }),
      show: (row) => (
        <span className="flex flex-wrap gap-x-4">
          <Link to="/verify/$sha256" params={{ sha256: row.sha256 }} className={rowLink}>
            Check<span className="sr-only"> {row.name}</span>
          </Link>
          <a
            className={rowLink}
            href={apiUrl('artifactContent', { params: { sha256: row.sha256 } })}
            download={row.name}
          >
            Download<span className="sr-only"> {row.name}</span>
          </a>
          <a
            className={rowLink}
            href={apiUrl('artifactEvidence', {
              params: { sha256: row.sha256 },
              query: { product, version },
            })}
            download={`${row.name}.evidence`}
          >
            Evidence<span className="sr-only"> for {row.name}</span>
          </a>
        </span>
      ),
    },
  ];
}

/** The files of a release, each to take, to check, and with its evidence. */
export function ArtifactTable({ release }: { readonly release: Release }) {
  return (
    <RecordTable
      name="artifacts"
      caption={`artifacts of ${release.product} ${release.version}`}
      rowName="artifact"
      columns={columnsOf(release.product, release.version)}
      rows={release.artifacts}
      rowKey={(row) => row.name}
      empty="This release names no artifact."
    />
  );
}
