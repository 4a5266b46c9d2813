import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silent } from '../../log/engine-logger.ts';
import { FileIdentityIndex } from './file-identity-index.ts';
import { IdentityTable } from './identity-table.ts';
import { RunBuilder } from './run-builder.ts';

let folder = '';
let builder = new RunBuilder();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vitrine-identities-'));
  builder = new RunBuilder();
});
afterEach(async () => {
  await builder.close();
  await rm(folder, { recursive: true, force: true });
});

function openIndex(runEntries: number): Promise<FileIdentityIndex> {
  return FileIdentityIndex.open({ folder, runEntries, builder, logger: silent });
}

function identity(i: number): Buffer {
  return createHash('sha256').update(`${i}`).digest();
}

async function fill(index: FileIdentityIndex, to: number): Promise<void> {
  while (index.size < to) {
    index.add(identity(index.size), 0);
    if (index.size % 50 === 0) index.settle();
    // Lets the builder's answers in, so that runs come and are merged meanwhile.
    if (index.size % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  index.settle();
}

async function runs(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.run'));
}

async function widestRun(): Promise<number> {
  const widths = (await runs()).map((name) => Number(name.slice(17, 33)) - Number(name.slice(0, 16)));
  return Math.max(0, ...widths);
}

test('every identity is found in table, runs and merged runs; absent ones hardly ever', async () => {
  const count = 20_000;
  const index = await openIndex(1_000);
  await fill(index, count);
  await vi.waitFor(async () => expect(await widestRun()).toBeGreaterThanOrEqual(8_000), 10_000);
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    expect(await index.candidates(identity(i), 0)).toContain(i);
    wrong += (await index.candidates(identity(count + i), 0)).length;
  }
  // A run of 16,000 keeps 50 bits of each: 20,000 strangers meet one about once in a million times.
  expect(wrong).toBe(0);
  await index.close();
});

test('opens with what it had on disk, and is told the rest', async () => {
  const index = await openIndex(1_000);
  await fill(index, 4_300);
  await index.close();
  const again = await openIndex(1_000);
  expect(again.size % 1_000).toBe(0);
  expect(again.size).toBeGreaterThan(0);
  const indexed = again.size;
  expect(await again.candidates(identity(indexed - 1), 0)).toEqual([indexed - 1]);
  expect(await again.candidates(identity(indexed), 0)).toEqual([]);
  await fill(again, 4_300);
  expect(await again.candidates(identity(4_299), 0)).toEqual([4_299]);
  await again.close();
});

test('a run that is damaged is dropped at start if its edge is, refused when read if a page is', async () => {
  const index = await openIndex(1_000);
  await fill(index, 1_000);
  await index.close();
  const [name = ''] = await runs();
  const path = join(folder, name);
  const bytes = await readFile(path);
  for (const at of [3, 20, bytes.length - 1]) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await writeFile(path, damaged);
    const again = await openIndex(1_000);
    expect(again.size).toBe(0);
    await again.close();
    expect(await runs()).toEqual([]);
  }
  const damaged = Buffer.from(bytes);
  damaged[32 + 8 * 100] = (damaged[32 + 8 * 100] ?? 0) ^ 1;
  await writeFile(path, damaged);
  const again = await openIndex(1_000);
  const all = await Promise.allSettled(
    Array.from({ length: 1_000 }, async (_, i) => again.candidates(identity(i), 0)),
  );
  const refused = all.filter(({ status }) => status === 'rejected');
  expect(refused.length).toBeGreaterThanOrEqual(500);
  expect(refused[0]).toMatchObject({ reason: { code: 'corrupt' } });
  await again.close();
});

test('a gap, an overlap, leftovers and another secret lose nothing but work', async () => {
  const index = await openIndex(1_000);
  await fill(index, 3_000);
  await vi.waitFor(async () => expect((await runs()).length).toBe(3), 10_000);
  await index.close();
  const names = (await runs()).toSorted();
  await rm(join(folder, names[1] ?? ''));
  await writeFile(join(folder, `${names[1] ?? ''}.tmp`), 'half');
  const again = await openIndex(1_000);
  expect(again.size).toBe(1_000);
  expect((await readdir(folder)).toSorted()).toEqual([names[0], 'secret']);
  await again.close();
  await rm(join(folder, 'secret'));
  const fresh = await openIndex(1_000);
  expect(fresh.size).toBe(0);
  await fresh.close();
});

test('truncating a table forgets exactly what came after, across its growth', () => {
  const table = new IdentityTable(7);
  const key = (i: number) => [Math.imul(i, 0x9e3779b1) >>> 0, Math.imul(i + 1, 0x85ebca6b) >>> 0] as const;
  for (let i = 0; i < 5_000; i++) table.add(...key(i));
  table.truncate(700);
  expect(table.count).toBe(700);
  for (let i = 0; i < 5_000; i++) expect(table.find(...key(i), 0)).toEqual(i < 700 ? [7 + i] : []);
  for (let i = 4_000; i < 5_000; i++) table.add(...key(i));
  expect(table.find(...key(4_999), 0)).toEqual([7 + 1_699]);
  expect(table.find(...key(4_999), 7 + 1_700)).toEqual([]);
});
