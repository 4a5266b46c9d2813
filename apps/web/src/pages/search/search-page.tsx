import { useSuspenseQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { SearchHit } from '@vitrine/api';
import { searchQuery } from '../../api-client.ts';
import type { SearchTerms } from '../../api-client.ts';
import { field, primaryAction, quietAction } from '../../components/action.ts';
import { Breakable } from '../../components/breakable.tsx';
import { Digest } from '../../components/digest.tsx';
import { Disclosure } from '../../components/disclosure.tsx';
import { LogTime } from '../../components/log-time.tsx';
import { PageHeading } from '../../components/page-heading.tsx';
import { PageLinks } from '../../components/page-links.tsx';
import { RecordTable } from '../../components/record-table.tsx';
import type { Column } from '../../components/record-table.tsx';
import { ReleaseState } from '../../components/release-state.tsx';
import { formatByteSize } from '../../formats/byte-size.ts';
import { visibleName } from '../../formats/visible-name.ts';
import { usePageTitle } from '../../page-title.ts';
import { digestIn, searchTermsOf } from './search-terms.ts';

const route = getRouteApi('/search');

const columns: readonly Column<SearchHit>[] = [
  {
    key: 'what',
    title: 'Found',
    value: (hit) => (hit.kind === 'release' ? `${hit.product} ${hit.version}` : hit.name),
    show: (hit) => (
      <Link
        to="/products/$product/$version"
        params={{ product: hit.product, version: hit.version }}
        className="link"
      >
        <Breakable>
          {hit.kind === 'release' ? `${hit.product} ${hit.version}` : visibleName(hit.name)}
        </Breakable>
      </Link>
    ),
  },
  {
    key: 'kind',
    title: 'Kind',
    value: (hit) => hit.kind,
    show: (hit) =>
      hit.kind === 'release' ? (
        'release'
      ) : (
        <>
          artifact of {hit.product} {hit.version}, {formatByteSize(hit.sizeBytes)}
        </>
      ),
  },
  {
    key: 'digest',
    title: 'Digest',
    value: (hit) => (hit.kind === 'release' ? hit.digest : hit.sha256),
    show: (hit) =>
      hit.kind === 'release' ? (
        <Digest value={hit.digest} of={`the statement of ${hit.product} ${hit.version}`} />
      ) : (
        <Digest value={hit.sha256} of={hit.name} />
      ),
  },
  {
    key: 'registered',
    title: 'Registered',
    value: (hit) => new Date(hit.registeredAt).toISOString(),
    show: (hit) => <LogTime timeMs={hit.registeredAt} />,
  },
  {
    key: 'state',
    title: 'State',
    value: (hit) => (hit.withdrawn ? 'withdrawn' : 'standing'),
    show: (hit) => <ReleaseState withdrawn={hit.withdrawn} />,
  },
  {
    key: 'entry',
    title: 'Entry',
    value: (hit) => hit.index,
    numeric: true,
    show: (hit) => (
      <Link to="/logs/$log/$index" params={{ log: 'statements', index: String(hit.index) }} className="link">
        {hit.index}
      </Link>
    ),
  },
];

const narrowingFields = [
  { name: 'product', title: 'Product', type: 'text', maxLength: 64 },
  { name: 'version', title: 'Version', type: 'text', maxLength: 64 },
  { name: 'digest', title: 'SHA-256, or its beginning', type: 'text', maxLength: 71 },
  { name: 'from', title: 'Registered from (UTC)', type: 'date', maxLength: 10 },
  { name: 'to', title: 'Registered to (UTC)', type: 'date', maxLength: 10 },
] as const;

const digestPattern = {
  pattern: '(sha256:)?[0-9A-Fa-f]{4,64}',
  title: '4 to 64 hex digits',
} as const;

function termsOfForm(form: HTMLFormElement): SearchTerms {
  const data = new FormData(form);
  const terms = searchTermsOf(
    Object.fromEntries([...data].filter((pair): pair is [string, string] => typeof pair[1] === 'string')),
  );
  const digest = terms.digest?.toLowerCase().replace(/^sha256:/, '') ?? digestIn(terms.q ?? '');
  if (digest === undefined) return terms;
  const { q, ...rest } = terms;
  return q === undefined || digestIn(q) !== undefined ? { ...rest, digest } : { ...rest, q, digest };
}

/** Releases and artifacts, found by what is known of them. */
export function SearchPage() {
  const query = route.useSearch();
  const navigate = route.useNavigate();
  const terms = searchTermsOf(query);
  const { data } = useSuspenseQuery(searchQuery(terms));
  const isLaterPage = terms.before !== undefined || terms.after !== undefined;
  const asked = Object.keys(terms).some((name) => name !== 'before' && name !== 'after');
  usePageTitle('Releases', 'Search releases and artifacts by words, product, version, digest or date.');
  return (
    <>
      <PageHeading>Releases</PageHeading>
      <form
        role="search"
        key={`form ${JSON.stringify(terms)}`}
        className="mb-10"
        onSubmit={(event) => {
          event.preventDefault();
          void navigate({ search: { ...termsOfForm(event.currentTarget) }, resetScroll: false });
        }}
      >
        <div className="flex max-w-2xl flex-wrap gap-3 sm:flex-nowrap">
          <label htmlFor="search-q" className="sr-only">
            Product, version, file name or digest
          </label>
          <input
            id="search-q"
            name="q"
            type="search"
            maxLength={200}
            placeholder="Product, version, file name or digest"
            autoComplete="off"
            spellCheck={false}
            className={field}
            defaultValue={terms.q ?? ''}
          />
          <button type="submit" className={primaryAction}>
            Search
          </button>
          {asked ? (
            <Link to="/search" className={`${quietAction} shrink-0`}>
              Show everything
            </Link>
          ) : null}
        </div>
        <div className="mt-3 max-w-2xl">
          <Disclosure
            summary="By product, version, digest or date"
            open={narrowingFields.some(({ name }) => terms[name] !== undefined)}
          >
            <div className="grid gap-x-5 gap-y-4 sm:grid-cols-2">
              {narrowingFields.map(({ name, title, type, maxLength }) => (
                <div key={name} className="min-w-0">
                  <label htmlFor={`search-${name}`} className="mb-1 block text-sm text-soft">
                    {title}
                  </label>
                  <input
                    id={`search-${name}`}
                    name={name}
                    type={type}
                    maxLength={maxLength}
                    {...(name === 'digest' ? digestPattern : {})}
                    autoComplete="off"
                    spellCheck={false}
                    className={field}
                    defaultValue={terms[name] ?? ''}
                  />
                </div>
              ))}
            </div>
          </Disclosure>
        </div>
      </form>
      <h2 className="sr-only">Results</h2>
      <RecordTable
        key={`results ${JSON.stringify(terms)}`}
        name="results"
        caption="search results"
        rowName="result"
        columns={columns}
        rows={data.hits}
        rowKey={(hit) => `${hit.kind} ${hit.index}`}
        partial={data.next !== null || isLaterPage}
        empty={
          asked
            ? 'Nothing here matches. A digest finds an artifact only if some release names it; leave fields empty to widen the search.'
            : 'Nothing has been released here yet.'
        }
      />
      <PageLinks
        of="results"
        from="newest"
        bounds={terms}
        target="results"
        previous={data.previous}
        next={data.next}
      />
    </>
  );
}
