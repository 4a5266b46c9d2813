/** A restore that ends anywhere, by kill -9 or by a power failure, leaves the logs that were there or those that come. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RestoreOptions, restore, type Restored } from '../../restore/restore-command.ts';
import { FaultyFileSystem } from './faulty-file-system.ts';
import type { FileSystem } from './file-system.ts';
import { FollowedLog } from '../../witnessing/followed-log.ts';
import { FollowedFolder } from './followed-folder.ts';
import { openRestoreFolder } from './restore-folder.ts';
import { entry, newKey, OPEN, REGISTERED, TestInstance } from './test-instance.ts';

/** Every so many operations a run is ended. */
const STRIDE = process.env['VITRINE_SOAK'] === undefined ? 13 : 1;

let instance: TestInstance;
let folders: string;
let yesterday: string;
let mirror: string;

beforeAll(async () => {
  folders = await mkdtemp(join(tmpdir(), 'vitrine-restore-'));
  [yesterday, mirror] = [join(folders, 'yesterday'), join(folders, 'mirror')];
  instance = await TestInstance.create({
    lead: { entries: REGISTERED, keepHistory: true },
    other: { entries: OPEN },
  });
  await add(300);
  await cp(instance.dataDir, yesterday, { recursive: true });
  await add(600);
  await cp(instance.dataDir, mirror, { recursive: true });
});
afterAll(async () => {
  await instance.remove();
  await rm(folders, { recursive: true });
});

/** Adds entries to both logs up to this number each; all of them published. */
async function add(size: number): Promise<void> {
  const logs = await instance.open();
  for (const name of logs.names) {
    const log = logs.get(name);
    const entries = Array.from({ length: size - log.size }, (_, i) => entry(`${name} ${log.size + i}`));
    await log.append(entries);
    await log.whenPublished(size - 1);
  }
  await logs.close();
}

async function startAgain(from: string): Promise<void> {
  await rm(instance.dataDir, { recursive: true });
  await cp(from, instance.dataDir, { recursive: true });
}

async function run(options: Partial<RestoreOptions> = {}, fileSystem?: FileSystem): Promise<Restored> {
  const storage = await openRestoreFolder({
    dataDir: instance.dataDir,
    cosigners: { keys: [], states: [], create: () => Promise.resolve() },
    nowMs: Date.now,
    ...(fileSystem === undefined ? {} : { fileSystem }),
  });
  try {
    return await restore({
      logs: instance.specs,
      pair: undefined,
      mirrors: [mirror],
      begin: [],
      storage,
      acceptanceOf: () => () => ({ ok: true, cosignedAt: 0 }),
      cosigns: false,
      newCosigners: false,
      ...options,
    });
  } finally {
    await storage.close();
  }
}

/** Opened as the server does: sizes of both logs, and where an entry said again stands. */
async function opened(): Promise<{ readonly sizes: readonly number[]; readonly again: readonly number[] }> {
  const logs = await instance.open();
  const sizes = logs.names.map((name) => logs.get(name).size);
  const again: number[] = [];
  for (const name of logs.names)
    again.push((await logs.get(name).append([entry(`${name} 250`)]))[0]?.leafIndex ?? -1);
  await logs.close();
  await instance.requireSound();
  return { sizes, again };
}

