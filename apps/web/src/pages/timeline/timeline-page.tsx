import { useSuspenseQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import type { CommitmentFacts } from '@vitrine/commitments';
import { useId } from 'react';
import { centreQuery, commitmentsQuery, eventsQuery } from '../../api-client.ts';
import { quietAction } from '../../components/action.ts';
import { PageHeading, Section } from '../../components/page-heading.tsx';
import { DAY_MS, dayInWords, isoDay, parseIsoDay } from '../../formats/calendar-day.ts';
import { usePageTitle } from '../../page-title.ts';
import { ChangeList, changesOf, otherEvents } from '../../promises/change-list.tsx';
import { PartOfPromises } from '../../promises/part-of-promises.tsx';
import { promisesAt, PromiseBoard } from '../../promises/promise-board.tsx';
import { PromiseChart } from '../../promises/promise-chart.tsx';
import { tally } from '../../promises/promise-words.ts';
import type { TimeAxis } from '../../promises/time-axis.ts';
import { axisOf } from '../../promises/time-axis.ts';

const route = getRouteApi('/timeline');

interface Days {
  /** The beginnings of the first and the last day that can be shown. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly shownMs: number;
}

function dayStart(timeMs: number): number {
  return Math.floor(timeMs / DAY_MS) * DAY_MS;
}

function daysOf(commitments: readonly CommitmentFacts[], asOfMs: number, wanted: number | undefined): Days {
  const madeMs = commitments.flatMap(({ versions }) => versions.map(({ atMs }) => atMs));
  const firstMs = dayStart(Math.min(asOfMs, ...madeMs));
  const lastMs = dayStart(asOfMs);
  return { firstMs, lastMs, shownMs: Math.min(lastMs, Math.max(firstMs, wanted ?? lastMs)) };
}

function DaySlider({
  days: { firstMs, lastMs, shownMs },
  changeDays,
  onDay,
}: {
  readonly days: Days;
  /** The days on which something changed, ascending. */
  readonly changeDays: readonly number[];
  readonly onDay: (dayMs: number) => void;
}) {
  const sliderId = useId();
  const dateId = useId();
  const before = changeDays.findLast((day) => day < shownMs);
  const next = changeDays.find((day) => day > shownMs);
  const step = (day: number | undefined, words: string) => (
    <button
      type="button"
      className={`${quietAction} disabled:opacity-50`}
      disabled={day === undefined}
      onClick={() => {
        if (day !== undefined) onDay(day);
      }}
    >
      {words}
    </button>
  );
  return (
    <div className="no-print mb-8 border border-line bg-raised p-5">
      <label htmlFor={sliderId} className="block text-sm text-soft">
        The day that is shown
      </label>
      <p className="font-serif text-2xl tabular-nums" aria-live="polite">
        {dayInWords(shownMs)}
      </p>
      <input
        id={sliderId}
        type="range"
        className="mt-3 h-11 w-full cursor-pointer accent-accent"
        min={0}
        max={(lastMs - firstMs) / DAY_MS}
        step={1}
        value={(shownMs - firstMs) / DAY_MS}
        aria-valuetext={dayInWords(shownMs)}
        onChange={(event) => {
          onDay(firstMs + Number(event.target.value) * DAY_MS);
        }}
      />
      <div className="mt-3 flex flex-wrap items-end gap-3">
        {step(before, 'Previous change')}
        {step(next, 'Next change')}
        <div className="flex min-h-11 items-center gap-2">
          <label htmlFor={dateId} className="text-sm text-soft">
            Or a day
          </label>
          <input
            id={dateId}
            type="date"
            className="min-h-11 rounded-sm border border-strong bg-raised px-3 text-ink"
            min={isoDay(firstMs)}
            max={isoDay(lastMs)}
            value={isoDay(shownMs)}
            onChange={(event) => {
              const day = parseIsoDay(event.target.value);
              if (day !== undefined) onDay(day);
            }}
          />
        </div>
      </div>
    </div>
  );
}

/** What the page of promises said at the end of any day, computed here from the same facts. */
export function TimelinePage() {
  const { after, asOf } = route.useSearch();
  const { data } = useSuspenseQuery(commitmentsQuery(after));
  const { data: centre } = useSuspenseQuery(centreQuery);
  const {
    data: { events },
  } = useSuspenseQuery(eventsQuery);
  const viewMs = data.asOfMs;
  const navigate = useNavigate();
  const commitments = data.commitments;
  const days = daysOf(commitments, viewMs, parseIsoDay(asOf));
  const asOfMs = Math.min(viewMs, days.shownMs + DAY_MS - 1);
  const promises = promisesAt(commitments, asOfMs);
  const axis: TimeAxis = axisOf(commitments, viewMs);
  const changes = changesOf(commitments, asOfMs);
  const times = [
    ...changesOf(commitments, viewMs).map(({ atMs }) => atMs),
    ...events.map(({ registeredAt }) => registeredAt),
  ];
  const changeDays = [...new Set(times.map(dayStart))].toSorted((left, right) => left - right);
  const shown = dayInWords(days.shownMs);
  usePageTitle(`Promises on ${shown}`, `How each promise stood at the end of ${shown}.`);
  const summary = tally(promises.map(({ standing }) => standing.state));
  return (
    <>
      <PageHeading
        above={
          <Link to="/" className="link">
            Promises
          </Link>
        }
        below={
          <p>
            Drag the day: what follows is what the board said at the end of it, computed in this page from
            what the log held by then.
          </p>
        }
      >
        Promises in time
      </PageHeading>
      {commitments.length === 0 ? (
        <p className="text-soft">Nothing has been promised in this log yet.</p>
      ) : (
        <>
          <PartOfPromises list={data} after={after} />
          <DaySlider
            days={days}
            changeDays={changeDays}
            onDay={(day) => {
              void navigate({
                to: '/timeline',
                search: (now) => ({ ...now, asOf: isoDay(day) }),
                replace: true,
                resetScroll: false,
              });
            }}
          />
          <p className="mb-6 text-lg">{summary === '' ? 'Nothing had been promised yet.' : `${summary}.`}</p>
          <PromiseChart promises={promises} axis={axis} asOfMs={asOfMs} />
          <Section id="board" title={`The board at the end of ${shown}`}>
            <PromiseBoard promises={promises} asOfMs={asOfMs} />
          </Section>
          <Section id="changes" title="What had happened by then">
            <ChangeList
              changes={changes}
              events={otherEvents(events, changes, asOfMs)}
              origin={`${centre.name}/statements`}
            />
          </Section>
        </>
      )}
    </>
  );
}
