/** Days of log time, in UTC, as an address and a slider name them. */

export const DAY_MS = 86_400_000;

/** `2018-04-01`, of the day that holds this time. */
export function isoDay(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** The beginning of a day that is written as `2018-04-01`; undefined for anything else, also for 30 February. */
export function parseIsoDay(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const startMs = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(startMs) || isoDay(startMs) !== text ? undefined : startMs;
}

/** `1 April 2018`. */
export function dayInWords(timeMs: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  }).format(timeMs);
}
