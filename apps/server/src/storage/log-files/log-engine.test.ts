import { createHash } from 'node:crypto';
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkLog } from '@vitrine/fsck';
import {
  cosignatureTime,
  hashLeaf,
  noteVerifier,
  openNote,
  verifyConsistency,
  verifyInclusion,
} from '@vitrine/tlog';
import { afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../log/clock.ts';
import type { Entry, Head, Log, Logs } from '../../log/log.ts';
import { LogError } from '../../log/log-error.ts';
import { openLogFolder } from './open-log-folder.ts';
import { entry, OPEN, REGISTERED, TestInstance } from './test-instance.ts';

const instances: TestInstance[] = [];
const opened: Logs[] = [];

async function create(...args: Parameters<typeof TestInstance.create>): Promise<TestInstance> {
  const instance = await TestInstance.create(...args);
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

async function entriesOf(log: Log, start = 0, end = log.size): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const one of log.readEntries(start, end)) entries.push(one);
  return entries;
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof LogError) return error.code;
    throw error;
  }
  return 'not refused';
}

class TestClock implements Clock {
  wallMs = 1_700_000_000_000;
  steadyMs = 5_000;
  readonly nowMs = () => this.wallMs;
  readonly monotonicMs = () => this.steadyMs;
  pass(ms: number): void {
    this.wallMs += ms;
    this.steadyMs += ms;
  }
}

describe('a new log', () => {
  test('publishes size 0, cosigned', async () => {
    const instance = await create({ open: { entries: OPEN } });
    expect(await instance.requireSound()).toEqual({ open: 0 });
    const note = await readFile(join(instance.publicFolder('open'), 'checkpoint'), 'utf8');
    const cosigner = noteVerifier(instance.cosigner.name, 0x04, instance.cosigner.key.publicKey);
    const [cosignature] = openNote(note, [cosigner]).signatures;
    expect(cosignatureTime(cosignature?.signature ?? new Uint8Array())).toBeGreaterThan(1_700_000_000);
  });

  test('is made once, and is not made by opening', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const storage = await openLogFolder({ dataDir: instance.dataDir });
    expect(await refusal(storage.create('open'))).toBe('log-exists');
    await storage.close();
    await rm(instance.stateFolder('open'), { recursive: true });
    expect(await refusal(instance.open())).toBe('log-missing');
  });
});

