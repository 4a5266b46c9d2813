import { expect, test } from 'vitest';
import { feedLinksOf } from '../feed-links.ts';
import { dayInWords, isoDay, parseIsoDay } from './calendar-day.ts';

test('a day is read strictly, and written back', () => {
  const startMs = parseIsoDay('2018-04-01');
  expect(startMs).toBe(Date.UTC(2018, 3, 1));
  expect(isoDay(Date.UTC(2018, 3, 1, 23, 59))).toBe('2018-04-01');
  expect(dayInWords(Date.UTC(2018, 3, 1, 23, 59))).toBe('1 April 2018');
});

test.each([undefined, '', '2018-4-1', '2018-02-30', '2018-04-01T00:00', 'yesterday', '99999-01-01'])(
  '%j is no day',
  (text) => expect(parseIsoDay(text)).toBeUndefined(),
);

test('a page offers its own feed, and that of all promises', () => {
  expect(feedLinksOf('/products/larder/2.0').map(({ href }) => href)).toEqual([
    '/feeds/products/larder.atom',
    '/feeds/promises.atom',
  ]);
  expect(feedLinksOf('/products/%zz').map(({ href }) => href)).toEqual(['/feeds/promises.atom']);
});
