import { RELEASE_TYPE, releaseStatement, withdrawalStatement } from '@vitrine/statements';
import { describe, expect, test } from 'vitest';
import {
  amendment,
  DIGEST,
  event,
  eventOf,
  LOG,
  ms,
  needs,
  promise,
  Teller,
  withdrawal,
} from '../test/told.ts';
import {
  CENTRE_COSIGNING_TYPE,
  CommitmentsFold,
  type CommitmentFacts,
  consequencesOf,
  type EvidenceDocument,
  type Standing,
  stateAt,
  type Timeline,
  type Told,
} from './index.ts';

/** Tells a fold everything that a statement of the root log is. */
function tell(fold: CommitmentsFold, told: Told): string | undefined {
  const refusal = fold.say(told);
  if (refusal !== undefined) return refusal.code;
  const { documents, ends } = consequencesOf(told, new Map());
  for (const document of documents) fold.take(document);
  for (const end of ends) fold.end(end);
  return undefined;
}

function factsOf(fold: CommitmentsFold, id = 'review'): CommitmentFacts {
  const facts = fold.commitments.get(id);
  if (facts === undefined) throw new Error(`no commitment ${id}`);
  return facts;
}

function standing(fold: CommitmentsFold, at: string, timeline?: Timeline): Standing {
  const found = stateAt(factsOf(fold), ms(at), timeline);
  if (found === undefined) throw new Error('not promised yet');
  return found;
}

const firstQuarter = { precision: 'period', period: '2026-Q1', utcOffset: '+00:00' } as const;

/** A fold with one commitment, made on 1 January 2026. */
function made(more: Parameters<typeof promise>[0]) {
  const teller = new Teller();
  const fold = new CommitmentsFold();
  const commitment = promise(more);
  expect(tell(fold, teller.at('2026-01-01T12:00:00Z', commitment))).toBeUndefined();
  const say = (time: string, statement: Told['statement']): string | undefined =>
    tell(fold, teller.at(time, statement));
  return { commitment, fold, say, teller };
}

describe('the clock of a promise', () => {
  const { fold, say } = made({ due: firstQuarter, acceptance: needs(eventOf('published')) });
  say('2026-02-01T00:00:00Z', event('something-else', '2026-02-01'));

  test.each([
    ['2026-01-01T12:00:00Z', 'not-yet-due', 'due in 89 days', '2026-01-01T12:00:00Z'],
    ['2026-02-28T23:59:59Z', 'not-yet-due', 'due in 31 days', '2026-01-01T12:00:00Z'],
    ['2026-03-01T00:00:00Z', 'due-soon', 'due in 30 days', '2026-03-01T00:00:00Z'],
    ['2026-03-30T12:00:00Z', 'due-soon', 'due in 1 day', '2026-03-01T00:00:00Z'],
    ['2026-03-31T23:59:59.999Z', 'due-soon', 'due today', '2026-03-01T00:00:00Z'],
    ['2026-04-01T00:00:00Z', 'no-evidence', 'no evidence recorded here', '2026-04-01T00:00:00Z'],
  ])('at %s: %s, %s', (at, state, clock, since) => {
    expect(standing(fold, at)).toMatchObject({ state, clock, sinceMs: ms(since) });
  });

  test('before it was made there is nothing', () => {
    expect(stateAt(factsOf(fold), ms('2026-01-01T11:59:59Z'))).toBeUndefined();
  });

  test('said in one sentence', () => {
    expect(standing(fold, '2026-03-01T00:00:00Z').sentence).toBe(
      'Promised in the first quarter of 2026: due in 30 days.',
    );
    expect(standing(fold, '2026-04-01T00:00:00Z').sentence).toBe(
      'Promised in the first quarter of 2026: no evidence is recorded here.',
    );
  });
});

test('a promise that a statement of the log would keep is late when there is none', () => {
  const { fold } = made({
    due: firstQuarter,
    acceptance: needs({ by: 'vendor', type: RELEASE_TYPE, schema: {} }),
  });
  expect(standing(fold, '2026-04-01T00:00:00Z')).toMatchObject({
    state: 'late',
    daysLate: 1,
    clock: 'late by 1 day',
  });
  expect(standing(fold, '2026-04-12T23:00:00Z')).toMatchObject({
    state: 'late',
    daysLate: 12,
    sentence: 'Promised in the first quarter of 2026: late by 12 days.',
  });
});

