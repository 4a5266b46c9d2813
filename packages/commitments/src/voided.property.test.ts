import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { event, eventOf, LOG, ms, needs, promise, Teller } from '../test/told.ts';
import {
  CommitmentsFold,
  type CommitmentFacts,
  consequencesOf,
  type Standing,
  stateAt,
  voidedEvidenceOf,
} from './index.ts';

const runs = (count: number): number =>
  process.env['VITRINE_SOAK'] === undefined ? Math.ceil(count / 50) : count;

const START_MS = Date.UTC(2026, 0, 1, 12);
const DAY_MS = 86_400_000;
const at = (day: number): string => new Date(START_MS + day * DAY_MS).toISOString();
const REVOCATION = { origin: 'acme.example/keys', leafIndex: 7 };
const cities = ['Zurich', 'Singapore', 'Washington'] as const;

const sayings = fc.array(fc.record({ city: fc.constantFrom(...cities), isStolen: fc.boolean() }), {
  maxLength: 40,
});

interface Case {
  readonly said: readonly { readonly city: string; readonly isStolen: boolean }[];
  /** How many of these were said before the revocation. */
  readonly before: number;
  readonly count: number;
  readonly distinct: boolean;
}

/** @param take what becomes of the evidence that the stolen key signed */
function folded({ before, count, distinct, said }: Case, take: 'left out' | 'taken' | 'voided') {
  const teller = new Teller();
  const fold = new CommitmentsFold();
  const asked = { count, ...(distinct ? { distinctBy: '/city' } : {}) };
  const made = promise({ acceptance: needs(eventOf('opened'), asked) });
  expect(fold.say(teller.at(at(0), made))).toBeUndefined();
  const voided = { atMs: revokedMs(before), entry: REVOCATION };
  for (const [i, { city, isStolen }] of said.entries()) {
    const time = at(1 + i + (i < before ? 0 : 1));
    const told = teller.at(time, event('opened', time.slice(0, 10), { city }));
    // After the revocation nothing of the stolen key is admitted.
    if (isStolen && (take === 'left out' || i >= before)) continue;
    const documents =
      isStolen && take === 'voided'
        ? voidedEvidenceOf(told, voided, new Map())
        : consequencesOf(told, new Map()).documents;
    for (const document of documents) fold.take(document);
  }
  const facts = fold.commitments.get('review');
  if (facts === undefined) throw new TypeError('it was made');
  return facts;
}

const revokedMs = (before: number): number => ms(at(1 + before));

function standing(facts: CommitmentFacts, asOfMs: number): Pick<Standing, 'keptAtMs' | 'sinceMs' | 'state'> {
  const known = stateAt(facts, asOfMs);
  if (known === undefined) throw new TypeError('it was promised');
  const { keptAtMs, sinceMs, state } = known;
  return { sinceMs, state, ...(keptAtMs === undefined ? {} : { keptAtMs }) };
}

describe('evidence under a key that was revoked as compromised', () => {
  test('is history: as before until then, and from then on as if it had never been, but for what had been kept', () => {
    fc.assert(
      fc.property(
        sayings.chain((said) =>
          fc.record({
            said: fc.constant(said),
            before: fc.nat(said.length),
            count: fc.integer({ min: 1, max: 3 }),
            distinct: fc.boolean(),
          }),
        ),
        (one) => {
          const [anew, honest, trusting] = [
            folded(one, 'voided'),
            folded(one, 'left out'),
            folded(one, 'taken'),
          ];
          const endMs = revokedMs(one.before);
          for (let day = 0; day <= one.said.length + 2; day++) {
            const asOfMs = START_MS + day * DAY_MS;
            const now = standing(anew, asOfMs);
            if (asOfMs < endMs) {
              expect(now).toEqual(standing(trusting, asOfMs));
              continue;
            }
            const without = standing(honest, asOfMs);
            const wasKept = standing(trusting, endMs - 1).state === 'kept';
            if (without.state === 'kept') expect(now.state).toBe('kept');
            else expect(now.state).toBe(wasKept ? 'lapsed' : without.state);
            if (now.state === 'lapsed') expect(now.sinceMs).toBe(endMs);
          }
        },
      ),
      { numRuns: runs(5000) },
    );
  });

  test('names the revocation, and keeps its pieces', () => {
    const facts = folded(
      { said: [{ city: 'Zurich', isStolen: true }], before: 1, count: 1, distinct: false },
      'voided',
    );
    expect(facts.versions[0]?.evidence).toMatchObject([
      [
        {
          entry: { origin: LOG, leafIndex: 1 },
          ended: { atMs: revokedMs(1), entry: REVOCATION },
          voided: true,
        },
      ],
    ]);
    expect(stateAt(facts, revokedMs(1))).toMatchObject({ state: 'lapsed' });
  });

  test('had ended before a promise looks back, and shows nothing of it', () => {
    const teller = new Teller();
    const fold = new CommitmentsFold();
    const told = teller.at(at(0), event('opened', '2026-01-01', { city: 'Zurich' }));
    const voided = { atMs: ms(at(1)), entry: REVOCATION };
    for (const document of voidedEvidenceOf(told, voided, new Map())) fold.take(document);
    const acceptance = needs(eventOf('opened'), { retroactive: true });
    fold.say(teller.at(at(2), promise({ acceptance })));
    expect(fold.commitments.get('review')?.versions[0]?.evidence).toEqual([[]]);
  });

  test('does not displace what others showed, however much of it there is', () => {
    const stolen = Array.from({ length: 300 }, () => ({ city: 'Zurich', isStolen: true }));
    const facts = folded(
      { said: [...stolen, { city: 'Zurich', isStolen: false }], before: 301, count: 1, distinct: false },
      'voided',
    );
    const pieces = facts.versions[0]?.evidence[0] ?? [];
    expect(pieces.length).toBeLessThan(40);
    expect(pieces.filter(({ voided }) => voided === undefined)).toHaveLength(1);
    expect(stateAt(facts, revokedMs(400))).toMatchObject({ state: 'kept' });
  });
});
