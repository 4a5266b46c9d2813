import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { RecordedEvent } from '@vitrine/api';
import { changesUntil, happenedInWords } from '@vitrine/commitments';
import type { Change, CommitmentFacts } from '@vitrine/commitments';
import { Fragment } from 'react';
import type { ReactNode } from 'react';
import { LogTime } from '../components/log-time.tsx';
import { eventBodyQuery } from './commitment-body.ts';
import { EntryLink } from './entry-link.tsx';
import { changeInWords } from './promise-words.ts';
import { PromiseTitle } from './promise-title.tsx';

export interface PromiseChange extends Change {
  readonly facts: CommitmentFacts;
}

/** What happened to promises by then, newest first. */
export function changesOf(commitments: readonly CommitmentFacts[], asOfMs: number): readonly PromiseChange[] {
  return (
    commitments
      // Reversed, since of what came at one time the later stands first too.
      .flatMap((facts) => changesUntil(facts, asOfMs).map((change) => ({ ...change, facts })))
      .toReversed()
      .toSorted((left, right) => right.atMs - left.atMs || right.entry.leafIndex - left.entry.leafIndex)
  );
}

/** Events that had been recorded by then and are not told of as evidence. */
export function otherEvents(
  events: readonly RecordedEvent[],
  changes: readonly PromiseChange[],
  asOfMs: number,
): readonly RecordedEvent[] {
  const told = new Set(changes.map(({ entry }) => entry.leafIndex));
  return events.filter(({ index, registeredAt }) => registeredAt <= asOfMs && !told.has(index));
}

function EventTitle({ event }: { readonly event: RecordedEvent }) {
  const { data } = useQuery(eventBodyQuery(event.body));
  return <>{data?.body?.title ?? event.kind}</>;
}

function Item({ timeMs, children }: { readonly timeMs: number; readonly children: ReactNode }) {
  return (
    <li className="grid gap-x-6 border-b border-line py-2.5 sm:grid-cols-[15rem_minmax(0,1fr)]">
      <span className="text-sm leading-7 text-soft">
        <LogTime timeMs={timeMs} />
      </span>
      <span className="min-w-0">{children}</span>
    </li>
  );
}

function ChangeItem({ change, named }: { readonly change: PromiseChange; readonly named: boolean }) {
  const { atMs, entry, facts, kind, standing } = change;
  return (
    <Item timeMs={atMs}>
      <span className="font-semibold">{changeInWords(kind, standing)}</span>
      {named ? (
        <>
          {': '}
          <Link to="/promises/$id" params={{ id: facts.id }} className="link">
            <PromiseTitle id={facts.id} digest={facts.versions[standing.version - 1]?.body ?? facts.digest} />
          </Link>
        </>
      ) : null}
      <span className="text-sm text-soft">
        {' ('}
        {kind === 'overdue' || kind === 'lapsed' ? 'by the date in ' : ''}
        <EntryLink entry={entry} />)
      </span>
    </Item>
  );
}

/**
 * Changes and events, newest first, each with its day, what it is, and its entry.
 *
 * @param origin of the log that has the events
 * @param named whether each change says of which promise it is
 */
export function ChangeList({
  changes,
  events = [],
  origin = '',
  named = true,
  limit = Infinity,
}: {
  readonly changes: readonly PromiseChange[];
  readonly events?: readonly RecordedEvent[];
  readonly origin?: string;
  readonly named?: boolean;
  readonly limit?: number;
}) {
  const items = [
    ...changes.map((change) => ({
      timeMs: change.atMs,
      index: change.entry.leafIndex,
      key: `${change.facts.id} ${change.atMs} ${change.kind} ${change.entry.leafIndex}`,
      item: <ChangeItem change={change} named={named} />,
    })),
    ...events.map((event) => ({
      timeMs: event.registeredAt,
      index: event.index,
      key: `event ${event.index}`,
      item: (
        <Item timeMs={event.registeredAt}>
          <span className="font-semibold">Recorded</span>: <EventTitle event={event} />
          <span className="text-sm text-soft">
            {`, happened ${happenedInWords(event.happened)} (`}
            <EntryLink entry={{ origin, leafIndex: event.index }} />)
          </span>
        </Item>
      ),
    })),
  ].toSorted((left, right) => right.timeMs - left.timeMs || right.index - left.index);
  return (
    <ol className="border-t border-line">
      {items.slice(0, limit).map(({ item, key }) => (
        <Fragment key={key}>{item}</Fragment>
      ))}
    </ol>
  );
}