test('the last day ends where the promise says', () => {
  const due = { precision: 'period', period: '2026-03-31', utcOffset: '-05:00' } as const;
  const { fold } = made({ due, acceptance: needs({ by: 'vendor', type: RELEASE_TYPE, schema: {} }) });
  expect(standing(fold, '2026-04-01T04:59:59Z').clock).toBe('due today');
  expect(standing(fold, '2026-04-01T05:00:00Z').clock).toBe('late by 1 day');
});

describe('kept', () => {
  test('on the last day is in time, whenever it was recorded', () => {
    const { fold, say } = made({ due: firstQuarter, acceptance: needs(eventOf('published')) });
    say('2026-04-20T00:00:00Z', event('published', '2026-03-31'));
    expect(standing(fold, '2026-04-19T00:00:00Z').state).toBe('no-evidence');
    expect(standing(fold, '2026-04-20T00:00:00Z')).toMatchObject({
      state: 'kept',
      keptAtMs: ms('2026-03-31'),
      clock: 'kept on 31 March 2026',
      sentence: 'Promised in the first quarter of 2026 and kept on 31 March 2026.',
    });
  });

  test('a day later is late', () => {
    const { fold, say } = made({ due: firstQuarter, acceptance: needs(eventOf('published')) });
    say('2026-04-20T00:00:00Z', event('published', '2026-04-12'));
    expect(standing(fold, '2026-05-01')).toMatchObject({
      state: 'kept-late',
      daysLate: 12,
      clock: 'kept on 12 April 2026, 12 days late',
    });
  });

  test('in a year of which nobody knows the day counts from its last day', () => {
    const { fold, say } = made({ due: firstQuarter, acceptance: needs(eventOf('published')) });
    say('2027-02-01T00:00:00Z', event('published', '2026'));
    expect(standing(fold, '2027-03-01')).toMatchObject({
      state: 'kept-late',
      clock: 'kept in 2026, 275 days late',
    });
  });

  test('without a date', () => {
    const { fold, say } = made({ acceptance: needs(eventOf('published')) });
    expect(standing(fold, '2026-01-02')).toMatchObject({ state: 'no-date', clock: 'no date given' });
    say('2026-02-01T00:00:00Z', event('published', '2026-02-01'));
    expect(standing(fold, '2026-02-02')).toMatchObject({ state: 'kept' });
  });

  test('not by what is told before it happened, nor by what happened before the promise', () => {
    const { fold, say } = made({ acceptance: needs(eventOf('published')) });
    say('2026-02-01T00:00:00Z', event('published', '2026-02-02'));
    say('2026-02-01T00:00:00Z', event('published', '2025-12-31'));
    expect(standing(fold, '2026-03-01').state).toBe('no-date');
    say('2026-02-01T00:00:00Z', event('published', '2026-01-01'));
    expect(standing(fold, '2026-03-01').state).toBe('kept');
  });

  test('by what was before, when it says so', () => {
    const teller = new Teller();
    const fold = new CommitmentsFold();
    tell(fold, teller.at('2025-06-01', event('published', '2025-06-01')));
    tell(
      fold,
      teller.at('2026-01-01', promise({ acceptance: needs(eventOf('published'), { retroactive: true }) })),
    );
    expect(standing(fold, '2026-01-01')).toMatchObject({ state: 'kept', keptAtMs: ms('2025-06-01') });
  });

  test('only by evidence about the same product', () => {
    const { fold, say } = made({ product: 'engine', acceptance: needs(eventOf('published')) });
    say('2026-02-01', event('published', '2026-02-01', {}, 'other'));
    say('2026-02-01', event('published', '2026-02-01'));
    expect(standing(fold, '2026-03-01').state).toBe('no-date');
    say('2026-02-02', event('published', '2026-02-01', {}, 'engine'));
    expect(standing(fold, '2026-03-01').state).toBe('kept');
  });

  test('when every requirement is met, with as many different pieces as it asks for', () => {
    const { fold, say } = made({
      due: firstQuarter,
      acceptance: {
        all: [
          { count: 1, evidence: [eventOf('published')], words: 'published' },
          { count: 2, distinctBy: '/city', evidence: [eventOf('opened')], words: 'two cities' },
        ],
      },
    });
    say('2026-02-01', event('opened', '2026-02-01', { city: 'Zurich' }));
    say('2026-02-02', event('opened', '2026-02-02', { city: 'Zurich' }));
    say('2026-02-03', event('opened', '2026-02-03'));
    expect(standing(fold, '2026-02-28')).toMatchObject({
      state: 'not-yet-due',
      progress: { have: 1, of: 3 },
    });
    say('2026-03-01', event('published', '2026-03-01'));
    expect(standing(fold, '2026-03-02').sentence).toBe(
      'Promised in the first quarter of 2026: due in 29 days; 2 of 3 shown.',
    );
    expect(standing(fold, '2026-04-02')).toMatchObject({ state: 'late', daysLate: 2 });
    say('2026-04-03', event('opened', '2026-04-03', { city: 'Singapore' }));
    expect(standing(fold, '2026-04-04')).toMatchObject({
      state: 'kept-late',
      daysLate: 3,
      keptAtMs: ms('2026-04-03'),
    });
  });
});