describe('append', () => {
  test('answers with consecutive indices; entries, tiles and proofs hold them', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const log = (await open(instance)).get('open');
    const first = await log.append([entry(0)]);
    expect(first).toMatchObject([{ leafIndex: 0, registeredAt: null, duplicate: false }]);
    const many = await log.append(Array.from({ length: 700 }, (_, i) => entry(i + 1)));
    expect(many.map(({ leafIndex }) => leafIndex)).toEqual(Array.from({ length: 700 }, (_, i) => i + 1));
    const { size, root } = await log.whenPublished(700);
    expect(size).toBe(701);
    for (const index of [0, 255, 256, 511, 512, 700]) {
      const leafHash = hashLeaf(entry(index));
      const proof = await log.inclusionProof(index, size);
      expect(verifyInclusion({ leafIndex: index, treeSize: size, leafHash, proof, root })).toBe(true);
      expect(entry(index)).toEqual((await log.readEntry(index)).bytes);
      expect(await log.find(leafHash)).toBe(index);
    }
    const oldRoot = await log.rootAt(300);
    const proof = await log.consistencyProof(300, size);
    expect(verifyConsistency({ oldSize: 300, newSize: size, oldRoot, newRoot: root, proof })).toBe(true);
    expect(await log.find(hashLeaf(entry(701)))).toBeNull();
  });

  test('of the same entry returns the first index: in a group, at once, later, and after a restart', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const logs = await open(instance);
    const log = logs.get('open');
    const group = await log.append([entry('a'), entry('b'), entry('a')]);
    expect(group.map(({ leafIndex, duplicate }) => [leafIndex, duplicate])).toEqual([
      [0, false],
      [1, false],
      [0, true],
    ]);
    const both = await Promise.all([log.append([entry('c')]), log.append([entry('c')])]);
    expect(both.flat().map(({ leafIndex }) => leafIndex)).toEqual([2, 2]);
    await log.whenPublished(2);
    expect(await log.append([entry('b')])).toMatchObject([{ leafIndex: 1, duplicate: true }]);
    await logs.close();
    const again = (await open(instance)).get('open');
    expect(await again.append([entry('c'), entry('d')])).toMatchObject([
      { leafIndex: 2, duplicate: true },
      { leafIndex: 3, duplicate: false },
    ]);
    expect(again.metrics()).toMatchObject({ size: 4, entriesAdded: 1, duplicates: 1 });
  });

  test('does not keep the caller’s bytes', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const log = (await open(instance, { limits: { publishIntervalMs: 50 } })).get('open');
    const bytes = Buffer.from('mine');
    const [appended] = await log.append([bytes]);
    bytes.fill(0);
    await log.whenPublished(0);
    expect(Buffer.from((await log.readEntry(0)).bytes).toString()).toBe('mine');
    expect(appended?.leafHash).toEqual(Buffer.from(hashLeaf(Buffer.from('mine'))));
  });

  test('takes an empty entry and the longest, and no longer one', async () => {
    const instance = await create({ open: { entries: OPEN }, registered: { entries: REGISTERED } });
    const logs = await open(instance);
    const longest = { open: 65_535, registered: 65_527 };
    for (const [name, length] of Object.entries(longest)) {
      const log = logs.get(name);
      expect(await refusal(log.append([new Uint8Array(length + 1)]))).toBe('entry-too-large');
      await log.append([new Uint8Array(length), new Uint8Array(0)]);
      expect((await log.readEntry(0)).bytes.length).toBe(length);
      expect((await log.readEntry(1)).bytes.length).toBe(0);
    }
    await expect(logs.get('open').append([])).rejects.toThrow(RangeError);
  });

  test('a group is one batch, or nothing', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const log = (await open(instance, { limits: { maxBatchEntries: 10, maxBatchBytes: 1_000 } })).get('open');
    expect(await refusal(log.append(Array.from({ length: 11 }, (_, i) => entry(i))))).toBe('entry-too-large');
    expect(await refusal(log.append([Buffer.alloc(600, 1), Buffer.alloc(600, 2)]))).toBe('entry-too-large');
    const groups = Array.from({ length: 9 }, (_, g) =>
      Array.from({ length: 7 }, (_, i) => entry(`${g}.${i}`)),
    );
    const answers = await Promise.all(groups.map((group) => log.append(group)));
    for (const answer of answers) {
      const start = answer[0]?.leafIndex ?? -1;
      expect(answer.map(({ leafIndex }) => leafIndex - start)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    }
    expect(log.metrics().batches).toBeGreaterThanOrEqual(9);
  });

  test('is refused with retryAfterMs when the queue is full', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const log = (await open(instance, { limits: { maxQueuedEntries: 5, maxQueuedBytes: 1_000 } })).get(
      'open',
    );
    const waiting = Array.from({ length: 5 }, (_, i) => log.append([entry(i)]));
    const error = await log.append([entry(5)]).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'overloaded', retryAfterMs: 1_000 });
    await Promise.all(waiting);
    expect(await refusal(log.append([Buffer.alloc(1_001)]))).toBe('overloaded');
    expect(await log.append([entry(5)])).toMatchObject([{ leafIndex: 5 }]);
    expect(log.metrics().overloads).toBe(2);
  });

  test('waits for publication when too much is not in tiles', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const log = (await open(instance, { limits: { maxUnpublishedBytes: 1_000, publishIntervalMs: 20 } })).get(
      'open',
    );
    let most = 0;
    log.onCommitted(() => {
      most = Math.max(most, log.metrics().unpublishedBytes);
    });
    for (let i = 0; i < 30; i++) await log.append([Buffer.alloc(400, i)]);
    expect(most).toBeLessThanOrEqual(1_400);
  });
});

