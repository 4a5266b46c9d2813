import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashLeaf } from '@vitrine/tlog';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LogSigner } from '../../log/checkpoint-signing.ts';
import type { Log, Logs } from '../../log/log.ts';
import { LogError } from '../../log/log-error.ts';
import { type Fault, FaultyFileSystem, type Operation } from './faulty-file-system.ts';
import { openLogFolder } from './open-log-folder.ts';
import { entry, newKey, OPEN, TestInstance } from './test-instance.ts';

const instances: TestInstance[] = [];
const opened: Logs[] = [];

async function create(): Promise<TestInstance> {
  const instance = await TestInstance.create({ open: { entries: OPEN } });
  instances.push(instance);
  return instance;
}

async function open(instance: TestInstance, ...args: Parameters<TestInstance['open']>): Promise<Logs> {
  const logs = await instance.open(...args);
  opened.push(logs);
  return logs;
}

afterEach(async () => {
  for (const logs of opened.splice(0)) await logs.close();
  for (const instance of instances.splice(0)) {
    await instance.requireSound();
    await instance.remove();
  }
});

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof LogError) return error.code;
    throw error;
  }
  return 'not refused';
}

/** Fails the operations on paths that hold `part`, as long as it is in place. */
function failing(operation: Operation, part: string, fault: Fault) {
  return (happens: Operation, path: string) => (happens === operation && path.includes(part) ? fault : null);
}

const never = () => null;

async function text(log: Log, leafIndex: number): Promise<string> {
  return Buffer.from((await log.readEntry(leafIndex)).bytes).toString();
}

