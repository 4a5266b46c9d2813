// Durations as policies and command lines write them: 90s, 15m, 12h, 30d.

import { EvidenceError } from './error.ts';

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/**
 * The milliseconds of `<n>(s|m|h|d)`, n from 1 without leading zeros.
 *
 * @throws EvidenceError `malformed-duration`
 */
export function parseDuration(text: string): number {
  const [, digits, unit] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS.get(unit ?? '');
  if (digits === undefined || unitMs === undefined) {
    throw new EvidenceError(
      'malformed-duration',
      'a duration is a whole number from 1 and one of s, m, h, d: 12h, 30d',
    );
  }
  return Number(digits) * unitMs;
}

/** The inverse of parseDuration, in the largest unit that divides it. */
export function formatDuration(durationMs: number): string {
  for (const [unit, unitMs] of [...UNITS_MS].reverse()) {
    if (durationMs % unitMs === 0) return `${durationMs / unitMs}${unit}`;
  }
  throw new RangeError(`${durationMs} ms is not a number of whole seconds`);
}
