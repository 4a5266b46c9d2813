import { expect, test } from 'vitest';
import { cosignedDays } from './cosigned-days.ts';

const at = (text: string): number => Date.parse(`${text}Z`);
const told = (times: readonly string[], from: string, until: string): string =>
  cosignedDays(times.map(at), at(from), at(until))
    .map(({ cosigned }) => (cosigned ? '+' : '-'))
    .join('');

test('a day has a cosignature or it has none', () => {
  expect(told(['2026-01-02T10:00'], '2026-01-01T00:00', '2026-01-04T12:00')).toBe('-+--');
});

test('a day between two cosignatures that are a day and a little apart counts', () => {
  expect(told(['2026-01-01T23:55', '2026-01-03T00:05'], '2026-01-01T00:00', '2026-01-03T12:00')).toBe('+++');
});

test('a day between two that are further apart does not', () => {
  expect(told(['2026-01-01T10:00', '2026-01-03T10:00'], '2026-01-01T00:00', '2026-01-03T12:00')).toBe('+-+');
});

test('nothing is assumed of the last day, nor of times in any order', () => {
  expect(told(['2026-01-02T01:00', '2026-01-01T23:00'], '2026-01-01T00:00', '2026-01-03T00:30')).toBe('++-');
  expect(told([], '2026-01-02T00:00', '2026-01-01T00:00')).toBe('');
});
