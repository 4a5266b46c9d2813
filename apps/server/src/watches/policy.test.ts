import { expect, test } from 'vitest';
import { callerOf } from './policy.ts';
import { HourlyQuota } from './quota.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['2001:db8:1:2::', '2001:db8:1:2'],
])('%s counts as %s', (address, caller) => expect(callerOf(address)).toBe(caller));

test('so often in an hour, and again in the next; others are not held up by it', () => {
  let nowMs = 1_000;
  const quota = new HourlyQuota(2, () => nowMs);
  expect([quota.take('a'), quota.take('a'), quota.take('b')]).toEqual([undefined, undefined, undefined]);
  nowMs += 600_000;
  expect(quota.take('a')).toBe(3_000_000);
  expect(quota.take('b')).toBe(undefined);
  nowMs += 3_000_000;
  expect(quota.take('a')).toBe(undefined);
  // A clock that is set back holds nobody up for long.
  nowMs = 0;
  expect(quota.take('a')).toBe(undefined);
});

test('of callers without end only so many are remembered', () => {
  const quota = new HourlyQuota(1, () => 0);
  for (let caller = 0; caller <= 10_000; caller += 1) quota.take(String(caller));
  expect(quota.take('10000')).toBeGreaterThan(0);
  expect(quota.take('0')).toBe(undefined);
});
