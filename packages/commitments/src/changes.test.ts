import { describe, expect, test } from 'vitest';
import { amendment, event, eventOf, ms, needs, promise, Teller, withdrawal } from '../test/told.ts';
import { type Change, changesUntil, CommitmentsFold, documentOf } from './index.ts';

const NEVER = Number.MAX_SAFE_INTEGER;
const due = { period: '2018-Q1', precision: 'period', utcOffset: '+00:00' } as const;
const acceptance = needs(eventOf('review'));

function told(...said: readonly (readonly [string, Parameters<Teller['at']>[1]])[]) {
  const teller = new Teller();
  const fold = new CommitmentsFold();
  for (const [time, statement] of said) {
    const one = teller.at(time, statement);
    expect(fold.say(one)).toBeUndefined();
    fold.take(documentOf(one));
  }
  const facts = fold.commitments.get('review');
  if (facts === undefined) throw new TypeError('nothing was promised');
  return facts;
}

const brief = (changes: readonly Change[]): readonly string[] =>
  changes.map(
    ({ atMs, entry, kind }) => `${new Date(atMs).toISOString().slice(0, 10)} ${kind} ${entry.leafIndex}`,
  );

describe('the changes of a commitment', () => {
  test('made, overdue when its date passes, kept by the entry that shows it', () => {
    const facts = told(
      ['2017-10-23', promise({ due, acceptance })],
      ['2018-05-02', event('review', '2018-05-02')],
    );
    expect(brief(changesUntil(facts, NEVER))).toEqual([
      '2017-10-23 made 0',
      '2018-04-01 overdue 0',
      '2018-05-02 kept 1',
    ]);
    expect(brief(changesUntil(facts, ms('2018-03-31')))).toEqual(['2017-10-23 made 0']);
    expect(changesUntil(facts, ms('2017-01-01'))).toEqual([]);
  });

  test('evidence that is not enough is recorded', () => {
    const facts = told(
      ['2017-10-23', promise({ due, acceptance: needs(eventOf('review'), { count: 2 }) })],
      ['2018-01-01', event('review', '2018-01-01')],
      ['2018-02-01', event('review', '2018-02-01')],
    );
    expect(brief(changesUntil(facts, NEVER))).toEqual([
      '2017-10-23 made 0',
      '2018-01-01 recorded 1',
      '2018-02-01 kept 2',
    ]);
  });

  test('an amendment moves the date; what was overdue before it stays told', () => {
    const first = promise({ due, acceptance });
    const facts = told(
      ['2017-10-23', first],
      ['2018-06-01', amendment(first, 2, { due: { ...due, period: '2018-Q4' } })],
      ['2018-07-01', withdrawal(first)],
    );
    expect(brief(changesUntil(facts, NEVER))).toEqual([
      '2017-10-23 made 0',
      '2018-04-01 overdue 0',
      '2018-06-01 amended 1',
      '2018-07-01 withdrawn 2',
    ]);
    expect(changesUntil(facts, NEVER).map(({ standing }) => standing.version)).toEqual([1, 1, 2, 2]);
  });

  test('the later end of what kept it makes it lapse', () => {
    const teller = new Teller();
    const fold = new CommitmentsFold();
    fold.say(teller.at('2017-10-23', promise({ due, acceptance })));
    const shown = documentOf(teller.at('2018-01-01', event('review', '2018-01-01')));
    fold.take(shown);
    const [name = ''] = shown.restsOn;
    fold.end({ name, atMs: ms('2019-01-01'), entry: { ...shown.entry, leafIndex: 7 } });
    const facts = fold.commitments.get('review');
    expect(facts === undefined ? [] : brief(changesUntil(facts, NEVER))).toEqual([
      '2017-10-23 made 0',
      '2018-01-01 kept 1',
      '2019-01-01 lapsed 7',
    ]);
  });
});
