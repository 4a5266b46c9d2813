import { Link } from '@tanstack/react-router';
import type { EvidencePiece } from '@vitrine/commitments';
import type { StandingPromise } from './promise-board.tsx';
import { PromiseTitle } from './promise-title.tsx';
import { STATE_WORDS } from './promise-words.ts';
import type { TimeAxis } from './time-axis.ts';
import { percentOn, ticksOf } from './time-axis.ts';

const MIDDLE = 15;

function Line({
  promise: { facts, standing, version },
  axis,
  asOfMs,
}: {
  readonly promise: StandingPromise;
  readonly axis: TimeAxis;
  readonly asOfMs: number;
}) {
  const at = (timeMs: number): string => `${percentOn(axis, timeMs)}%`;
  const width = (fromMs: number, untilMs: number): string =>
    `${Math.max(0, percentOn(axis, untilMs) - percentOn(axis, fromMs))}%`;
  const madeMs = facts.versions[0]?.atMs ?? version.atMs;
  const endMs =
    facts.withdrawal !== undefined && facts.withdrawal.atMs <= asOfMs ? facts.withdrawal.atMs : asOfMs;
  const due = version.dueBounds;
  const pieces: readonly EvidencePiece[] = version.evidence.flat().filter(({ atMs }) => atMs <= asOfMs);
  const isOpen = standing.keptAtMs === undefined && due !== undefined && due.endMs < endMs;
  const tone = STATE_WORDS[standing.state].tone;
  return (
    <svg aria-hidden="true" width="100%" height="30" className="block overflow-visible">
      {due === undefined ? null : (
        <rect
          x={at(due.startMs)}
          width={width(due.startMs, due.endMs)}
          y={MIDDLE - 8}
          height="16"
          className="fill-accent-wash stroke-accent/50"
        />
      )}
      <line
        x1={at(madeMs)}
        x2={at(endMs)}
        y1={MIDDLE}
        y2={MIDDLE}
        className="stroke-strong"
        strokeWidth="1"
      />
      {isOpen ? (
        <line
          x1={at(due.endMs)}
          x2={at(endMs)}
          y1={MIDDLE}
          y2={MIDDLE}
          strokeWidth="3"
          strokeDasharray="2 5"
          className={tone === 'fails' ? 'stroke-refuse' : 'stroke-strong'}
        />
      ) : null}
      {facts.versions
        .filter(({ atMs }) => atMs <= asOfMs)
        .map(({ atMs, version: number }) => (
          <line
            key={number}
            x1={at(atMs)}
            x2={at(atMs)}
            y1={MIDDLE - 6}
            y2={MIDDLE + 6}
            strokeWidth="2"
            className="stroke-ink"
          />
        ))}
      {pieces.map((piece) => (
        <circle
          key={`${piece.entry.origin} ${piece.entry.leafIndex} ${piece.value ?? ''} ${piece.type}`}
          cx={at(piece.atMs)}
          cy={MIDDLE}
          r="5"
          className="fill-accent stroke-paper"
          strokeWidth="1.5"
        />
      ))}
      {standing.state === 'withdrawn' ? (
        <line
          x1={at(endMs)}
          x2={at(endMs)}
          y1={MIDDLE - 7}
          y2={MIDDLE + 7}
          strokeWidth="3"
          className="stroke-refuse"
        />
      ) : null}
    </svg>
  );
}

/** Each promise as a line in time: when it was made, when it is due, what was recorded, up to the day that is shown. */
export function PromiseChart({
  promises,
  axis,
  asOfMs,
}: {
  readonly promises: readonly StandingPromise[];
  readonly axis: TimeAxis;
  readonly asOfMs: number;
}) {
  return (
    <figure>
      <div className="relative">
        <div aria-hidden="true" className="pointer-events-none absolute inset-0">
          <svg width="100%" height="100%" className="block overflow-visible">
            {ticksOf(axis).map(({ atMs }) => (
              <line
                key={atMs}
                x1={`${percentOn(axis, atMs)}%`}
                x2={`${percentOn(axis, atMs)}%`}
                y1="0"
                y2="100%"
                className="stroke-line"
              />
            ))}
            <line
              x1={`${percentOn(axis, asOfMs)}%`}
              x2={`${percentOn(axis, asOfMs)}%`}
              y1="0"
              y2="100%"
              strokeWidth="1.5"
              className="stroke-accent"
            />
          </svg>
        </div>
        <ul className="relative py-2">
          {promises.map((promise) => (
            <li key={promise.facts.id} className="pb-1">
              <p className="truncate text-sm">
                <Link
                  to="/promises/$id"
                  params={{ id: promise.facts.id }}
                  className="bg-paper pr-2 decoration-line underline-offset-4 hover:text-accent hover:underline"
                >
                  <PromiseTitle id={promise.facts.id} digest={promise.version.body} />
                </Link>
              </p>
              <Line promise={promise} axis={axis} asOfMs={asOfMs} />
            </li>
          ))}
        </ul>
      </div>
      <svg
        aria-hidden="true"
        width="100%"
        height="24"
        className="block overflow-visible border-t border-line text-soft"
      >
        {ticksOf(axis).map(({ atMs, label }) => {
          const percent = percentOn(axis, atMs);
          return (
            <text
              key={atMs}
              x={`${percent}%`}
              y="18"
              textAnchor={percent < 4 ? 'start' : percent > 96 ? 'end' : 'middle'}
              className="fill-current text-[0.8125rem]"
            >
              {label}
            </text>
          );
        })}
      </svg>
      <figcaption className="mt-2 text-sm text-soft">
        A stroke where a promise was made or amended, a box where it is due, a dot where evidence was
        recorded; dotted where its date has passed without it. The text of each is below.
      </figcaption>
    </figure>
  );
}
