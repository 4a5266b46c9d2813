import { useSuspenseQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { LogSummary } from '@vitrine/api';
import { pageBoundsOf } from '../../address.ts';
import { centreQuery, centresQuery, commitmentsQuery, eventsQuery, productsQuery } from '../../api-client.ts';
import { quietAction, field } from '../../components/action.ts';
import { FileDrop } from '../../components/file-drop.tsx';
import { Facts } from '../../components/facts.tsx';
import { Age, LogTime } from '../../components/log-time.tsx';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { CentreTable } from './centre-table.tsx';
import { ProductTable } from './product-table.tsx';
import { PromisesSection } from './promises-section.tsx';
import { countOf, formatCount } from '../../formats/byte-size.ts';
import { stateInWords } from '../../components/log-state.ts';
import { usePageTitle } from '../../page-title.ts';
import { isCosigning } from '../centres/centre-gaps.ts';
import { digestIn } from '../search/search-terms.ts';
import { verificationQueue } from '../../verification/verification-queue.ts';

const route = getRouteApi('/');

function SearchBox() {
  const navigate = useNavigate();
  const [text, setText] = useState('');
  return (
    <form
      role="search"
      className="flex max-w-2xl flex-wrap gap-3 sm:flex-nowrap"
      onSubmit={(event) => {
        event.preventDefault();
        const digest = digestIn(text);
        void navigate({ to: '/search', search: digest === undefined ? { q: text } : { digest } });
      }}
    >
      <label htmlFor="front-search" className="sr-only">
        Product, version, file name or digest
      </label>
      <input
        id="front-search"
        type="search"
        maxLength={200}
        className={field}
        placeholder="Product, version, file name or digest"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
        }}
      />
      <button type="submit" className={quietAction}>
        Search
      </button>
    </form>
  );
}

function LogHealth({ log, operators }: { readonly log: LogSummary; readonly operators: readonly string[] }) {
  const instance = log.origin.slice(0, -`/${log.name}`.length);
  const others = operators.filter((operator) => operator !== instance);
  return (
    <Facts
      narrow
      facts={[
        {
          term: 'Statements',
          value: (
            <>
              <Link to="/logs/$log" params={{ log: log.name }} className="link">
                {countOf(log.size, 'entry', 'entries')}
              </Link>{' '}
              published
              {log.durableSize > log.size
                ? `, ${formatCount(log.durableSize - log.size)} more on their way`
                : ''}
            </>
          ),
        },
        {
          term: 'Last checkpoint',
          value: (
            <>
              <Age timeMs={log.publishedAt} />
              <br />
              <span className="text-sm text-soft">
                <LogTime timeMs={log.publishedAt} />
              </span>
            </>
          ),
        },
        { term: 'State', value: stateInWords(log.state) },
        {
          term: 'Cosigned by',
          value:
            others.length === 0
              ? 'this centre alone: nobody else confirms yet that everyone is shown the same log'
              : [...new Set([...operators])].join(', '),
        },
      ]}
    />
  );
}

/** The way in for whoever has a file. */
function CheckFile() {
  const navigate = useNavigate();
  return (
    <FileDrop
      onFiles={(files) => {
        verificationQueue.add(files);
        void navigate({ to: '/verify' });
      }}
    />
  );
}

/** What was promised and what became of it; without promises, the one question that most come with. */
export function FrontPage() {
  const { data: centre } = useSuspenseQuery(centreQuery);
  const { data: centres } = useSuspenseQuery(centresQuery);
  const query = route.useSearch();
  const bounds = pageBoundsOf(query);
  const promisesAfter = query['promises.after'];
  const { data: commitments } = useSuspenseQuery(commitmentsQuery(promisesAfter));
  const { data: events } = useSuspenseQuery(eventsQuery);
  const { data: products } = useSuspenseQuery(productsQuery(bounds));
  const hasPromises = commitments.count > 0;
  usePageTitle(
    `${centre.name}, transparency centre`,
    hasPromises
      ? `What ${centre.name} promised and what became of it, computed from its append-only log.`
      : `Check a file from ${centre.name} against its append-only log, in your browser or offline.`,
  );
  const root = centre.logs.find((log) => log.kind === 'statements');
  const whatYouLearn = (
    <p>
      You will learn what {centre.name} has said about it, since when, and what nobody has shown. The proof is
      checked in this browser; the file stays on your machine.
    </p>
  );
  const health =
    root === undefined ? null : (
      <section aria-labelledby="health-title" className={hasPromises ? '' : 'lg:pt-20'}>
        <h2 id="health-title" className="mb-4 text-lg">
          The log’s health
        </h2>
        <LogHealth
          log={root}
          operators={[
            ...centre.operators,
            ...centres.centres
              .filter((one) => isCosigning(one, centres.asOfMs))
              .map(({ operator }) => operator),
          ]}
        />
      </section>
    );
  return (
    <>
      {hasPromises ? (
        <PromisesSection list={commitments} after={promisesAfter} events={events.events} centre={centre} />
      ) : (
        <div className="grid gap-x-16 gap-y-10 lg:grid-cols-[minmax(0,7fr)_minmax(0,4fr)]">
          <div>
            <PageHeading below={whatYouLearn}>Have a file? Check it.</PageHeading>
            <CheckFile />
          </div>
          {health}
        </div>
      )}
      <Section id="products-section" title="Products">
        <div className="mb-8">
          <SearchBox />
        </div>
        <ProductTable list={products} bounds={bounds} target="products-section" />
      </Section>
      {centres.centres.length === 0 ? null : (
        <Section id="centres" title="Centres">
          <CentreTable list={centres} />
        </Section>
      )}
      {!hasPromises ? null : (
        <div className="grid gap-x-16 gap-y-10 lg:grid-cols-[minmax(0,7fr)_minmax(0,4fr)]">
          <Section id="check-a-file" title="Have a file? Check it.">
            <div className="measure mb-5 text-soft">{whatYouLearn}</div>
            <CheckFile />
          </Section>
          <div className="pt-8 pb-8">{health}</div>
        </div>
      )}
      <div className="grid gap-x-16 lg:grid-cols-2">
        <Section id="how-it-works" title="How it works">
          <ol className="measure space-y-4">
            <li>
              <b className="font-semibold">Said.</b> A publisher signs a statement of what is released: the
              files, and a commitment to source code that stays confidential.
            </li>
            <li>
              <b className="font-semibold">Kept.</b> The statement becomes an entry of an append-only log. It
              can be followed by a withdrawal; it cannot be changed or removed without a trace.
            </li>
            <li>
              <b className="font-semibold">Checked.</b> You verify the file against the log, here or offline,
              under a policy that names the keys you rely on.
            </li>
          </ol>
          <p className="mt-5">
            <Link to="/how" className="link">
              How to check, without trusting this page
            </Link>
          </p>
        </Section>
        <Section id="not-proved" title="What it does not prove">
          <ul className="measure space-y-4">
            <li>
              That a release is safe. A logged statement binds its author to it; it does not make it true.
            </li>
            <li>That a file was built from the committed source. That takes a rebuild by somebody else.</li>
            <li>
              That nothing happened later. A verdict names a root size and a log time; a withdrawal after them
              needs newer evidence.
            </li>
          </ul>
        </Section>
      </div>
    </>
  );
}
