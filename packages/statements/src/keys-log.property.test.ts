import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BASE, KEYS_ORIGIN, keysLeaves, ROOT_ORIGIN } from '../test/keys-log-builder.ts';
import { keysLogCases } from '../test/statement-cases.ts';
import { decodeBase64 } from '@vitrine/tlog';
import { admit, advanceKeys, emptyKeysState, foldKeys, type KeysState } from './index.ts';

const runs = (count: number): number =>
  process.env['VITRINE_SOAK'] === undefined ? Math.ceil(count / 50) : count;

const base = await keysLeaves(BASE);
const pool = (await keysLogCases()).flatMap(({ leaves }) => leaves).map(decodeBase64);

describe('the fold of any leaves', () => {
  const leaves = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...pool) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    ),
    { maxLength: 8 },
  );

  test('never throws, and is the same one by one and at once', () => {
    fc.assert(
      fc.property(leaves, (more) => {
        const all = [...base, ...more];
        const { entries, state } = foldKeys(KEYS_ORIGIN, all);
        let step: KeysState = emptyKeysState(KEYS_ORIGIN);
        const steps = all.map((leaf) => {
          const next = advanceKeys(step, leaf);
          step = next.state;
          return next.entry;
        });
        expect(steps).toEqual(entries);
        expect(step).toEqual(state);
      }),
      { numRuns: runs(500) },
    );
  });

  test('does not change the state that it starts from', () => {
    const { state } = foldKeys(KEYS_ORIGIN, base);
    const before = structuredClone(state);
    fc.assert(
      fc.property(leaves, (more) => {
        for (const leaf of more) advanceKeys(state, leaf);
        expect(state).toEqual(before);
      }),
      { numRuns: runs(500) },
    );
  });

  test('an entry that is replayed changes nothing', () => {
    const { state } = foldKeys(KEYS_ORIGIN, base);
    for (const leaf of base) {
      // Dated as of now, as a log that appends it again would.
      const again = leaf.slice();
      again.set(base.at(-1)?.subarray(0, 8) ?? []);
      const { entry, state: next } = advanceKeys(state, again);
      expect(entry.counts).toBe(false);
      expect({ ...next, size: state.size }).toEqual(state);
    }
  });

  test('admission of any bytes never throws', () => {
    const { state } = foldKeys(KEYS_ORIGIN, base);
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom(...pool), fc.uint8Array({ maxLength: 300 })),
        fc.nat(),
        (leaf, leafIndex) => {
          const admission = admit(state, { origin: ROOT_ORIGIN, leafIndex, leaf });
          if (!admission.admitted) expect(admission.reason).not.toBe('');
        },
      ),
      { numRuns: runs(5_000) },
    );
  });
});