describe('registeredAt', () => {
  test('is in the leaf, never decreases, and does not change who is who', async () => {
    const instance = await create({ statements: { entries: REGISTERED } });
    const clock = new TestClock();
    const logs = await open(instance, { clock });
    const log = logs.get('statements');
    const t0 = clock.wallMs;
    await log.append([entry(0)]);
    clock.pass(1_000);
    await log.append([entry(1)]);
    clock.wallMs -= 30_000;
    const back = await log.append([entry(2)]);
    expect(back[0]?.registeredAt).toBe(t0 + 1_000);
    const again = await log.append([entry(0)]);
    expect(again).toMatchObject([{ leafIndex: 0, registeredAt: t0, duplicate: true }]);
    expect((await entriesOf(log)).map(({ registeredAt }) => registeredAt)).toEqual([
      t0,
      t0 + 1_000,
      t0 + 1_000,
    ]);
    const [first] = await entriesOf(log, 0, 1);
    expect(again[0]?.leafHash).toEqual(Buffer.from(hashLeaf(first?.leaf ?? new Uint8Array())));
    await logs.close();
    const after = (await open(instance, { clock })).get('statements');
    expect(await after.append([entry(3)])).toMatchObject([{ leafIndex: 3, registeredAt: t0 + 1_000 }]);
    expect(await after.append([entry(1)])).toMatchObject([{ leafIndex: 1, registeredAt: t0 + 1_000 }]);
  });

  test('a clock far behind is refused, for entries and for cosigning, until it has caught up', async () => {
    const instance = await create({ statements: { entries: REGISTERED } });
    const clock = new TestClock();
    const log = (await open(instance, { clock })).get('statements');
    await log.append([entry(0)]);
    await log.whenPublished(0);
    clock.wallMs -= 61_000;
    expect(await refusal(log.append([entry(1)]))).toBe('clock-behind');
    expect(await refusal(log.republish())).toBe('clock-behind');
    clock.pass(2_000);
    expect(await log.append([entry(1)])).toMatchObject([{ leafIndex: 1 }]);
    await log.republish();
  });

  test('a leap ahead is refused until the clock comes back, or has been steady', async () => {
    const instance = await create({ statements: { entries: REGISTERED } });
    const clock = new TestClock();
    const log = (await open(instance, { clock })).get('statements');
    const t0 = clock.wallMs;
    await log.append([entry(0)]);
    clock.wallMs += 10 * 365 * 86_400_000;
    const error = await log.append([entry(1)]).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'clock-jumped', retryAfterMs: 60_000 });
    clock.wallMs = t0;
    clock.pass(10);
    expect(await log.append([entry(1)])).toMatchObject([{ registeredAt: t0 + 10 }]);
    clock.wallMs += 3_600_000;
    expect(await refusal(log.append([entry(2)]))).toBe('clock-jumped');
    clock.pass(59_000);
    expect(await refusal(log.append([entry(2)]))).toBe('clock-jumped');
    clock.pass(1_000);
    expect(await log.append([entry(2)])).toMatchObject([{ registeredAt: clock.wallMs }]);
  });

  test('an open log does not look at the clock', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const clock = new TestClock();
    const log = (await open(instance, { clock })).get('open');
    await log.append([entry(0)]);
    clock.wallMs -= 3_600_000;
    await log.append([entry(1)]);
    clock.wallMs += 36_000_000;
    await log.append([entry(2)]);
    expect((await log.republish()).size).toBe(3);
  });
});

