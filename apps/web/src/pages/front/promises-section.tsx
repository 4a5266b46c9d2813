import { Link } from '@tanstack/react-router';
import type { Centre, CommitmentList, RecordedEvent } from '@vitrine/api';
import { apiUrl } from '../../api-client.ts';
import { quietAction } from '../../components/action.ts';
import { LogTime } from '../../components/log-time.tsx';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { countOf } from '../../formats/byte-size.ts';
import { ChangeList, changesOf, otherEvents } from '../../promises/change-list.tsx';
import { PartOfPromises } from '../../promises/part-of-promises.tsx';
import { promisesAt, PromiseBoard } from '../../promises/promise-board.tsx';
import { PromiseChart } from '../../promises/promise-chart.tsx';
import { tally } from '../../promises/promise-words.ts';
import { axisOf } from '../../promises/time-axis.ts';

/** What happened last, on this page; the rest is on the page of time. */
const CHANGES_SHOWN = 8;

/** The board of promises: the first thing that a centre with promises shows. */
export function PromisesSection({
  list,
  after,
  events,
  centre,
}: {
  readonly list: CommitmentList;
  readonly after: string | undefined;
  readonly events: readonly RecordedEvent[];
  readonly centre: Centre;
}) {
  const { asOfMs } = list;
  const promises = promisesAt(list.commitments, asOfMs);
  const changes = changesOf(list.commitments, asOfMs);
  return (
    <>
      <PageHeading
        below={
          <>
            <p>
              {countOf(list.count, 'promise')}
              {list.count === list.commitments.length
                ? `: ${tally(promises.map(({ standing }) => standing.state))}`
                : ''}
              .
            </p>
            <p className="mt-2 text-base">
              Nobody sets these states. They are computed, here in your browser, from what stands in the log
              as of <LogTime timeMs={asOfMs} />.
            </p>
          </>
        }
      >
        What {centre.name} promised, and what became of it
      </PageHeading>
      <h2 className="sr-only">The promises</h2>
      <PartOfPromises list={list} after={after} parameter="promises.after" />
      <PromiseBoard promises={promises} asOfMs={asOfMs} />
      <nav aria-label="Promises elsewhere" className="no-print mt-6 flex flex-wrap gap-3">
        <Link to="/timeline" className={quietAction}>
          Drag time
        </Link>
        <Link to="/print" className={quietAction}>
          A page to print
        </Link>
        <a href={apiUrl('promisesFeed')} className={quietAction}>
          Atom feed
        </a>
      </nav>
      <Section id="timeline" title="In time">
        <PromiseChart promises={promises} axis={axisOf(list.commitments, asOfMs)} asOfMs={asOfMs} />
        <h3 className="mt-10 mb-3">What happened last</h3>
        <ChangeList
          changes={changes}
          events={otherEvents(events, changes, asOfMs)}
          origin={`${centre.name}/statements`}
          limit={CHANGES_SHOWN}
        />
      </Section>
    </>
  );
}
