import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundsOfPeriod, dayInWords } from './index.ts';

const offsets = fc.integer({ min: -12 * 60, max: 14 * 60 }).map((minutes) => {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const two = (part: number): string => String(part).padStart(2, '0');
  return { minutes, text: `${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}` };
});
const years = fc.integer({ min: 1970, max: 2400 });

describe('whatever the year and the distance from UTC', () => {
  test('quarters and months tile the year without a gap, and days the month', () => {
    fc.assert(
      fc.property(years, offsets, fc.integer({ min: 1, max: 12 }), (year, { text }, month) => {
        const tiles = (parts: string[]): void => {
          const bounds = parts.map((part) => boundsOfPeriod(part, text));
          for (const [i, { endMs }] of bounds.entries())
            if (i + 1 < bounds.length) expect(bounds[i + 1]?.startMs).toBe(endMs);
          const whole = { startMs: bounds[0]?.startMs, endMs: bounds.at(-1)?.endMs };
          expect(whole).toEqual(
            boundsOfPeriod(parts[0]?.length === 10 ? parts[0].slice(0, 7) : String(year), text),
          );
        };
        const two = (part: number): string => String(part).padStart(2, '0');
        tiles([1, 2, 3, 4].map((quarter) => `${year}-Q${quarter}`));
        tiles(Array.from({ length: 12 }, (_, i) => `${year}-${two(i + 1)}`));
        const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
        tiles(Array.from({ length: days }, (_, i) => `${year}-${two(month)}-${two(i + 1)}`));
      }),
    );
  });

  test('the distance moves both bounds by itself, eastwards to earlier', () => {
    fc.assert(
      fc.property(years, offsets, (year, { minutes, text }) => {
        const here = boundsOfPeriod(`${year}-Q3`, text);
        const utc = boundsOfPeriod(`${year}-Q3`, '+00:00');
        expect(here).toEqual({
          startMs: utc.startMs - minutes * 60_000,
          endMs: utc.endMs - minutes * 60_000,
        });
      }),
    );
  });

  test('every moment of a day is called by that day', () => {
    fc.assert(
      fc.property(years, offsets, fc.nat(86_399_999), (year, { text }, sinceMidnightMs) => {
        const { startMs } = boundsOfPeriod(`${year}-02-28`, text);
        expect(dayInWords(startMs + sinceMidnightMs, text)).toBe(`28 February ${year}`);
      }),
    );
  });
});