describe('no space', () => {
  test('refuses entries, serves reads, and goes on when there is space; the torn record is cut off', async () => {
    const instance = await create();
    const fileSystem = new FaultyFileSystem();
    const logs = await open(instance, {}, { fileSystem });
    const log = logs.get('open');
    await log.append([entry(0)]);
    await log.whenPublished(0);
    fileSystem.fault = failing('write', '.wal', 'ENOSPC');
    const both = [log.append([entry(1)]), log.append([entry(2)])];
    expect(await Promise.all(both.map(refusal))).toEqual(['disk-full', 'disk-full']);
    expect(log.state).toBe('disk-full');
    expect(await log.append([entry(3)]).catch((error: unknown) => error)).toMatchObject({
      code: 'disk-full',
      retryAfterMs: 1_000,
    });
    expect(await text(log, 0)).toBe('entry 0');
    expect((await log.republish()).size).toBe(1);
    fileSystem.fault = never;
    await vi.waitFor(async () => expect(await refusal(log.append([entry(4)]))).toBe('not refused'), {
      timeout: 5_000,
    });
    expect(log.state).toBe('open');
    // Other entries than those refused: what was taken back must be out of the identity index too.
    expect(await log.append([entry(4)])).toMatchObject([{ leafIndex: 1, duplicate: true }]);
    expect(log.metrics().commitFailures.diskFull).toBe(1);
    await logs.close();
    expect((await open(instance)).get('open').size).toBe(2);
  });

  test('while tiles are written delays the publication, not the answer', async () => {
    const instance = await create();
    const fileSystem = new FaultyFileSystem();
    const log = (await open(instance, { limits: { publishIntervalMs: 1 } }, { fileSystem })).get('open');
    fileSystem.fault = failing('writeNew', 'tmp', 'ENOSPC');
    await log.append([entry(0)]);
    expect(await refusal(log.republish())).toBe('disk-full');
    expect(log.published.size).toBe(0);
    fileSystem.fault = never;
    expect((await log.whenPublished(0)).size).toBe(1);
  });

  test('that cannot even be cut back stops the writer, which reads its tail again', async () => {
    const instance = await create();
    const fileSystem = new FaultyFileSystem();
    const log = (await open(instance, {}, { fileSystem })).get('open');
    await log.append([entry(0)]);
    fileSystem.fault = (operation) =>
      operation === 'write' ? 'ENOSPC' : operation === 'truncate' ? 'EIO' : null;
    expect(await refusal(log.append([entry(1)]))).toBe('writer-stopped');
    fileSystem.fault = never;
    await vi.waitFor(async () => expect(await refusal(log.append([entry(2)]))).toBe('not refused'));
    expect(await text(log, 1)).toBe('entry 2');
  });

  test('at the start opens the log for reading; what was durable comes back with the space', async () => {
    const instance = await create();
    const before = new FaultyFileSystem();
    const first = await instance.open({ limits: { publishIntervalMs: 3_600_000 } }, { fileSystem: before });
    await first.get('open').append([entry(0)]);
    await first.get('open').republish();
    await first.get('open').append([entry(1), entry(2)]);
    before.kill();
    await first.close();
    const wal = join(instance.stateFolder('open'), 'wal');
    const segments = await readdir(wal);

    const fileSystem = new FaultyFileSystem(before);
    fileSystem.fault = failing('writeNew', '', 'ENOSPC');
    const logs = await open(instance, { limits: { publishIntervalMs: 1 } }, { fileSystem });
    const log = logs.get('open');
    expect(log.state).toBe('disk-full');
    // Read back or not: until it is copied, all that is known to be durable is what is published.
    expect(log.size).toBe(1);
    expect(log.published.size).toBe(1);
    expect(await text(log, 0)).toBe('entry 0');
    expect(await log.find(hashLeaf(entry(0)))).toBe(0);
    for (const again of [entry(1), entry(3)])
      expect(await log.append([again]).catch((error: unknown) => error)).toMatchObject({
        code: 'disk-full',
        retryAfterMs: 1_000,
      });
    expect(await refusal(log.republish())).toBe('disk-full');
    // Also while it is tried again.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(log.state).toBe('disk-full');
    expect(await readdir(wal)).toEqual(segments);

    const committed = vi.fn();
    log.onCommitted(committed);
    fileSystem.fault = never;
    await vi.waitFor(() => expect(log.state).toBe('open'), { timeout: 5_000 });
    expect(committed).toHaveBeenCalledWith(3);
    expect(await log.append([entry(2), entry(3)])).toMatchObject([
      { leafIndex: 2, duplicate: true },
      { leafIndex: 3, duplicate: false },
    ]);
    expect((await log.whenPublished(3)).size).toBe(4);
    expect(log.metrics().commitFailures).toEqual({ diskFull: 0, unknownOutcome: 0 });
  });

  test('at the start, killed and started again and again, loses nothing', async () => {
    const instance = await create();
    let fileSystem = new FaultyFileSystem();
    let logs = await instance.open({ limits: { publishIntervalMs: 3_600_000 } }, { fileSystem });
    await logs.get('open').append([entry(0), entry(1)]);
    // Of each operation of the start one has no space; half-written, and not taken back either.
    for (const operation of ['makeDirectory', 'writeNew', 'rename', 'openForAppend'] as const) {
      fileSystem.kill();
      await logs.close();
      await fileSystem.losePower();
      fileSystem = new FaultyFileSystem(fileSystem);
      fileSystem.random = () => 0.7;
      fileSystem.fault = failing(operation, join(instance.dataDir, 'log-state'), 'ENOSPC');
      logs = await instance.open({ limits: { publishIntervalMs: 3_600_000 } }, { fileSystem });
      expect(logs.get('open').state).toBe('disk-full');
      expect(logs.get('open').size).toBe(0);
    }
    fileSystem.kill();
    await logs.close();
    const log = (await open(instance)).get('open');
    expect(log.size).toBe(2);
    expect(await text(log, 1)).toBe('entry 1');
  });

  test('for a new segment', async () => {
    const instance = await create();
    const fileSystem = new FaultyFileSystem();
    const log = (await open(instance, {}, { fileSystem, segmentBytes: 500 })).get('open');
    for (let i = 0; i < 3; i++) await log.append([Buffer.alloc(200, i)]);
    fileSystem.fault = failing('writeNew', 'tmp', 'ENOSPC');
    const codes = [];
    for (let i = 3; i < 6; i++) codes.push(await refusal(log.append([Buffer.alloc(200, i)])));
    expect(codes).toContain('disk-full');
    fileSystem.fault = never;
    await vi.waitFor(async () => expect(await refusal(log.append([entry(1)]))).toBe('not refused'), {
      timeout: 5_000,
    });
  });
});

