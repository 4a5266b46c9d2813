import { useSuspenseQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { ReleaseSummary } from '@vitrine/api';
import { pageBoundsOf } from '../../address.ts';
import { productQuery } from '../../api-client.ts';
import { LogTime } from '../../components/log-time.tsx';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { PageLinks } from '../../components/page-links.tsx';
import { RecordTable } from '../../components/record-table.tsx';
import type { Column } from '../../components/record-table.tsx';
import { ReleaseState } from '../../components/release-state.tsx';
import { countOf, formatCount } from '../../formats/byte-size.ts';
import { usePageTitle } from '../../page-title.ts';

const route = getRouteApi('/products/$product');

const columns: readonly Column<ReleaseSummary>[] = [
  {
    key: 'version',
    title: 'Version',
    value: (row) => row.version,
    show: (row) => (
      <Link
        to="/products/$product/$version"
        params={{ product: row.product, version: row.version }}
        className="link"
      >
        {row.version}
      </Link>
    ),
  },
  {
    key: 'registered',
    title: 'Registered',
    value: (row) => new Date(row.registeredAt).toISOString(),
    show: (row) => <LogTime timeMs={row.registeredAt} />,
  },
  {
    key: 'state',
    title: 'State',
    value: (row) => (row.withdrawn ? 'withdrawn' : 'standing'),
    show: (row) => <ReleaseState withdrawn={row.withdrawn} />,
  },
  { key: 'artifacts', title: 'Artifacts', value: (row) => row.artifacts, numeric: true },
  {
    key: 'sourceFiles',
    title: 'Source files',
    value: (row) => row.sourceFiles,
    show: (row) => formatCount(row.sourceFiles),
    numeric: true,
  },
  {
    key: 'entry',
    title: 'Entry',
    value: (row) => row.index,
    numeric: true,
    show: (row) => (
      <Link to="/logs/$log/$index" params={{ log: 'statements', index: String(row.index) }} className="link">
        {row.index}
      </Link>
    ),
  },
];

/** One product and everything released of it. */
export function ProductPage() {
  const { product } = route.useParams();
  const bounds = pageBoundsOf(route.useSearch());
  const { data } = useSuspenseQuery(productQuery(product, bounds));
  const { count, latest, releases, previous, next } = data;
  usePageTitle(product, `Releases of ${product}, as they stand in the log.`);
  return (
    <>
      <PageHeading
        above="Product"
        below={
          <p>
            Newest is{' '}
            <Link
              to="/products/$product/$version"
              params={{ product, version: latest.version }}
              className="link"
            >
              {latest.version}
            </Link>
            , registered <LogTime timeMs={latest.registeredAt} />
            {latest.withdrawn ? ' and since withdrawn' : ''}. {countOf(count, 'release')} in all.{' '}
            <Link to="/watch" search={{ product }} className="link">
              Watch it
            </Link>
            .
          </p>
        }
      >
        {product}
      </PageHeading>
      <Section id="releases-section" title="Releases">
        <RecordTable
          key={`${bounds.after ?? ''} ${bounds.before ?? ''}`}
          name="releases"
          caption={`releases of ${product}`}
          rowName="release"
          columns={columns}
          rows={releases}
          total={count}
          rowKey={(row) => row.version}
          empty="No release of this product is on this page."
        />
        <PageLinks
          of="releases"
          from="newest"
          bounds={bounds}
          target="releases-section"
          previous={previous}
          next={next}
        />
      </Section>
    </>
  );
}
