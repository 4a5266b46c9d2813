// How a commitment stands at any time: computed from its facts, set by nobody.

import { EVENT_TYPE } from '@vitrine/statements';
import * as v from 'valibot';
import { DAY_MS, dayInWords, dueInWords, offsetOf, periodInWords } from './calendar.ts';
import { type CommitmentFacts, type CommitmentVersion, type EvidencePiece, promisedAtMs } from './facts.ts';
import { standsAt } from './gathering.ts';

export const COMMITMENT_STATES = [
  'no-date',
  'not-yet-due',
  'due-soon',
  'late',
  'kept',
  'kept-late',
  'withdrawn',
  'lapsed',
  'no-evidence',
] as const;

export type CommitmentState = (typeof COMMITMENT_STATES)[number];

/** A promise is due soon in the 30 days before its last day. */
const SOON_DAYS = 30;

/**
 * Whose time is asked for. `log`: what the page said then, from what had been logged. `world`: what it would have said, had everything been
 * logged on the day on which it was announced or happened.
 */
export type Timeline = 'log' | 'world';

const timeMs = v.pipe(v.number(), v.safeInteger());
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const progressSchema = v.strictObject({ have: whole, of: whole });

/** How a commitment stands at a time. */
export const commitmentStanding = v.strictObject({
  state: v.picklist(COMMITMENT_STATES),
  /** Since when it stands so, in milliseconds. */
  sinceMs: timeMs,
  /** The version in force then. */
  version: whole,
  /** How often it had been amended. */
  amendments: whole,
  /** Whether it was amended after its date had passed and before it was kept. */
  amendedWhenLate: v.boolean(),
  /** Pieces of evidence that stand, of those that are asked for; of each requirement, and of all. */
  requirements: v.array(progressSchema),
  progress: progressSchema,
  /** When everything asked for was shown first. */
  keptAtMs: v.exactOptional(timeMs),
  /** Of what is late or was kept late: begun days after the last day. */
  daysLate: v.exactOptional(whole),
  /** Until the last day, 0 on it. */
  daysLeft: v.exactOptional(whole),
  /** A few words: “due in 30 days”, “late by 12 days”, “kept on 13 November 2018”. */
  clock: v.string(),
  /** One sentence for whoever knows nothing of it. */
  sentence: v.string(),
});

export type Standing = Readonly<v.InferOutput<typeof commitmentStanding>>;
export type Progress = Readonly<v.InferOutput<typeof progressSchema>>;