describe('publication', () => {
  test('tells those who wait, and serves every width up to the published size', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const log = (await open(instance, { limits: { publishIntervalMs: 10 } })).get('open');
    const sizes: number[] = [];
    log.onPublished(({ size }) => sizes.push(size));
    for (let i = 0; i < 6; i++) {
      const [appended] = await log.append([entry(i)]);
      const checkpoint = await log.whenPublished(appended?.leafIndex ?? -1);
      expect(checkpoint.size).toBeGreaterThan(i);
      expect(log.published).toBe(checkpoint);
    }
    expect(sizes).toEqual([...new Set(sizes)].toSorted((a, b) => a - b));
    for (let width = 1; width <= 6; width++) {
      expect((await log.readTile({ level: 0, index: 0, width }))?.length).toBe(32 * width);
      const bundle = await log.readBundle({ index: 0, width });
      expect(bundle?.length).toBe(width * (2 + entry(0).length));
    }
    expect(await log.readTile({ level: 0, index: 0, width: 7 })).toBeNull();
    expect(await log.readTile({ level: 1, index: 0, width: 1 })).toBeNull();
    expect(await log.readBundle({ index: 1, width: 1 })).toBeNull();
    expect(await refusal(log.whenPublished(6))).toBe('out-of-range');
    expect(await refusal(log.inclusionProof(6, 7))).toBe('out-of-range');
    expect(await refusal(entriesOf(log, 0, 7))).toBe('out-of-range');
  });

  test('partials go when the full tile has come; any width is still read', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const log = (await open(instance, { limits: { publishIntervalMs: 1 } })).get('open');
    for (let i = 0; i < 250; i += 50) {
      await log.append(Array.from({ length: 50 }, (_, j) => entry(i + j)));
      await log.whenPublished(i + 49);
    }
    expect((await readdir(join(instance.publicFolder('open'), 'tile/0/000.p'))).length).toBeGreaterThan(1);
    await log.append(Array.from({ length: 300 }, (_, j) => entry(250 + j)));
    await log.whenPublished(549);
    await log.republish();
    expect(await readdir(join(instance.publicFolder('open'), 'tile/0'))).not.toContain('000.p');
    expect(await readdir(join(instance.publicFolder('open'), 'tile/entries'))).not.toContain('000.p');
    expect((await log.readTile({ level: 0, index: 0, width: 77 }))?.length).toBe(77 * 32);
    expect((await log.readBundle({ index: 0, width: 1 }))?.length).toBe(2 + entry(0).length);
  });

  test('republish dates the cosignature anew and changes nothing else', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const clock = new TestClock();
    const log = (await open(instance, { clock })).get('open');
    await log.append([entry(0)]);
    const before = await log.whenPublished(0);
    clock.pass(90_000);
    const [after, same] = await Promise.all([log.republish(), log.republish()]);
    expect(same).toBe(after);
    expect(after.cosignedAt).toBe(Math.floor(clock.wallMs / 1000));
    expect(after.note.split('\n\n')[0]).toBe(before.note.split('\n\n')[0]);
    expect(await readFile(join(instance.publicFolder('open'), 'checkpoint'), 'utf8')).toBe(after.note);
  });

  test('a pair is published as one, the companion first and dated no earlier; history keeps both', async () => {
    const instance = await create({
      keys: { entries: REGISTERED },
      statements: { entries: REGISTERED, keepHistory: true },
    });
    const publishTogether = [{ lead: 'statements', companions: ['keys'] }];
    const limits = { publishIntervalMs: 1 };
    const logs = await open(instance, { publishTogether, limits });
    const [keys, statements] = [logs.get('keys'), logs.get('statements')];
    const shown: string[] = [];
    keys.onPublished(() => shown.push('keys'));
    statements.onPublished(() => shown.push('statements'));
    await keys.append([entry('key')]);
    await keys.whenPublished(0);
    const pairs = [];
    for (let i = 0; i < 3; i++) {
      await statements.append([entry(i)]);
      pairs.push(await statements.whenPublished(i));
    }
    expect(shown.join(' ')).toMatch(/^(keys statements ?)+$/);
    const cosigner = noteVerifier(instance.cosigner.name, 0x04, instance.cosigner.key.publicKey);
    const timeOf = (note: string) =>
      cosignatureTime(openNote(note, [cosigner]).signatures[0]?.signature ?? new Uint8Array());
    for (const pair of pairs) {
      expect(timeOf(pair.companions['keys'] ?? '')).toBeGreaterThanOrEqual(pair.cosignedAt);
      expect(timeOf(pair.note)).toBe(pair.cosignedAt);
    }
    await logs.close();
    const again = (await open(instance, { publishTogether })).get('statements');
    const first = await again.checkpointAt(1);
    expect(first?.size).toBe(1);
    expect(Object.keys(first?.companions ?? {})).toEqual(['keys']);
    expect(first?.root).toEqual(await again.rootAt(1));
    expect(await again.checkpointAt(999)).toBeNull();
    expect(await again.checkpointAt(-1)).toBeNull();
  });
});