describe('a failed fdatasync', () => {
  test('acknowledges nothing pending, and writing goes on in a new segment of a new epoch', async () => {
    const instance = await create();
    const fileSystem = new FaultyFileSystem();
    const logs = await open(instance, {}, { fileSystem });
    const log = logs.get('open');
    await log.append([entry(0), entry(1)]);
    const wal = join(instance.stateFolder('open'), 'wal');
    const [before] = await readdir(wal);
    fileSystem.fault = failing('datasync', '.wal', 'EIO');
    const pending = log.append([entry(2)]);
    expect(await refusal(pending)).toBe('writer-stopped');
    expect(await refusal(log.append([entry(3)]))).toBe('writer-stopped');
    expect(log.state).toBe('failed');
    expect(log.size).toBe(2);
    expect(await text(log, 1)).toBe('entry 1');
    fileSystem.fault = never;
    await vi.waitFor(() => expect(log.state).toBe('open'));
    expect(await readdir(wal)).not.toContain(before);
    expect(await log.append([entry(4), entry(2)])).toMatchObject([{ leafIndex: 2 }, { leafIndex: 3 }]);
    await log.whenPublished(3);
    fileSystem.kill();
    await logs.close();
    // The record whose sync failed was readable all the time; it must not come back.
    await fileSystem.losePower();
    const again = (await open(instance)).get('open');
    expect(again.size).toBe(4);
    expect(await text(again, 2)).toBe('entry 4');
  });

  test('of which the disk never recovers leaves the log readable', async () => {
    const instance = await create();
    const fileSystem = new FaultyFileSystem();
    const logs = await open(instance, {}, { fileSystem });
    const log = logs.get('open');
    await log.append([entry(0)]);
    fileSystem.fault = (operation) => (operation === 'datasync' || operation === 'writeNew' ? 'EIO' : null);
    expect(await refusal(log.append([entry(1)]))).toBe('writer-stopped');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(log.state).toBe('failed');
    expect(await text(log, 0)).toBe('entry 0');
    await logs.close();
    expect((await open(instance)).get('open').size).toBeGreaterThanOrEqual(1);
  });
});