describe('evidence that ends', () => {
  const release = releaseStatement({
    artifacts: { count: 1, list: DIGEST },
    log: LOG,
    product: 'engine',
    source: { files: 1, manifest: DIGEST, root: DIGEST },
    version: '1.0',
  });

  test('a withdrawn release: the promise lapses, and its history stays', () => {
    const { fold, say, teller } = made({
      due: firstQuarter,
      acceptance: needs({ by: 'vendor', type: RELEASE_TYPE, schema: {} }),
    });
    const told = teller.at('2026-02-01', release);
    tell(fold, told);
    say(
      '2026-05-01',
      withdrawalStatement({
        log: LOG,
        product: 'engine',
        version: '1.0',
        release: told.payloadDigest,
        reason: { digest: DIGEST },
      }),
    );
    expect(standing(fold, '2026-04-30')).toMatchObject({ state: 'kept', keptAtMs: ms('2026-02-01') });
    expect(standing(fold, '2026-05-02')).toMatchObject({
      state: 'lapsed',
      sinceMs: ms('2026-05-01'),
      keptAtMs: ms('2026-02-01'),
      clock: 'lapsed on 1 May 2026',
    });
    const { payloadDigest: _, ...again } = teller.at('2026-06-01', release);
    tell(fold, { ...again, payloadDigest: 'ef'.repeat(32) });
    expect(standing(fold, '2026-06-02')).toMatchObject({
      state: 'kept',
      sinceMs: ms('2026-06-01'),
      keptAtMs: ms('2026-02-01'),
    });
  });

  const cosigning = (at: string, city = 'Singapore', region = 'Asia'): EvidenceDocument => ({
    type: CENTRE_COSIGNING_TYPE,
    atMs: ms(at),
    by: { keyids: ['11'.repeat(32)], vendor: false },
    data: { city, kind: 'witness', region },
    expiresAtMs: ms(at) + 2 * 86_400_000,
    entry: { origin: LOG, leafIndex: ms(at) },
    restsOn: [`centre ${city}`],
  });
  const asia = needs({
    by: 'anyone',
    type: CENTRE_COSIGNING_TYPE,
    schema: { properties: { region: { const: 'Asia' } }, required: ['region'] },
  });

  test('a centre that stops cosigning: it lapses two days later', () => {
    const { fold } = made({ due: firstQuarter, acceptance: asia });
    fold.take(cosigning('2026-01-31', 'Zurich', 'Europe'));
    for (const day of ['2026-02-01', '2026-02-02', '2026-02-03']) fold.take(cosigning(day));
    expect(factsOf(fold).versions[0]?.evidence[0]).toHaveLength(1);
    expect(standing(fold, '2026-02-04T23:59:59Z')).toMatchObject({
      state: 'kept',
      sinceMs: ms('2026-02-01'),
    });
    expect(standing(fold, '2026-02-05')).toMatchObject({ state: 'lapsed', sinceMs: ms('2026-02-05') });
    fold.take(cosigning('2026-02-10'));
    expect(standing(fold, '2026-02-10')).toMatchObject({
      state: 'kept',
      sinceMs: ms('2026-02-10'),
      keptAtMs: ms('2026-02-01'),
    });
    expect(standing(fold, '2026-02-07').state).toBe('lapsed');
  });

  test('a centre that says it closed ends it at once', () => {
    const { fold } = made({ due: firstQuarter, acceptance: asia });
    fold.take(cosigning('2026-02-01'));
    fold.end({
      name: 'centre Singapore',
      atMs: ms('2026-02-01T06:00:00Z'),
      entry: { origin: LOG, leafIndex: 9 },
    });
    expect(standing(fold, '2026-02-01T05:59:59Z').state).toBe('kept');
    expect(standing(fold, '2026-02-01T06:00:00Z').state).toBe('lapsed');
  });

  test('a year of daily evidence stays one piece, and a flood is bounded', () => {
    const { fold } = made({ acceptance: asia });
    for (let day = 0; day < 365; day++)
      fold.take(cosigning(new Date(ms('2026-02-01') + day * 86_400_000).toISOString()));
    expect(factsOf(fold).versions[0]?.evidence[0]).toHaveLength(1);
    const { fold: flooded, say } = made({
      acceptance: needs(eventOf('opened'), { count: 2, distinctBy: '/city' }),
    });
    for (let i = 0; i < 500; i++)
      say('2026-02-01', event('opened', '2026-02-01', { city: 'Zurich', note: i }));
    say('2026-02-01', event('opened', '2026-02-01', { city: 'Singapore' }));
    expect(factsOf(flooded).versions[0]?.evidence[0]).toHaveLength(3);
    expect(standing(flooded, '2026-02-02').state).toBe('kept');
  });
});

