// Text for people. What it quotes may have been written by an attacker for whoever reads the verdict.

// Every runtime we run in has TextDecoder, but the types of this browser-safe package name no runtime.
declare const TextDecoder: new (label: 'utf-8') => { decode(bytes: Uint8Array): string };

const MAX_QUOTE = 600;
const MAX_DATE_MS = 8.64e15;
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

// Controls, separators of lines and paragraphs, and what changes the direction of text or cannot be seen.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Cs}\p{Co}]/gu;

/** One line without characters that move the cursor, reorder or hide text; cut off past `maxLength`. */
export function toPlainText(text: string, maxLength: number): string {
  const line = text.replace(/\s+/g, ' ').replace(UNSAFE, '\ufffd').trim();
  return line.length <= maxLength ? line : `${line.slice(0, maxLength).toWellFormed()}…`;
}

/** The beginning of a public body of text. */
export function quoteBody(body: Uint8Array): string {
  return toPlainText(new TextDecoder('utf-8').decode(body), MAX_QUOTE);
}

/** Whether a time can be written as a date. */
export function isDate(timeMs: number): boolean {
  return Number.isSafeInteger(timeMs) && timeMs >= 0 && timeMs <= MAX_DATE_MS;
}

/** 24 November 2026 at 21:30 UTC. */
export function formatTime(timeMs: number): string {
  if (!isDate(timeMs)) return 'a date that does not exist';
  const date = new Date(timeMs);
  const [hours, minutes] = [date.getUTCHours(), date.getUTCMinutes()].map((n) => String(n).padStart(2, '0'));
  const month = MONTHS[date.getUTCMonth()] ?? '';
  return `${date.getUTCDate()} ${month} ${date.getUTCFullYear()} at ${hours ?? ''}:${minutes ?? ''} UTC`;
}

/** The first digits of a keyid or digest. */
export function shorten(hex: string): string {
  return `${hex.slice(0, 12)}…`;
}

/** a, b and c. */
export function list(items: readonly string[]): string {
  const [last, ...others] = items.toReversed();
  if (last === undefined) return 'nobody';
  return others.length === 0 ? last : `${others.reverse().join(', ')} and ${last}`;
}

/** “1 entry”, “2 entries” */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
