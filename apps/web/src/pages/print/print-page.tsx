import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { dueInWords } from '@vitrine/commitments';
import { centreQuery, commitmentsQuery } from '../../api-client.ts';
import { primaryAction } from '../../components/action.ts';
import { CheckedBody } from '../../components/checked-body.tsx';
import { LogTime } from '../../components/log-time.tsx';
import { PageHeading } from '../../components/page-heading.tsx';
import { formatCount } from '../../formats/byte-size.ts';
import { DAY_MS, dayInWords, parseIsoDay } from '../../formats/calendar-day.ts';
import { usePageTitle } from '../../page-title.ts';
import { commitmentBodyQuery } from '../../promises/commitment-body.ts';
import { PartOfPromises } from '../../promises/part-of-promises.tsx';
import type { StandingPromise } from '../../promises/promise-board.tsx';
import { promisesAt } from '../../promises/promise-board.tsx';
import { tally } from '../../promises/promise-words.ts';
import { RequirementList } from '../../promises/requirement-list.tsx';
import { Sources } from '../../promises/sources.tsx';
import { StateLabel } from '../../promises/state-label.tsx';
import { VersionsSideBySide } from '../../promises/versions-side-by-side.tsx';

const route = getRouteApi('/print');

function PrintedPromise({ promise, asOfMs }: { readonly promise: StandingPromise; readonly asOfMs: number }) {
  const { facts, standing, version } = promise;
  const { data: read } = useQuery(commitmentBodyQuery(version.body));
  const body = read?.body ?? undefined;
  const older = facts.versions.find((one) => one.version === version.version - 1);
  return (
    <article className="border-t border-strong pt-6 pb-8">
      <h2 className="mb-3">{body?.title ?? facts.id}</h2>
      <StateLabel standing={standing} />
      <p className="mt-3">{standing.sentence}</p>
      {body === undefined ? (
        <p className="mt-3 text-soft">
          {read === undefined || read.body !== null
            ? 'Fetching its text…'
            : `Its text is not shown: ${read.why}.`}
        </p>
      ) : (
        <>
          <blockquote className="measure my-4 border-l-2 border-line pl-4 font-serif text-lg whitespace-pre-wrap [overflow-wrap:anywhere]">
            {body.text}
          </blockquote>
          <p className="text-sm text-soft">
            Promised by {body.by} to {body.to}, {dueInWords(version.due)}.
          </p>
          <Sources sources={body.sources} />
        </>
      )}
      <h3 className="mt-6 mb-2">What would show it, and what does</h3>
      <RequirementList version={version} standing={standing} asOfMs={asOfMs} />
      {older === undefined ? null : (
        <>
          <h3 className="mt-6 mb-2">The old text beside the new</h3>
          <VersionsSideBySide older={older} newer={version} />
        </>
      )}
      {standing.state !== 'withdrawn' || facts.withdrawal === undefined ? null : (
        <>
          <h3 className="mt-6 mb-2">The reason given for the withdrawal</h3>
          <CheckedBody digest={facts.withdrawal.reason} what="reason of the withdrawal" prose />
        </>
      )}
      <p className="mt-4 text-sm text-soft">
        Statement <code className="break-all">{version.digest}</code>, entry {version.entry.leafIndex} of{' '}
        {version.entry.origin}
      </p>
    </article>
  );
}

/** Every promise with all that is known of it, for paper. */
export function PrintPage() {
  const { after, asOf } = route.useSearch();
  const { data } = useSuspenseQuery(commitmentsQuery(after));
  const { data: centre } = useSuspenseQuery(centreQuery);
  const viewMs = data.asOfMs;
  const wanted = parseIsoDay(asOf);
  const asOfMs = wanted === undefined ? viewMs : Math.min(viewMs, wanted + DAY_MS - 1);
  const promises = promisesAt(data.commitments, asOfMs);
  const title = `Promises of ${centre.name}`;
  usePageTitle(`${title}, to print`, `Every promise of ${centre.name} with its evidence, on paper.`);
  return (
    <>
      <PageHeading
        above={
          <Link to="/" className="link no-print">
            Promises
          </Link>
        }
        below={
          <p>
            {promises.length === 0
              ? 'Nothing has been promised'
              : tally(promises.map(({ standing }) => standing.state))}
            , as of {dayInWords(asOfMs)}.
          </p>
        }
      >
        {title}
      </PageHeading>
      <p className="no-print mb-8">
        <button
          type="button"
          className={primaryAction}
          onClick={() => {
            window.print();
          }}
        >
          Print
        </button>
      </p>
      <PartOfPromises list={data} after={after} />
      {promises.map((promise) => (
        <PrintedPromise key={promise.facts.id} promise={promise} asOfMs={asOfMs} />
      ))}
      <p className="border-t border-strong pt-4 text-sm">
        Computed from {formatCount(data.rootSize)} entries of the log {centre.name}/statements, as of{' '}
        <LogTime timeMs={asOfMs} />. Whoever keeps this sheet can compare: an entry has one place in the log,
        and what it says cannot be changed there without a trace.
      </p>
    </>
  );
}
