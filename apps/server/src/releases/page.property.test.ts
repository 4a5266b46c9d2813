import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readPage } from './page.ts';
import type { Page, PageBounds } from './page.ts';

function reader(order: 'asc' | 'desc', keys: readonly number[], limit: number) {
  return (bounds: PageBounds<number>): Promise<Page<number, number>> =>
    readPage(
      order,
      bounds,
      limit,
      ({ after = -Infinity, before = Infinity, order: partOrder, limit: most }) => {
        const part = keys
          .filter((key) => key > after && key < before)
          .toSorted((left, right) => (partOrder === 'asc' ? left - right : right - left));
        return Promise.resolve(part.slice(0, most));
      },
      (key) => key,
    );
}

const list = {
  keys: fc.uniqueArray(fc.nat(1000), { maxLength: 60 }),
  limit: fc.integer({ min: 1, max: 12 }),
  order: fc.constantFrom('asc' as const, 'desc' as const),
};

test('pages that follow one another are the list, and lead back the same way', async () => {
  await fc.assert(
    fc.asyncProperty(list.keys, list.limit, list.order, async (keys, limit, order) => {
      const read = reader(order, keys, limit);
      const [towardsNext, towardsPrevious] =
        order === 'asc' ? (['after', 'before'] as const) : (['before', 'after'] as const);
      const pages = [await read({})];
      for (let next = pages[0]?.next ?? null; next !== null; next = pages.at(-1)?.next ?? null)
        pages.push(await read({ [towardsNext]: next }));
      expect(pages.flatMap(({ rows }) => rows)).toEqual(
        keys.toSorted((left, right) => (order === 'asc' ? left - right : right - left)),
      );
      expect(pages[0]?.previous).toBeNull();
      for (let at = pages.length - 1; at > 0; at -= 1) {
        const previous = pages[at]?.previous;
        if (typeof previous !== 'number') throw new Error('a later page leads nowhere back');
        expect((await read({ [towardsPrevious]: previous })).rows).toEqual(pages[at - 1]?.rows);
      }
    }),
  );
});

test('a page between two bounds holds what lies between them, and its ends are told truly', async () => {
  await fc.assert(
    fc.asyncProperty(
      list.keys,
      list.limit,
      list.order,
      fc.option(fc.nat(1000), { nil: undefined }),
      fc.option(fc.nat(1000), { nil: undefined }),
      async (keys, limit, order, after, before) => {
        const { rows, previous, next } = await reader(order, keys, limit)({ after, before });
        const [first] = rows;
        const last = rows.at(-1);
        if (first === undefined || last === undefined) {
          expect([previous, next]).toEqual([null, null]);
          return;
        }
        for (const key of rows) expect(key > (after ?? -1) && key < (before ?? 1001)).toBe(true);
        const beyond = (key: number, down: boolean) =>
          keys.some((other) => (down ? other < key : other > key));
        if (after === undefined || before === undefined) {
          expect(previous !== null).toBe(beyond(first, order === 'asc'));
          expect(next !== null).toBe(beyond(last, order === 'desc'));
        }
      },
    ),
  );
});