describe('anchoring', () => {
  test('carries the newest head into the root log, retries, and tells those who wait', async () => {
    const instance = await create({
      keys: { entries: REGISTERED, anchorAtOnce: true },
      root: { entries: REGISTERED },
    });
    const heads: Head[] = [];
    let failures = 1;
    const anchor = {
      rootLog: 'root',
      append: async (head: Head, all: Logs) => {
        if (failures-- > 0) throw new Error('not now');
        heads.push(head);
        await all.get('root').append([Buffer.from(JSON.stringify([head.log, head.size]))]);
      },
    };
    const logs = await open(instance, { anchor, limits: { publishIntervalMs: 1 } });
    const keys = logs.get('keys');
    await keys.append([entry(0)]);
    const head = await keys.whenAnchored(0);
    expect(head).toMatchObject({ log: 'keys', origin: 'test.example/keys', size: 1 });
    expect(head.root).toEqual((await keys.whenPublished(0)).root);
    expect(logs.get('root').size).toBe(1);
    expect(await logs.get('root').whenAnchored(0)).toMatchObject({ log: 'root', size: 1 });
    await keys.append([entry(1)]);
    await keys.whenAnchored(1);
    expect(heads.map(({ size }) => size)).toEqual([1, 2]);
    await logs.close();
    expect(await refusal(keys.whenAnchored(5))).toBe('out-of-range');
    const again = await open(instance, { anchor });
    await again.get('keys').whenAnchored(1);
    expect(heads.at(-1)?.size).toBe(2);
    expect(again.get('root').size).toBe(2);
  });

  test('an ordinary log is anchored at most once in the interval', async () => {
    const instance = await create({ other: { entries: OPEN }, root: { entries: REGISTERED } });
    const times: number[] = [];
    const logs = await open(instance, {
      limits: { publishIntervalMs: 1, anchorIntervalMs: 100 },
      anchor: {
        rootLog: 'root',
        append: () => {
          times.push(performance.now());
          return Promise.resolve();
        },
      },
    });
    const log = logs.get('other');
    for (let i = 0; i < 40; i++) {
      await log.append([entry(i)]);
      await log.whenPublished(i);
    }
    await log.whenAnchored(39);
    for (const [i, time] of times.entries()) {
      // Timers may fire a millisecond early by this clock.
      if (i > 0) expect(time - (times[i - 1] ?? 0)).toBeGreaterThan(98);
    }
  });
});

