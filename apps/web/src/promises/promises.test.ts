import { COMMITMENT_STATES } from '@vitrine/commitments';
import type { CommitmentFacts } from '@vitrine/commitments';
import { describe, expect, test } from 'vitest';
import { STATE_WORDS, tally } from './promise-words.ts';
import { axisOf, percentOn, ticksOf } from './time-axis.ts';
import { wordChanges } from './word-changes.ts';

describe('a tally of states', () => {
  test('is in words, with “and” before the last', () => {
    expect(tally(['late', 'kept', 'not-yet-due', 'kept'])).toBe('2 kept, 1 late and 1 not yet due');
    expect(tally(['no-date'])).toBe('1 without a date');
    expect(tally([])).toBe('');
  });
  test.each(COMMITMENT_STATES)('%s has words and is counted', (state) => {
    expect(STATE_WORDS[state].words).not.toBe('');
    expect(tally([state])).toMatch(/^1 /);
  });
  test('what nobody recorded is not said to have failed', () => {
    expect(STATE_WORDS['no-evidence']).toEqual({ words: 'No evidence recorded here', tone: 'open' });
  });
});

describe('changed words', () => {
  const marked = (older: string, newer: string) =>
    wordChanges(older, newer)?.map(({ text, where }) =>
      where === 'both' ? text : where === 'older' ? `[-${text}-]` : `{+${text}+}`,
    );
  test('are marked, the others are not', () => {
    expect(marked('open by March 2018 in Zurich', 'open by June 2019 in Zurich')?.join('')).toBe(
      'open by [-March 2018 -]{+June 2019 +}in Zurich',
    );
  });
  test('of equal texts there are none', () => expect(marked('the same', 'the same')).toEqual(['the same']));
  test('of an empty text all are new', () => expect(marked('', 'a b')).toEqual(['{+a b+}']));
  test.each([
    ['a  b\n\nc', 'a c\n'],
    ['x y z x y z', 'z y x'],
  ])('each side joins to its text again: %j', (older, newer) => {
    const side = (which: 'older' | 'newer') =>
      wordChanges(older, newer)
        ?.filter(({ where }) => where === 'both' || where === which)
        .map(({ text }) => text)
        .join('');
    expect(side('older')).toBe(older);
    expect(side('newer')).toBe(newer);
  });
  test('very long texts are not compared', () => {
    expect(wordChanges('a '.repeat(1_501), 'b')).toBeNull();
  });
});

describe('the axis of time', () => {
  const day = (text: string): number => Date.parse(`${text}T00:00:00Z`);
  const facts = (made: string, due?: string): CommitmentFacts => ({
    id: 'x',
    digest: 'ab'.repeat(32),
    versions: [
      {
        version: 1,
        digest: 'ab'.repeat(32),
        body: 'cd'.repeat(32),
        atMs: day(made),
        entry: { origin: 'a/statements', leafIndex: 0 },
        signers: [],
        due: { precision: 'none' },
        ...(due === undefined ? {} : { dueBounds: { startMs: day(made), endMs: day(due) } }),
        evidence: [],
      },
    ],
  });

  test('reaches from the first promise to the last date, or to now', () => {
    const axis = axisOf([facts('2017-10-23', '2021-01-01'), facts('2018-01-01')], day('2018-04-01'));
    expect(axis.startMs).toBeLessThan(day('2017-10-23'));
    expect(axis.endMs).toBeGreaterThan(day('2021-01-01'));
    expect(axisOf([facts('2017-10-23')], day('2026-01-01')).endMs).toBeGreaterThan(day('2026-01-01'));
  });
  test('has room although everything is of one day', () => {
    const axis = axisOf([facts('2017-10-23')], day('2017-10-23'));
    expect(percentOn(axis, day('2017-10-23'))).toBe(50);
  });
  test('never shows what lies outside beyond its edges', () => {
    const axis = { startMs: 0, endMs: 100 };
    expect([percentOn(axis, -5), percentOn(axis, 25), percentOn(axis, 1000)]).toEqual([0, 25, 100]);
  });
  test.each([
    ['2017-10-20', '2026-02-01', ['2018', '2020', '2022', '2024', '2026']],
    ['2017-10-20', '2021-02-01', ['2018', '2019', '2020', '2021']],
    ['2018-01-10', '2018-05-02', ['Feb', 'Mar', 'Apr', 'May']],
    ['2018-01-10', '2018-01-14', ['10 January 2018', '14 January 2018']],
    ['1970-01-02', '2970-01-01', ['2000', '2500']],
  ])('is marked sparsely from %s to %s', (start, end, labels) => {
    expect(ticksOf({ startMs: day(start), endMs: day(end) }).map(({ label }) => label)).toEqual(labels);
  });
});
