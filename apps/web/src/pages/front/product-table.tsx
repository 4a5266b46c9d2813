import type { ProductSummary } from '@vitrine/api';
import { Link } from '@tanstack/react-router';
import { LogTime } from '../../components/log-time.tsx';
import { RecordTable } from '../../components/record-table.tsx';
import type { Column } from '../../components/record-table.tsx';
import { ReleaseState } from '../../components/release-state.tsx';

const columns: readonly Column<ProductSummary>[] = [
  {
    key: 'product',
    title: 'Product',
    value: (row) => row.product,
    show: (row) => (
      <Link to="/products/$product" params={{ product: row.product }} className="link">
        {row.product}
      </Link>
    ),
  },
  {
    key: 'latest',
    title: 'Newest release',
    value: (row) => row.latest.version,
    show: (row) => (
      <Link
        to="/products/$product/$version"
        params={{ product: row.product, version: row.latest.version }}
        className="link"
      >
        {row.latest.version}
      </Link>
    ),
  },
  {
    key: 'registered',
    title: 'Registered',
    value: (row) => new Date(row.latest.registeredAt).toISOString(),
    show: (row) => <LogTime timeMs={row.latest.registeredAt} />,
  },
  {
    key: 'state',
    title: 'State',
    value: (row) => (row.latest.withdrawn ? 'withdrawn' : 'standing'),
    show: (row) => <ReleaseState withdrawn={row.latest.withdrawn} />,
  },
  { key: 'releases', title: 'Releases', value: (row) => row.releases, numeric: true },
];

/** Every product of the centre, with its newest release. */
export function ProductTable({ products }: { readonly products: readonly ProductSummary[] }) {
  return (
    <RecordTable
      name="products"
      caption="products"
      rowName="product"
      columns={columns}
      rows={products}
      rowKey={(row) => row.product}
      empty="Nothing has been released here yet. Releases appear here as soon as they are registered in the log."
    />
  );
}
