/** What SQLite finds is what fits, as projection/word-index.ts says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ReadModelStore } from '../../projection/read-model-store.ts';
import { foldedText, isCalled, wordsOf } from '../../projection/word-index.ts';
import type { NameQuery, Named } from '../../projection/word-index.ts';
import { openReadModels } from './read-models.ts';
import { sqliteWordIndex } from './word-index.ts';

let folder: string;
let store: ReadModelStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-words-'));
  store = openReadModels(folder);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

/** Calls `use` with how to search an index of these names. */
async function indexed(
  names: readonly Named[],
  use: (find: (query: NameQuery, order?: 'asc' | 'desc') => Promise<number[]>) => Promise<void>,
): Promise<void> {
  const copy = await store.create();
  await copy.db.transaction().execute(async (tx) => {
    await sqliteWordIndex.createTables(tx);
    for (const [leafIndex, named] of names.entries()) await sqliteWordIndex.add(tx, leafIndex, named);
  });
  await use((query, order = 'asc') =>
    sqliteWordIndex.find(copy.db, query, { above: -1, below: names.length, order, limit: names.length + 1 }),
  );
  await store.remove(copy);
}

const piece = fc.constantFrom(
  'lar',
  'der',
  'Der',
  '2',
  '10',
  'rc',
  'é',
  'e\u0301',
  'ﬁ',
  'K',
  '𝕏',
  '面',
  '%',
  '"',
  '*',
);
const text = fc
  .array(fc.tuple(piece, fc.constantFrom('', '', '-', '.', '_', ' ', '\u0002', '\u0003')), {
    minLength: 1,
    maxLength: 5,
  })
  .map((pieces) => pieces.flat().join(''));
// The schemas of products and versions let no control character through: an index may use them for itself.
const plain = text.map((some) => some.replaceAll(/\p{Cc}/gu, '')).filter((some) => some !== '');
const named = fc.record({ product: plain, version: plain, name: fc.option(text) });

test('a search finds exactly what fits, in order, between its bounds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(named, { minLength: 1, maxLength: 12 }),
      fc.array(text, { maxLength: 3 }),
      fc.option(fc.nat(11), { nil: undefined }),
      async (names, typed, wholeOf) => {
        const chosen = wholeOf === undefined ? undefined : names[wholeOf];
        const queries: NameQuery[] = [
          { words: wordsOf(typed.join(' ')) },
          { words: wordsOf(typed.join(' ').slice(0, 4)), product: chosen?.product },
          { words: [], version: chosen?.version },
        ];
        await indexed(names, async (find) => {
          for (const query of queries) {
            const fits = [...names.keys()].filter((at) => {
              const one = names[at];
              return one !== undefined && isCalled(one, query);
            });
            expect(await find(query)).toEqual(fits);
            expect(await find(query, 'desc')).toEqual(fits.toReversed());
          }
        });
      },
    ),
    { numRuns: process.env['VITRINE_SOAK'] === undefined ? 40 : 2000 },
  );
});

test('bounds are exclusive, and a limit keeps the first in the order asked for', async () => {
  const names = Array.from({ length: 20 }, (_, at) => ({
    product: 'larder',
    version: `1.${at}`,
    name: null,
  }));
  const copy = await store.create();
  await copy.db.transaction().execute(async (tx) => {
    await sqliteWordIndex.createTables(tx);
    for (const [at, one] of names.entries()) await sqliteWordIndex.add(tx, at * 10, one);
  });
  const find = (above: number, below: number, order: 'asc' | 'desc', limit: number) =>
    sqliteWordIndex.find(copy.db, { words: ['arde'] }, { above, below, order, limit });
  expect(await find(50, 90, 'asc', 9)).toEqual([60, 70, 80]);
  expect(await find(50, 90, 'desc', 2)).toEqual([80, 70]);
  expect(await find(50, 60, 'desc', 2)).toEqual([]);
  expect(await find(-1, Number.MAX_SAFE_INTEGER, 'desc', 1)).toEqual([190]);
});

test('words: three characters anywhere, fewer where a part begins, products and versions whole', () => {
  const larder: Named = { product: 'larder', version: '2.10.0-RC1', name: 'Larder_2.10.0_amd64.deb' };
  const fits = (typed: string, rest: Partial<NameQuery> = {}): boolean =>
    isCalled(larder, { words: wordsOf(typed), ...rest });
  expect(
    ['ARD', 'arder', '10.0-rc1', 'rc', 'am', '2', '1', 'deb larder'].filter((typed) => !fits(typed)),
  ).toEqual([]);
  expect(['md', '0-', 'b', '%', 'larderx', 'deb pantry'].filter((typed) => fits(typed))).toEqual([]);
  expect(fits('', { version: '2.10.0-RC1' })).toBe(true);
  expect(fits('', { version: '2.10.0-rc1' })).toBe(false);
  expect(fits('', { product: 'lard' })).toBe(false);
  expect(foldedText('ﬁle\u0002\u0003')).toBe('file  ');
});