describe('closing and opening', () => {
  test('what waits is committed and published; afterwards everything is refused', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const logs = await open(instance);
    const log = logs.get('open');
    const waiting = Array.from({ length: 100 }, (_, i) => log.append([entry(i)]));
    const closing = logs.close();
    expect(await refusal(log.append([entry('late')]))).toBe('closed');
    const answers = await Promise.all(waiting);
    await closing;
    expect(answers.flat().map(({ leafIndex }) => leafIndex)).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
    expect(await instance.requireSound()).toEqual({ open: 100 });
    expect(await refusal(log.append([entry(0)]))).toBe('closed');
    expect(await refusal(log.republish())).toBe('closed');
    expect(log.state).toBe('closed');
  });

  test('a second writer is refused, in this process too', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const logs = await open(instance);
    expect(await refusal(instance.open())).toBe('locked');
    await logs.get('open').append([entry(0)]);
    await logs.close();
    await open(instance);
  });

  test('the wrong key is refused', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const other = await create({ open: { entries: OPEN } });
    expect(await refusal(instance.open({ logs: other.specs }))).toBe('wrong-key');
  });

  test('an altered edge is refused, naming the file', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const logs = await open(instance);
    await logs.get('open').append(Array.from({ length: 300 }, (_, i) => entry(i)));
    await logs.close();
    for (const path of ['tile/0/001.p/44', 'tile/entries/001.p/44', 'tile/1/000.p/1']) {
      const file = join(instance.publicFolder('open'), path);
      const bytes = await readFile(file);
      const altered = Buffer.from(bytes);
      altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
      await writeFile(file, altered);
      expect(await refusal(instance.open())).toBe('corrupt');
      await rm(file);
      await expect(instance.open()).rejects.toThrow(path);
      await writeFile(file, bytes);
    }
    await open(instance);
  });

  test('one altered bit in a tile is named by fsck', async () => {
    const instance = await create({ open: { entries: OPEN } });
    const logs = await open(instance);
    await logs.get('open').append(Array.from({ length: 600 }, (_, i) => entry(i)));
    await logs.close();
    const file = join(instance.publicFolder('open'), 'tile/0/001');
    const bytes = await readFile(file);
    const altered = Buffer.from(bytes);
    altered[100] = (altered[100] ?? 0) ^ 0x10;
    await writeFile(file, altered);
    const report = await checkLog({
      source: instance.publicFolder('open'),
      vkey: instance.vkey('open'),
      workers: 1,
    });
    expect(report.ok).toBe(false);
    expect(report.problems.map(({ path }) => path)).toContain('tile/0/001');
    await writeFile(file, bytes);
  });

  test('the identity index is rebuilt when it is deleted, and works across runs and merges', async () => {
    const instance = await create({ open: { entries: OPEN }, statements: { entries: REGISTERED } });
    const small = { runEntries: 100 };
    const count = 2_000;
    const hashOf = (i: number) => createHash('sha256').update(`${i}`).digest();
    let logs = await open(instance, {}, small);
    for (const name of logs.names) {
      const log = logs.get(name);
      for (let i = 0; i < count; i += 40) {
        await log.append(Array.from({ length: 40 }, (_, j) => hashOf(i + j)));
      }
    }
    for (const deleted of [false, true]) {
      await logs.close();
      for (const name of logs.names) {
        const folder = join(instance.stateFolder(name), 'identities');
        const runs = (await readdir(folder)).filter((file) => file.endsWith('.run'));
        if (!deleted) expect(runs.length).toBeGreaterThan(0);
        if (deleted) await rm(folder, { recursive: true });
      }
      logs = await open(instance, {}, small);
      for (const name of logs.names) {
        const log = logs.get(name);
        for (let i = 0; i < count; i += 400) {
          const answers = await log.append(Array.from({ length: 400 }, (_, j) => hashOf(i + j)));
          expect(answers.map(({ leafIndex, duplicate }) => [leafIndex, duplicate])).toEqual(
            Array.from({ length: 400 }, (_, j) => [i + j, true]),
          );
        }
        expect(log.size).toBe(count);
      }
    }
  });

  test.each([
    ['longer', 300],
    ['shorter, but of another history', 100],
  ])('an identity index that a restore left behind is not believed (%s)', async (_, more) => {
    const instance = await create({ open: { entries: OPEN } });
    const small = { runEntries: 50 };
    const grow = async (prefix: string, count: number) => {
      const logs = await instance.open({}, small);
      for (let i = 0; i < count; i += 50) {
        await logs.get('open').append(Array.from({ length: 50 }, (_, j) => entry(`${prefix} ${i + j}`)));
      }
      await logs.close();
    };
    const folders = [instance.publicFolder('open'), join(instance.stateFolder('open'), 'wal')];
    await grow('first', 100);
    for (const folder of folders) await cp(folder, `${folder}.old`, { recursive: true });
    const identities = join(instance.stateFolder('open'), 'identities');
    await grow('lost', more);
    await cp(identities, `${identities}.lost`, { recursive: true });
    for (const folder of folders) {
      await rm(folder, { recursive: true });
      await rename(`${folder}.old`, folder);
    }
    if (more === 100) {
      await rm(identities, { recursive: true });
      await grow('second', 200);
      await rm(identities, { recursive: true });
      await rename(`${identities}.lost`, identities);
    }
    const log = (await open(instance, {}, small)).get('open');
    const known = await log.append([entry('first 0'), entry('first 99'), entry('lost 0')]);
    expect(known.map(({ leafIndex, duplicate }) => [leafIndex, duplicate])).toEqual([
      [0, true],
      [99, true],
      [log.size - 1, false],
    ]);
    expect(await log.append([entry('lost 0')])).toMatchObject([{ leafIndex: log.size - 1, duplicate: true }]);
    if (more === 100) {
      expect(await log.append([entry('second 0')])).toMatchObject([{ leafIndex: 100, duplicate: true }]);
    }
  });
});
