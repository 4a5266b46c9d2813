/** Log time under clocks that jump, and the order of two logs. */
import { describe, expect, test } from 'vitest';
import { RegistrationClock } from './registration-clock.ts';

function clockAt(startMs: number) {
  const now = { wallMs: startMs, monotonicMs: 0 };
  return { now, clock: { nowMs: () => now.wallMs, monotonicMs: () => now.monotonicMs } };
}

describe('registration time', () => {
  test('follows the wall clock, and stays when that steps back a little', () => {
    const { now, clock } = clockAt(1_000_000);
    const registration = new RegistrationClock(clock, 0);
    registration.advance(registration.read());
    now.wallMs -= 30_000;
    expect(registration.read()).toBe(1_000_000);
  });

  test('is refused while the wall clock is over a minute behind the newest entry', () => {
    const { now, clock } = clockAt(1_000_000);
    const registration = new RegistrationClock(clock, 1_000_000);
    now.wallMs -= 61_000;
    expect(() => registration.read()).toThrow(expect.objectContaining({ code: 'clock-behind' }));
  });

  test('is refused after a leap ahead until the clock has been steady for a minute', () => {
    const { now, clock } = clockAt(1_000_000);
    const registration = new RegistrationClock(clock, 0);
    now.wallMs += 3_600_000;
    expect(() => registration.read()).toThrow(expect.objectContaining({ code: 'clock-jumped' }));
    now.monotonicMs += 60_000;
    now.wallMs += 60_000;
    expect(registration.read()).toBe(4_660_000);
  });

  test('is no earlier than another log has reached, also when the wall clock stepped back', () => {
    const { now, clock } = clockAt(1_000_000);
    const registration = new RegistrationClock(clock, 0);
    registration.raise(1_000_001);
    expect(registration.read()).toBe(1_000_001);
    registration.raise(999_999);
    now.wallMs -= 10_000;
    expect(registration.read()).toBe(1_000_001);
    now.wallMs += 20_000;
    expect(registration.read()).toBe(1_010_000);
  });
});