/** From `fromMs` to just before `untilMs`. */
interface Interval {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What the dates and the evidence say, before it is put into a sentence. */
type Judged = Pick<Standing, 'state' | 'sinceMs' | 'keptAtMs' | 'daysLate' | 'daysLeft' | 'clock'>;

/** A version of a commitment as somebody saw it at a time. */
interface Seen {
  readonly version: CommitmentVersion;
  /** Since when this version holds. */
  readonly fromMs: number;
  readonly asOfMs: number;
  /** For each requirement the pieces that were known. */
  readonly evidence: readonly (readonly EvidencePiece[])[];
}

/** @returns undefined before it was promised */
export function stateAt(
  facts: CommitmentFacts,
  asOfMs: number,
  timeline: Timeline = 'log',
): Standing | undefined {
  const seen = facts.versions
    .map((version) => see(facts, version, asOfMs, timeline))
    .filter(({ fromMs }) => fromMs <= asOfMs);
  const current = seen.at(-1);
  if (current === undefined) return undefined;
  const requirements = progressOf(current);
  const progress = {
    have: requirements.reduce((sum, { have }) => sum + have, 0),
    of: requirements.reduce((sum, one) => sum + one.of, 0),
  };
  const amendedWhenLate = seen.some(({ version }, i) => {
    const next = seen[i + 1];
    return next !== undefined && isOverdue(see(facts, version, next.fromMs, timeline));
  });
  const judged = judge(facts, current);
  const standing = {
    ...judged,
    version: current.version.version,
    amendments: seen.length - 1,
    amendedWhenLate,
    requirements,
    progress,
  };
  return { ...standing, sentence: sentenceOf(standing, current.version) };
}

function see(facts: CommitmentFacts, version: CommitmentVersion, asOfMs: number, timeline: Timeline): Seen {
  const known = ({ atMs, fromMs }: EvidencePiece): boolean => (timeline === 'log' ? atMs : fromMs) <= asOfMs;
  return {
    version,
    fromMs: timeline === 'world' && version.version === 1 ? promisedAtMs(facts) : version.atMs,
    asOfMs,
    evidence: version.evidence.map((pieces) => pieces.filter(known)),
  };
}

function judge({ withdrawal }: CommitmentFacts, seen: Seen): Judged {
  const { asOfMs, fromMs, version } = seen;
  const utcOffset = offsetOf(version.due);
  const dueEndMs = version.dueBounds?.endMs;
  const shown = intervalsShown(seen);
  const keptAtMs = shown[0]?.fromMs;
  const daysLate =
    keptAtMs === undefined || dueEndMs === undefined || keptAtMs < dueEndMs
      ? undefined
      : daysAfter(dueEndMs, keptAtMs);
  const kept = keptAtMs === undefined ? {} : { keptAtMs, ...(daysLate === undefined ? {} : { daysLate }) };
  if (withdrawal !== undefined && withdrawal.atMs <= asOfMs)
    return {
      ...kept,
      state: 'withdrawn',
      sinceMs: withdrawal.atMs,
      clock: `withdrawn on ${dayInWords(withdrawal.atMs, utcOffset)}`,
    };
  const last = shown.at(-1);
  if (keptAtMs !== undefined && last !== undefined) {
    if (last.untilMs <= asOfMs)
      return {
        ...kept,
        state: 'lapsed',
        sinceMs: last.untilMs,
        clock: `lapsed on ${dayInWords(last.untilMs, utcOffset)}`,
      };
    return {
      ...kept,
      state: daysLate === undefined ? 'kept' : 'kept-late',
      sinceMs: last.fromMs,
      clock: `kept ${whenKept(seen, keptAtMs, utcOffset)}${daysLate === undefined ? '' : `, ${days(daysLate)} late`}`,
    };
  }
  if (dueEndMs === undefined) return { state: 'no-date', sinceMs: fromMs, clock: 'no date given' };
  if (asOfMs >= dueEndMs) return overdue(seen, dueEndMs);
  const daysLeft = Math.ceil((dueEndMs - asOfMs) / DAY_MS) - 1;
  const soonMs = dueEndMs - (SOON_DAYS + 1) * DAY_MS;
  return {
    state: daysLeft <= SOON_DAYS ? 'due-soon' : 'not-yet-due',
    sinceMs: daysLeft <= SOON_DAYS ? Math.max(fromMs, soonMs) : fromMs,
    daysLeft,
    clock: daysLeft === 0 ? 'due today' : `due in ${days(daysLeft)}`,
  };
}

function overdue({ asOfMs, evidence, fromMs, version }: Seen, dueEndMs: number): Judged {
  const sinceMs = Math.max(fromMs, dueEndMs);
  const sorts = version.acceptance?.all.flatMap((requirement) => requirement.evidence) ?? [];
  // Of what happens in the world the log knows only what somebody recorded: that nobody did is not that nothing happened.
  if (sorts.every(({ type }) => type === EVENT_TYPE) && evidence.every((pieces) => pieces.length === 0))
    return { state: 'no-evidence', sinceMs, clock: 'no evidence recorded here' };
  const daysLate = daysAfter(dueEndMs, asOfMs);
  return { state: 'late', sinceMs, daysLate, clock: `late by ${days(daysLate)}` };
}

function isOverdue(seen: Seen): boolean {
  const { dueBounds } = seen.version;
  return dueBounds !== undefined && dueBounds.endMs <= seen.asOfMs && intervalsShown(seen).length === 0;
}

/** When everything that is asked for was shown at once, in order, up to `asOfMs`. */
function intervalsShown({ asOfMs, evidence, version }: Seen): readonly Interval[] {
  const counts = version.acceptance?.all.map(({ count }) => count) ?? [];
  if (counts.length === 0) return [];
  const changes = evidence
    .flatMap((pieces, requirement) =>
      pieces.flatMap((piece, i) => {
        const value = piece.value ?? `piece ${i}`;
        const untilMs = Math.min(piece.expiresAtMs ?? Infinity, piece.ended?.atMs ?? Infinity);
        return untilMs <= piece.fromMs
          ? []
          : [
              { atMs: piece.fromMs, by: 1, requirement, value },
              { atMs: untilMs, by: -1, requirement, value },
            ];
      }),
    )
    .filter(({ atMs }) => atMs <= asOfMs)
    .sort((left, right) => left.atMs - right.atMs);
  const standing = counts.map(() => new Map<string, number>());
  const intervals: Interval[] = [];
  let fromMs: number | undefined;
  for (const [i, { atMs, by, requirement, value }] of changes.entries()) {
    const values = standing[requirement];
    const now = (values?.get(value) ?? 0) + by;
    if (now === 0) values?.delete(value);
    else values?.set(value, now);
    // What ends and what begins at one time is one change.
    if (changes[i + 1]?.atMs === atMs) continue;
    const isShown = counts.every((count, at) => (standing[at]?.size ?? 0) >= count);
    if (isShown) fromMs ??= atMs;
    else if (fromMs !== undefined) {
      intervals.push({ fromMs, untilMs: atMs });
      fromMs = undefined;
    }
  }
  if (fromMs !== undefined) intervals.push({ fromMs, untilMs: Infinity });
  return intervals;
}

function progressOf({ asOfMs, evidence, version }: Seen): Progress[] {
  return (version.acceptance?.all ?? []).map(({ count }, i) => {
    const standing = (evidence[i] ?? []).filter((piece) => standsAt(piece, asOfMs));
    const different = new Set(standing.map(({ value }, at) => value ?? `piece ${at}`));
    return { have: Math.min(count, different.size), of: count };
  });
}

/** In the precision in which it is known. */
function whenKept({ evidence }: Seen, keptAtMs: number, utcOffset: string): string {
  const happened = evidence.flat().find((piece) => piece.fromMs === keptAtMs)?.happened;
  return happened === undefined ? `on ${dayInWords(keptAtMs, utcOffset)}` : periodInWords(happened);
}

function sentenceOf(standing: Omit<Standing, 'sentence'>, version: CommitmentVersion): string {
  const { amendments, amendedWhenLate, clock, progress, state } = standing;
  const promised = `Promised ${dueInWords(version.due)}`;
  const soFar = progress.have > 0 ? `; ${progress.have} of ${progress.of} shown` : '';
  const amended =
    amendments === 0
      ? ''
      : ` Amended ${amendments === 1 ? 'once' : `${amendments} times`}${amendedWhenLate ? ', when its date had passed' : ''}.`;
  return `${mainClause()}.${amended}`;

  function mainClause(): string {
    switch (state) {
      case 'no-date':
        return `${promised}${soFar === '' ? '; nothing recorded here shows it yet' : soFar}`;
      case 'kept':
      case 'kept-late':
        return `${promised} and ${clock}`;
      case 'withdrawn':
        return `${promised}, and ${clock}`;
      case 'lapsed':
        return `${promised} and kept once, but what showed it no longer holds: ${clock}`;
      case 'no-evidence':
        return `${promised}: no evidence is recorded here`;
      case 'not-yet-due':
      case 'due-soon':
      case 'late':
        return `${promised}: ${clock}${soFar}`;
    }
  }
}

/** Begun days after the end of the last day. */
function daysAfter(endMs: number, atMs: number): number {
  return Math.floor((atMs - endMs) / DAY_MS) + 1;
}

function days(count: number): string {
  return `${count} ${count === 1 ? 'day' : 'days'}`;
}