describe('a restore', () => {
  test('brings back both logs, indexed, with the history that was there, and keeps what was there before', async () => {
    await startAgain(yesterday);
    const { before, logs } = await run();
    expect(logs.map(({ outcome, size, sizeBefore }) => [outcome, size, sizeBefore])).toEqual([
      ['restored', 600, 300],
      ['restored', 600, 300],
    ]);
    expect(await opened()).toEqual({ sizes: [600, 600], again: [250, 250] });
    const now = await instance.open();
    expect((await now.get('lead').checkpointAt(300))?.size).toBe(300);
    expect((await now.get('lead').checkpointAt(600))?.size).toBe(600);
    await now.close();
    expect(await readdir(join(before ?? '', 'logs'))).toEqual(['lead', 'other']);
    expect((await readdir(instance.dataDir)).filter((name) => name.startsWith('restore'))).toEqual([]);
  });

  test('begins a log anew only where it is told to, and nobody has a copy', async () => {
    await startAgain(yesterday);
    await rm(join(instance.dataDir, 'logs', 'other'), { recursive: true });
    await rm(join(instance.dataDir, 'log-state', 'other'), { recursive: true });
    const none = join(folders, 'one-log');
    await cp(join(mirror, 'logs', 'lead'), none, { recursive: true });
    await expect(run({ mirrors: [none] })).rejects.toMatchObject({ code: 'not-offered' });
    await run({ mirrors: [none], begin: ['other'] });
    const logs = await instance.open();
    expect(logs.names.map((name) => logs.get(name).size)).toEqual([600, 0]);
    await logs.close();
  });

  test.each(['kill -9', 'a power failure'])(
    'that is ended anywhere by %s leaves both logs as they were, or both as they come',
    { timeout: 1_200_000 },
    async (ended) => {
      const seen = new Set<number>();
      for (let crashAfter = 0; ; crashAfter += STRIDE) {
        await startAgain(yesterday);
        const files = new FaultyFileSystem();
        files.random = Math.random;
        files.fault = () => (files.operations > crashAfter ? 'crash' : null);
        await run({}, files).catch(() => undefined);
        const isDead = files.isDead;
        if (ended === 'a power failure') await files.losePower();
        await files.dispose();
        const { sizes, again } = await opened();
        expect(new Set(sizes).size).toBe(1);
        expect(again).toEqual([250, 250]);
        seen.add(sizes[0] ?? 0);
        await run();
        expect((await opened()).sizes).toEqual([600, 600]);
        if (!isDead) break;
      }
      expect([...seen]).toEqual([300, 600]);
    },
  );
});

describe('what a mirror holds and the writer had not published', () => {
  test('comes back as accepted and not published', async () => {
    await startAgain(mirror);
    const centre = join(folders, 'centre');
    const origin = 'test.example/lead';
    const hash = createHash('sha256').update(origin).digest('hex').slice(0, 32);
    const store = new FollowedFolder({
      publicFolder: join(centre, 'followed', hash),
      stateFolder: join(centre, 'followed-state', hash),
    });
    const noteIn = (dir: string) => readFile(join(dir, 'logs', 'lead', 'checkpoint'), 'utf8');
    const followed = await FollowedLog.open({
      name: 'lead',
      vkey: instance.vkey('lead'),
      kind: 'registered',
      store,
    });
    for (const [dir, show] of [
      [yesterday, true],
      [mirror, false],
    ] as const)
      await followed.receive({
        note: await noteIn(dir),
        source: { kind: 'folder', path: join(dir, 'logs', 'lead') },
        show,
      });
    await followed.close();

    await rm(join(instance.dataDir, 'logs', 'lead'), { recursive: true });
    await rm(join(instance.dataDir, 'log-state', 'lead'), { recursive: true });
    const published = await noteIn(yesterday);
    const { logs } = await run({
      mirrors: [centre],
      // As if no quorum had cosigned more.
      acceptanceOf: () => (note) =>
        note === published ? { ok: true, cosignedAt: 1 } : { ok: false, reason: 'no quorum' },
    });
    expect(logs[0]).toMatchObject({ outcome: 'restored', size: 600 });
    expect(await noteIn(instance.dataDir)).toBe(published);
    expect(await opened()).toEqual({ sizes: [600, 600], again: [250, 250] });
  });
});

describe('a log here that cannot be read', () => {
  const damage = () => writeFile(join(instance.dataDir, 'logs', 'lead', 'tile', '0', '000'), 'damaged');
  const damageEdge = async () => {
    const folder = join(instance.dataDir, 'logs', 'lead', 'tile', '0', '002.p');
    for (const name of await readdir(folder)) await writeFile(join(folder, name), 'damaged');
  };

  test('is taken whole from a mirror that has as much, and it is said that it could not be read', async () => {
    await startAgain(mirror);
    await damage();
    await damageEdge();
    const { logs } = await run();
    expect(logs[0]).toMatchObject({ outcome: 'restored', size: 600, sizeBefore: null });
    expect(logs[0]?.warnings.join()).toContain('could not be read');
    expect((await opened()).sizes).toEqual([600, 600]);
  });

  test('is not replaced by less than it has published', async () => {
    await startAgain(mirror);
    await damageEdge();
    await expect(run({ mirrors: [yesterday] })).rejects.toMatchObject({ code: 'behind' });
  });

  test('of another key is refused', async () => {
    await startAgain(yesterday);
    const [lead, ...others] = instance.specs;
    if (lead === undefined) throw new TypeError('two logs were made');
    await expect(run({ logs: [{ ...lead, key: newKey() }, ...others] })).rejects.toMatchObject({
      code: 'wrong-key',
    });
  });
});
