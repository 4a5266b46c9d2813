import type { ProductList, ProductSummary } from '@vitrine/api';
import { Link } from '@tanstack/react-router';
import type { PageBounds } from '../../api-client.ts';
import { LogTime } from '../../components/log-time.tsx';
import { PageLinks } from '../../components/page-links.tsx';
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

/** The products of the centre, by name, each with its newest release. `target`: id of the section that the table stands in. */
export function ProductTable({
  list,
  bounds,
  target,
}: {
  readonly list: ProductList;
  readonly bounds: PageBounds;
  readonly target: string;
}) {
  return (
    <>
      <RecordTable
        key={`${bounds.after ?? ''} ${bounds.before ?? ''}`}
        name="products"
        caption="products"
        rowName="product"
        columns={columns}
        rows={list.products}
        total={list.count}
        rowKey={(row) => row.product}
        empty={
          list.count === 0
            ? 'Nothing has been released here yet. Releases appear here as soon as they are registered in the log.'
            : 'No product is on this page.'
        }
      />
      <PageLinks
        of="products"
        from="name"
        bounds={bounds}
        target={target}
        previous={list.previous}
        next={list.next}
      />
    </>
  );
}