describe('amended', () => {
  test('the old words stay, evidence for what is asked for as before counts on', () => {
    const { commitment, fold, say } = made({
      due: firstQuarter,
      acceptance: needs(eventOf('opened'), { count: 2 }),
    });
    say('2026-02-01', event('opened', '2026-02-01'));
    const later = { precision: 'period', period: '2026-Q2', utcOffset: '+00:00' } as const;
    expect(
      say('2026-03-01', amendment(commitment, 2, { due: later, body: { digest: 'ee'.repeat(32) } })),
    ).toBeUndefined();
    expect(factsOf(fold).versions.map(({ body }) => body)).toEqual([DIGEST, 'ee'.repeat(32)]);
    expect(standing(fold, '2026-04-15')).toMatchObject({
      state: 'not-yet-due',
      amendments: 1,
      amendedWhenLate: false,
      progress: { have: 1, of: 2 },
      sentence: 'Promised in the second quarter of 2026: due in 76 days; 1 of 2 shown. Amended once.',
    });
    expect(standing(fold, '2026-02-15')).toMatchObject({ version: 1, amendments: 0 });
  });

  test('evidence of before is judged by what is asked for now', () => {
    const { commitment, fold, say } = made({ acceptance: needs(eventOf('opened')) });
    say('2026-02-01', event('opened', '2026-02-01'));
    say('2026-02-02', event('published', '2026-02-02'));
    say('2026-03-01', amendment(commitment, 2, { acceptance: needs(eventOf('published')) }));
    expect(standing(fold, '2026-03-01')).toMatchObject({ state: 'kept', keptAtMs: ms('2026-02-02') });
    expect(standing(fold, '2026-02-15')).toMatchObject({ state: 'kept', keptAtMs: ms('2026-02-01') });
  });

  test('when the date had passed, which is said', () => {
    const { commitment, fold, say } = made({ due: firstQuarter, acceptance: needs(eventOf('published')) });
    const later = { precision: 'period', period: '2026-Q4', utcOffset: '+00:00' } as const;
    say('2026-05-01', amendment(commitment, 2, { due: later }));
    expect(standing(fold, '2026-05-02')).toMatchObject({
      state: 'not-yet-due',
      amendedWhenLate: true,
      sentence:
        'Promised in the fourth quarter of 2026: due in 243 days. Amended once, when its date had passed.',
    });
    expect(standing(fold, '2026-04-30').state).toBe('no-evidence');
  });
});

test('withdrawn, for good', () => {
  const { commitment, fold, say } = made({ due: firstQuarter, acceptance: needs(eventOf('published')) });
  expect(say('2026-02-01', withdrawal(commitment))).toBeUndefined();
  say('2026-02-02', event('published', '2026-02-02'));
  expect(standing(fold, '2026-01-31').state).toBe('not-yet-due');
  expect(standing(fold, '2026-05-01')).toMatchObject({
    state: 'withdrawn',
    sinceMs: ms('2026-02-01'),
    sentence: 'Promised in the first quarter of 2026, and withdrawn on 1 February 2026.',
  });
});

