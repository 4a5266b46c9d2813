/** The axis of a timeline: which stretch of log time it shows, and where a time lies on it. */
import type { CommitmentFacts } from '@vitrine/commitments';
import { DAY_MS, dayInWords } from '../formats/calendar-day.ts';

export interface TimeAxis {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Tick {
  readonly atMs: number;
  readonly label: string;
}

/** So many labels stand side by side on a phone. */
const MAX_TICKS = 6;

/** From the first promise to the last date that is promised, or to now when that is later; with a margin on both sides. */
export function axisOf(commitments: readonly CommitmentFacts[], nowMs: number): TimeAxis {
  const times = commitments.flatMap(({ versions }) =>
    versions.flatMap(({ atMs, dueBounds }) => [atMs, dueBounds?.endMs ?? atMs]),
  );
  const startMs = Math.min(nowMs, ...times);
  const endMs = Math.max(nowMs, ...times);
  const marginMs = Math.max(3 * DAY_MS, (endMs - startMs) * 0.02);
  return { startMs: startMs - marginMs, endMs: endMs + marginMs };
}

/** From 0 at the start to 100 at the end; what lies outside stands at the edge. */
export function percentOn({ endMs, startMs }: TimeAxis, timeMs: number): number {
  const share = (timeMs - startMs) / (endMs - startMs);
  return Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 100;
}

/** Beginnings of years, or of months on a short axis, not more than there is room for; its two ends when it has none. */
export function ticksOf({ endMs, startMs }: TimeAxis): readonly Tick[] {
  const first = new Date(startMs);
  const months = monthsBetween(startMs, endMs);
  const stepMonths =
    [1, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000].find((step) => months / step <= MAX_TICKS) ?? 12_000;
  const start = Math.ceil((first.getUTCFullYear() * 12 + first.getUTCMonth() + 1) / stepMonths) * stepMonths;
  const ticks = Array.from({ length: MAX_TICKS + 1 }, (_, at) => start + at * stepMonths)
    .map((month) => ({ atMs: Date.UTC(Math.floor(month / 12), month % 12, 1), month: month % 12 }))
    .filter(({ atMs }) => atMs < endMs)
    .map(({ atMs, month }) => ({ atMs, label: labelOf(atMs, month, stepMonths) }));
  return ticks.length > 0 ? ticks : [startMs, endMs].map((atMs) => ({ atMs, label: dayInWords(atMs) }));
}

function monthsBetween(startMs: number, endMs: number): number {
  return (endMs - startMs) / (30.44 * DAY_MS);
}

function labelOf(atMs: number, month: number, stepMonths: number): string {
  const year = String(new Date(atMs).getUTCFullYear());
  if (stepMonths >= 12) return year;
  const name = new Intl.DateTimeFormat('en-GB', { month: 'short', timeZone: 'UTC' }).format(atMs);
  return month === 0 ? `${name} ${year}` : name;
}