describe('the write-ahead file', () => {
  async function crashed(
    groups: number,
    perGroup: number,
  ): Promise<{ instance: TestInstance; path: string }> {
    const instance = await create();
    const fileSystem = new FaultyFileSystem();
    // Never published after the start, so that all of it is in the segment.
    const logs = await open(instance, { limits: { publishIntervalMs: 3_600_000 } }, { fileSystem });
    for (let g = 0; g < groups; g++) {
      await logs.get('open').append(Array.from({ length: perGroup }, (_, i) => entry(`${g}.${i}`)));
    }
    fileSystem.kill();
    await logs.close();
    const wal = join(instance.stateFolder('open'), 'wal');
    const [name] = await readdir(wal);
    return { instance, path: join(wal, name ?? '') };
  }

  test('cut anywhere in its last record loses that record alone', async () => {
    const { instance, path } = await crashed(3, 2);
    const bytes = await readFile(path);
    const logs = await instance.open();
    expect(logs.get('open').size).toBe(6);
    await logs.close();
    // A whole file again for each cut: the start has replaced it.
    const recordBytes = (bytes.length - 44) / 3;
    for (const cut of [1, 5, Math.floor(recordBytes / 2), Math.floor(recordBytes) - 20]) {
      await rm(join(instance.publicFolder('open')), { recursive: true });
      await rm(join(instance.stateFolder('open')), { recursive: true });
      for (const folder of ['wal', 'history', 'tmp'])
        await mkdir(join(instance.stateFolder('open'), folder), { recursive: true });
      await mkdir(instance.publicFolder('open'), { recursive: true });
      await writeFile(path, bytes.subarray(0, bytes.length - cut));
      const again = await instance.open();
      expect(again.get('open').size).toBe(4);
      expect(await again.get('open').append([entry('2.0')])).toMatchObject([{ leafIndex: 4 }]);
      await again.close();
      await instance.requireSound();
    }
  });

  test('with garbage after its last record is a torn tail', async () => {
    const { instance, path } = await crashed(2, 2);
    const bytes = await readFile(path);
    await writeFile(path, Buffer.concat([bytes, Buffer.alloc(10_000, 0xa5)]));
    const logs = await open(instance);
    expect(logs.get('open').size).toBe(4);
  });

  test('damaged before a good record is refused, naming file and byte, and left alone', async () => {
    const { instance, path } = await crashed(3, 2);
    const bytes = await readFile(path);
    const damaged = Buffer.from(bytes);
    damaged[120] = (damaged[120] ?? 0) ^ 1;
    await writeFile(path, damaged);
    const error = await instance.open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'corrupt' });
    expect(String(error)).toContain(`${path}, byte 44`);
    expect(await readFile(path)).toEqual(damaged);
    await writeFile(path, bytes);
    expect((await open(instance)).get('open').size).toBe(6);
  });

  test('an entry that holds the bytes of a record does not make a torn tail look like damage', async () => {
    const { instance, path } = await crashed(1, 2);
    const record = (await readFile(path)).subarray(44);
    const fileSystem = new FaultyFileSystem();
    const logs = await open(instance, { limits: { publishIntervalMs: 3_600_000 } }, { fileSystem });
    fileSystem.random = () => 0.99;
    fileSystem.fault = failing('write', '.wal', 'crash');
    // The salt of the record is that of a segment long gone: all that a stranger could know.
    await expect(logs.get('open').append([record, entry('after')])).rejects.toMatchObject({
      code: 'writer-stopped',
    });
    await logs.close();
    opened.length = 0;
    const again = await open(instance);
    expect(again.get('open').size).toBe(2);
  });

  test('that ends before the published checkpoint is refused: the two are of different times', async () => {
    const instance = await create();
    const wal = join(instance.stateFolder('open'), 'wal');
    const [name] = await readdir(wal);
    const old = await readFile(join(wal, name ?? ''));
    const logs = await instance.open();
    await logs.get('open').append([entry(0)]);
    await logs.close();
    const now = await Promise.all(
      (await readdir(wal)).map(async (file) => [file, await readFile(join(wal, file))] as const),
    );
    await rm(wal, { recursive: true });
    await mkdir(wal);
    await writeFile(join(wal, name ?? ''), old);
    expect(await refusal(instance.open())).toBe('corrupt');
    await rm(wal, { recursive: true });
    await mkdir(wal);
    for (const [file, bytes] of now) await writeFile(join(wal, file), bytes);
    await open(instance);
  });

  test('its segments are dropped once what they hold is published', async () => {
    const instance = await create();
    const logs = await open(instance, { limits: { publishIntervalMs: 1 } }, { segmentBytes: 2_000 });
    const log = logs.get('open');
    const wal = join(instance.stateFolder('open'), 'wal');
    for (let i = 0; i < 60; i++) await log.append([Buffer.alloc(500, i)]);
    await log.republish();
    const names = await readdir(wal);
    expect(names.length).toBeLessThan(3);
    expect((await stat(join(wal, names[0] ?? ''))).size).toBeLessThan(5_000);
    await logs.close();
    expect((await open(instance)).get('open').size).toBe(60);
  });
});

