import { expect, test } from 'vitest';
import { GIVE_UP_AFTER_MS, pauseMsAfter } from './schedule.ts';

test('pauses grow to six hours, within a fifth', () => {
  const pauses = Array.from({ length: 10 }, (_, at) => pauseMsAfter(at + 1, undefined, 0.5));
  expect(pauses.slice(0, 6)).toEqual([5_000, 20_000, 80_000, 320_000, 1_280_000, 5_120_000]);
  expect(pauses.at(-1)).toBe(6 * 3_600_000);
  expect(pauseMsAfter(1, undefined, 0)).toBe(4_000);
  expect(pauseMsAfter(1, undefined, 1)).toBe(6_000);
  expect(pauseMsAfter(Number.MAX_SAFE_INTEGER, undefined, 0.5)).toBe(6 * 3_600_000);
});

test('a receiver may ask for more patience, up to a day, and not for less', () => {
  expect(pauseMsAfter(1, 60, 0.5)).toBe(60_000);
  expect(pauseMsAfter(1, 1, 0.5)).toBe(5_000);
  expect(pauseMsAfter(1, 999_999, 0.5)).toBe(24 * 3_600_000);
});

test('a receiver that is away for a weekend is still told', () => {
  let passedMs = 0;
  let attempts = 1;
  while (passedMs < GIVE_UP_AFTER_MS) passedMs += pauseMsAfter(attempts++, undefined, 0.5);
  expect(passedMs).toBeGreaterThan(2 * 24 * 3_600_000);
  expect(attempts).toBeGreaterThan(15);
});