describe('what counts for nothing', () => {
  const day = (period: string) => ({ precision: 'period', period, utcOffset: '+00:00' }) as const;

  test.each([
    ['id-taken', promise({ body: { digest: 'ee'.repeat(32) } })],
    ['due-before-made', promise({ id: 'other', due: day('2025-12-31') })],
    ['due-before-made', promise({ id: 'other', due: day('2017-09'), announced: '2017-10-23' })],
    ['announced-later', promise({ id: 'other', announced: '2026-02-01' })],
    ['malformed-due', promise({ id: 'other', due: { ...day('2027'), utcOffset: '-13:00' } })],
    [
      'malformed-due',
      promise({ id: 'other', due: { precision: 'between', from: '2028', to: '2027', utcOffset: '+00:00' } }),
    ],
    [
      'malformed-acceptance',
      promise({ id: 'other', acceptance: needs({ ...eventOf('x'), schema: { pattern: 'x' } }) }),
    ],
    [
      'impossible-acceptance',
      promise({ id: 'other', acceptance: needs({ ...eventOf('x'), schema: { enum: [] } }) }),
    ],
  ])('%s', (code, statement) => {
    expect(made({}).say('2026-01-02', statement)).toBe(code);
  });

  test('a promise may be logged long after it was announced', () => {
    const { say } = made({});
    expect(
      say('2026-01-02', promise({ id: 'other', due: day('2018-Q1'), announced: '2017-10-23' })),
    ).toBeUndefined();
  });

  test('amendments and withdrawals of what there is not, by another product, in a wrong version, after the end', () => {
    const { commitment, fold, say } = made({ product: 'engine', due: day('2026-06-30') });
    const unknown = promise({ id: 'unknown', product: 'engine' });
    expect(say('2026-01-02', amendment(unknown, 2))).toBe('unknown-commitment');
    expect(say('2026-01-02', withdrawal(unknown, 'engine'))).toBe('unknown-commitment');
    expect(
      say('2026-01-02', amendment(promise({ product: 'engine', body: { digest: 'ee'.repeat(32) } }), 2)),
    ).toBe('unknown-commitment');
    expect(say('2026-01-02', amendment(commitment, 2, { product: 'other' }))).toBe('other-product');
    expect(say('2026-01-02', withdrawal(commitment))).toBe('other-product');
    expect(say('2026-01-02', amendment(commitment, 3))).toBe('wrong-version');
    expect(say('2026-01-02', amendment(commitment, 2, { due: day('2026-01-01') }))).toBe('due-before-made');
    expect(say('2026-07-02', amendment(commitment, 2))).toBeUndefined();
    expect(say('2026-07-03', withdrawal(commitment, 'engine'))).toBeUndefined();
    expect(say('2026-07-04', withdrawal(commitment, 'engine'))).toBe('already-withdrawn');
    expect(say('2026-07-04', amendment(commitment, 3))).toBe('already-withdrawn');
    expect(factsOf(fold).versions).toHaveLength(2);
  });
});

test('in the time of the world a promise of 2017 reads as it would have read then', () => {
  const { fold, say } = made({
    announced: '2017-10-23',
    due: { precision: 'between', from: '2018', to: '2020', utcOffset: '+00:00' },
    acceptance: needs(eventOf('centre-opened'), { count: 2 }),
  });
  say('2026-01-02', event('centre-opened', '2018-11-13'));
  say('2026-01-02', event('centre-opened', '2020'));
  expect(stateAt(factsOf(fold), ms('2017-10-22'), 'world')).toBeUndefined();
  expect(standing(fold, '2017-10-23', 'world')).toMatchObject({ state: 'not-yet-due' });
  expect(standing(fold, '2018-11-12', 'world').progress).toEqual({ have: 0, of: 2 });
  expect(standing(fold, '2018-11-13', 'world').progress).toEqual({ have: 1, of: 2 });
  expect(standing(fold, '2026-01-02')).toMatchObject({ state: 'kept', clock: 'kept in 2020' });
});