describe('fencing', () => {
  test('a commit of another epoch or at another size is refused, and stores nothing', async () => {
    const instance = await create();
    const storage = await openLogFolder({ dataDir: instance.dataDir });
    const store = storage.store('open');
    const first = await store.open();
    const second = await store.open();
    expect(second.epoch).toBe(first.epoch + 1);
    expect(await refusal(store.commitBatch(first.epoch, 0, [entry(0)], 'x'))).toBe('stale-writer');
    expect(await refusal(store.commitBatch(second.epoch, 1, [entry(0)], 'x'))).toBe('stale-writer');
    const { batches } = await store.open();
    expect(batches).toEqual([]);
    await store.close();
    await storage.close();
  });

  test('after a failed commit nothing is written until the store is opened again', async () => {
    const instance = await create();
    const fileSystem = new FaultyFileSystem();
    const storage = await openLogFolder({ dataDir: instance.dataDir, fileSystem });
    const store = storage.store('open');
    const { epoch } = await store.open();
    fileSystem.fault = failing('datasync', '.wal', 'EIO');
    await expect(store.commitBatch(epoch, 0, [entry(0)], 'x')).rejects.toMatchObject({ code: 'EIO' });
    fileSystem.fault = never;
    await expect(store.commitBatch(epoch, 0, [entry(0)], 'x')).rejects.toThrow('not open');
    expect((await store.open()).batches).toEqual([]);
    await store.close();
    await storage.close();
  });
});

describe('a power failure', () => {
  test('takes no folder whose sync had failed, or that a killed process had left unsynced', async () => {
    for (const killed of [false, true]) {
      const instance = await create();
      let fileSystem = new FaultyFileSystem();
      fileSystem.random = () => 0;
      const limits = { publishIntervalMs: 1 };
      let logs = await instance.open({ limits }, { fileSystem });
      fileSystem.fault = failing('syncDirectory', 'tile', killed ? 'crash' : 'EIO');
      await logs.get('open').append([entry(0)]);
      await expect(logs.get('open').republish()).rejects.toThrow('syncDirectory');
      if (killed) {
        await logs.close();
        fileSystem = new FaultyFileSystem(fileSystem);
        fileSystem.random = () => 0;
        logs = await instance.open({ limits }, { fileSystem });
      }
      fileSystem.fault = never;
      await logs.get('open').republish();
      fileSystem.kill();
      await logs.close();
      await fileSystem.losePower();
      await fileSystem.dispose();
      expect((await open(instance)).get('open').published.size).toBe(1);
    }
  });
});

describe('a batch that the log did not sign', () => {
  async function commit(instance: TestInstance, note: string): Promise<unknown> {
    const storage = await openLogFolder({ dataDir: instance.dataDir });
    const store = storage.store('open');
    const { epoch } = await store.open();
    await store.commitBatch(epoch, 0, [entry(0)], note);
    await store.close();
    await storage.close();
    return instance.open().catch((error: unknown) => error);
  }

  test.each([
    ['another root', 1, hashLeaf(entry(1)), 'corrupt'],
    ['another size', 2, hashLeaf(entry(0)), 'corrupt'],
  ])('(%s) is refused at the start', async (_, size, root, code) => {
    const instance = await create();
    const [spec] = instance.specs;
    const note = new LogSigner('test.example/open', spec?.key ?? newKey()).sign(size, root).note;
    expect(await commit(instance, note)).toMatchObject({ code });
  });

  test('(another key) is refused at the start', async () => {
    const instance = await create();
    const note = new LogSigner('test.example/open', newKey()).sign(1, hashLeaf(entry(0))).note;
    expect(await commit(instance, note)).toMatchObject({ code: 'wrong-key' });
  });
});
