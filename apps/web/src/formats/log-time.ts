/** Log time in words. All times are milliseconds since 1970. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** `24 Nov 2026, 21:40:03 UTC`. */
export function formatUtc(timeMs: number): string {
  const date = new Date(timeMs);
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''} ${date.getUTCFullYear()}`;
  return `${day}, ${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}:${twoDigits(date.getUTCSeconds())} UTC`;
}

/** The same instant in the reader's own zone, with that zone's name. */
export function formatLocal(timeMs: number, timeZone?: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(timeMs);
}

const UNITS = [
  { name: 'day', ms: 86_400_000 },
  { name: 'hour', ms: 3_600_000 },
  { name: 'minute', ms: 60_000 },
  { name: 'second', ms: 1_000 },
] as const;

function inWords(durationMs: number): string {
  const unit = UNITS.find(({ ms }) => durationMs >= ms);
  if (unit === undefined) return 'less than a second';
  const count = Math.floor(durationMs / unit.ms);
  return `${count} ${unit.name}${count === 1 ? '' : 's'}`;
}

/** `3 minutes ago`, `just now`; a time ahead of `nowMs` is said to be so, because clocks differ. */
export function ageInWords(timeMs: number, nowMs: number): string {
  const ageMs = nowMs - timeMs;
  if (Math.abs(ageMs) < 5_000) return 'just now';
  return ageMs > 0 ? `${inWords(ageMs)} ago` : `${inWords(-ageMs)} ahead of your clock`;
}

/** `about 2 minutes left`, in whole units. */
export function remainingInWords(durationMs: number): string {
  return durationMs < 1_000 ? 'almost done' : `about ${inWords(durationMs)} left`;
}
