import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFoldTables, snapshot } from '../../projection/schema.ts';
import type { ReadDb } from '../../projection/schema.ts';
import { openReadModels } from './read-models.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-read-models-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const databases = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.sqlite'));

async function fill(db: ReadDb, size: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await createFoldTables(tx);
    await tx
      .insertInto('progress')
      .values({
        id: 1,
        semantics: 1,
        origin: 'o',
        root_size: size,
        root_hash: '',
        keys_size: 0,
        judged_from: 0,
      })
      .execute();
  });
}
async function sizeIn(db: ReadDb): Promise<number> {
  return (await db.selectFrom('progress').select('root_size').executeTakeFirstOrThrow()).root_size;
}

test('readers see what is committed, wait for no writer and write nothing', async () => {
  const store = openReadModels(folder);
  const copy = await store.create();
  await fill(copy.db, 1);
  await store.show(copy);
  const writing = await copy.db.startTransaction().execute();
  await writing.updateTable('progress').set({ root_size: 2 }).execute();
  expect(await sizeIn(store.shown)).toBe(1);
  expect(await Promise.all(Array.from({ length: 20 }, () => snapshot(store.shown, sizeIn)))).toEqual(
    Array.from({ length: 20 }, () => 1),
  );
  await writing.commit().execute();
  expect(await sizeIn(store.shown)).toBe(2);
  await expect(store.shown.updateTable('progress').set({ root_size: 3 }).execute()).rejects.toThrow(
    /readonly/,
  );
  await store.close();
});

test('a snapshot stays with its state and its copy, which is removed when the last reader is done', async () => {
  const store = openReadModels(folder);
  const [before, after] = [await store.create(), await store.create()];
  await fill(before.db, 1);
  await fill(after.db, 10);
  await store.show(before);
  const swapped = Promise.withResolvers<undefined>();
  const reading = snapshot(store.shown, async (at) => {
    const first = await sizeIn(at);
    await before.db.updateTable('progress').set({ root_size: 2 }).execute();
    const showing = store.show(after);
    const meanwhile = await sizeIn(store.shown);
    const second = await sizeIn(at);
    void showing.then(() => swapped.resolve(undefined));
    return [first, meanwhile, second];
  });
  expect(await reading).toEqual([1, 10, 1]);
  await swapped.promise;
  expect(databases()).toEqual(['2.sqlite']);
  await store.close();
});

test('what was left is opened oldest first; a file that is no database is removed', async () => {
  const store = openReadModels(folder);
  for (const size of [1, 2]) await fill((await store.create()).db, size);
  await store.close();
  writeFileSync(join(folder, '3.sqlite'), 'x'.repeat(8192));
  writeFileSync(join(folder, '10.sqlite'), '');
  const again = openReadModels(folder);
  const copies = await again.open();
  expect(copies.map(({ number }) => number)).toEqual([1, 2, 10]);
  expect(await Promise.all(copies.slice(0, 2).map(({ db }) => sizeIn(db)))).toEqual([1, 2]);
  expect(databases()).not.toContain('3.sqlite');
  expect((await again.create()).number).toBe(11);
  await again.close();
});
