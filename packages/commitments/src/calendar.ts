// Calendar periods as bounds in time, at a fixed distance from UTC: a named zone's rules change, and a view must not.

import type { Due } from '@vitrine/statements';
import { CommitmentError } from './error.ts';

export const DAY_MS = 86_400_000;

/** UTC itself, where nobody has named a distance. */
const UTC = '+00:00';

/** From `startMs` to just before `endMs`, in milliseconds since 1970. */
export interface Bounds {
  readonly startMs: number;
  readonly endMs: number;
}

const PERIOD = /^(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])(?:-(\d{2}))?))?$/;
const OFFSET = /^([+-])(\d{2}):([0-5]\d)$/;
const FURTHEST_WEST_MS = -12 * 3_600_000;
const FURTHEST_EAST_MS = 14 * 3_600_000;

type Precision = 'day' | 'month' | 'quarter' | 'year';

interface Period {
  readonly precision: Precision;
  readonly year: number;
  /** From 0: the first month of a quarter, January of a year. */
  readonly month: number;
  /** From 1. */
  readonly day: number;
}

/**
 * A day, month, quarter or year in ISO 8601 (2018-03-01, 2018-03, 2018-Q1, 2018) at a distance from UTC.
 *
 * @throws CommitmentError `malformed-due` on a period that does not exist, or a distance that no place on Earth has
 */
export function boundsOfPeriod(period: string, utcOffset: string): Bounds {
  const { day, month, precision, year } = parsePeriod(period);
  const offsetMs = parseOffset(utcOffset);
  const months = { day: 0, month: 1, quarter: 3, year: 12 }[precision];
  const end = months === 0 ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + months, 1);
  return { startMs: Date.UTC(year, month, day) - offsetMs, endMs: end - offsetMs };
}

/**
 * When a promise falls due: `endMs` is the end of the last day on which it can be kept in time; undefined where no date was given.
 *
 * @throws CommitmentError `malformed-due`; also when the second of two periods ends before the first begins
 */
export function boundsOfDue(due: Due): Bounds | undefined {
  if (due.precision === 'none') return undefined;
  if (due.precision === 'period') return boundsOfPeriod(due.period, due.utcOffset);
  const { startMs } = boundsOfPeriod(due.from, due.utcOffset);
  const { endMs } = boundsOfPeriod(due.to, due.utcOffset);
  if (endMs <= startMs)
    throw new CommitmentError(
      'malformed-due',
      `it is due between ${due.from} and ${due.to}, which is earlier`,
    );
  return { startMs, endMs };
}

/** The distance from UTC at which a promise counts its days. */
export function offsetOf(due: Due): string {
  return due.precision === 'none' ? UTC : due.utcOffset;
}

/** “on 1 March 2018”, “in March 2018”, “in the first quarter of 2018”, “in 2018”. @throws CommitmentError `malformed-due` */
export function periodInWords(period: string): string {
  const { precision } = parsePeriod(period);
  return `${precision === 'day' ? 'on' : 'in'} ${nameOfPeriod(period)}`;
}

/** “on 1 March 2018”, “in 2020 (the day is not recorded)”: when an event happened, as exactly as it is known. @throws CommitmentError `malformed-due` */
export function happenedInWords(period: string): string {
  const words = periodInWords(period);
  return parsePeriod(period).precision === 'day' ? words : `${words} (the day is not recorded)`;
}

/** “by 1 March 2018”, “in the first quarter of 2018”, “between 2018 and 2020”, “without a date”. @throws CommitmentError `malformed-due` */
export function dueInWords(due: Due): string {
  if (due.precision === 'none') return 'without a date';
  if (due.precision === 'between') return `between ${nameOfPeriod(due.from)} and ${nameOfPeriod(due.to)}`;
  const { precision } = parsePeriod(due.period);
  return `${precision === 'day' ? 'by' : 'in'} ${nameOfPeriod(due.period)}`;
}

/** The day that it was then at this distance from UTC: “13 November 2018”. */
export function dayInWords(atMs: number, utcOffset: string): string {
  const day = new Date(atMs + parseOffset(utcOffset));
  return `${day.getUTCDate()} ${nameOfMonth(day.getUTCMonth())} ${day.getUTCFullYear()}`;
}

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);

function nameOfMonth(month: number): string {
  return MONTHS[month] ?? '';
}

function nameOfPeriod(period: string): string {
  const { day, month, precision, year } = parsePeriod(period);
  switch (precision) {
    case 'day':
      return `${day} ${nameOfMonth(month)} ${year}`;
    case 'month':
      return `${nameOfMonth(month)} ${year}`;
    case 'quarter':
      return `the ${['first', 'second', 'third', 'fourth'][month / 3] ?? ''} quarter of ${year}`;
    case 'year':
      return String(year);
  }
}

function parsePeriod(text: string): Period {
  const [whole, year, quarter, month, day] = PERIOD.exec(text) ?? [];
  if (whole === undefined)
    throw new CommitmentError('malformed-due', `${text} is no day, month, quarter or year`);
  if (day !== undefined && !isDay(Number(year), Number(month), Number(day)))
    throw new CommitmentError('malformed-due', `there is no day ${text}`);
  return {
    precision:
      day !== undefined ? 'day' : month !== undefined ? 'month' : quarter !== undefined ? 'quarter' : 'year',
    year: Number(year),
    month: month !== undefined ? Number(month) - 1 : quarter !== undefined ? 3 * (Number(quarter) - 1) : 0,
    day: Number(day ?? 1),
  };
}

function isDay(year: number, month: number, day: number): boolean {
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function parseOffset(text: string): number {
  const [whole, sign, hours, minutes] = OFFSET.exec(text) ?? [];
  const ms = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  if (whole === undefined || ms < FURTHEST_WEST_MS || ms > FURTHEST_EAST_MS)
    throw new CommitmentError('malformed-due', `${text} is no distance from UTC: −12:00 to +14:00 are`);
  return ms;
}
