import { describe, expect, test } from 'vitest';
import {
  boundsOfDue,
  boundsOfPeriod,
  CommitmentError,
  dueInWords,
  happenedInWords,
  periodInWords,
} from './index.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

describe('the bounds of a period', () => {
  test.each([
    ['2018-03-01', '+00:00', '2018-03-01T00:00:00.000Z', '2018-03-02T00:00:00.000Z'],
    ['2018-Q1', '+00:00', '2018-01-01T00:00:00.000Z', '2018-04-01T00:00:00.000Z'],
    ['2018-Q2', '+02:00', '2018-03-31T22:00:00.000Z', '2018-06-30T22:00:00.000Z'],
    ['2018-Q3', '-05:00', '2018-07-01T05:00:00.000Z', '2018-10-01T05:00:00.000Z'],
    ['2018-Q4', '+14:00', '2018-09-30T10:00:00.000Z', '2018-12-31T10:00:00.000Z'],
    ['2020-02', '+00:00', '2020-02-01T00:00:00.000Z', '2020-03-01T00:00:00.000Z'],
    ['2020-02-29', '-12:00', '2020-02-29T12:00:00.000Z', '2020-03-01T12:00:00.000Z'],
    ['2019-12', '+05:45', '2019-11-30T18:15:00.000Z', '2019-12-31T18:15:00.000Z'],
    ['2020', '+00:00', '2020-01-01T00:00:00.000Z', '2021-01-01T00:00:00.000Z'],
  ])('%s at %s', (period, offset, start, end) => {
    const { endMs, startMs } = boundsOfPeriod(period, offset);
    expect([iso(startMs), iso(endMs)]).toEqual([start, end]);
  });

  test.each(['2018-02-29', '2018-13', '2018-Q5', '2018-00', '18', '2018-1', '2018-01-1', '2018-01-32', ''])(
    '%j does not exist',
    (period) => expect(() => boundsOfPeriod(period, '+00:00')).toThrow(CommitmentError),
  );

  test.each(['-12:01', '+14:01', '+15:00', 'Z', '+1:00', '+01:60', ''])('no place is %j from UTC', (offset) =>
    expect(() => boundsOfPeriod('2018', offset)).toThrow(CommitmentError),
  );
});

describe('when a promise falls due', () => {
  test('between two years it is due at the end of the second', () => {
    const due = { precision: 'between', from: '2018', to: '2020', utcOffset: '+00:00' } as const;
    expect(boundsOfDue(due)).toEqual({
      startMs: Date.UTC(2018, 0, 1),
      endMs: Date.UTC(2021, 0, 1),
    });
    expect(dueInWords(due)).toBe('between 2018 and 2020');
  });

  test('a second period that ends before the first begins is none', () => {
    expect(() =>
      boundsOfDue({ precision: 'between', from: '2020', to: '2019-12', utcOffset: '+00:00' }),
    ).toThrow('2020 and 2019-12');
  });

  test('without a date it has no bounds', () => expect(boundsOfDue({ precision: 'none' })).toBeUndefined());
});

test.each([
  ['2018-03-01', 'on 1 March 2018'],
  ['2018-03', 'in March 2018'],
  ['2018-Q1', 'in the first quarter of 2018'],
  ['2018-Q4', 'in the fourth quarter of 2018'],
  ['2018', 'in 2018'],
])('%s in words', (period, words) => expect(periodInWords(period)).toBe(words));

test('what happened is told as exactly as it is known, and no more exactly', () => {
  expect(['2018-03-01', '2022-06', '2018-Q1', '2020'].map(happenedInWords)).toEqual([
    'on 1 March 2018',
    'in June 2022 (the day is not recorded)',
    'in the first quarter of 2018 (the day is not recorded)',
    'in 2020 (the day is not recorded)',
  ]);
});
