import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeHex, parseVkey } from '@vitrine/tlog';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { type LocalDb, type LocalState, prepareLocalState } from '../local-state/schema.ts';
import { silent } from '../log/engine-logger.ts';
import { nativeVerifier } from '../log/checkpoint-signing.ts';
import { ForkFolder } from '../storage/fork-files/fork-folder.ts';
import { nodeFileSystem } from '../storage/log-files/file-system.ts';
import { openSqlite } from '../storage/sqlite/dialect.ts';
import { TestLog } from '../witnessing/test-log.ts';
import { contradictionOf } from './contradiction.ts';
import { ForkRegister, type KnownFork } from './fork-register.ts';
import { type LogCheckpoint, openLogCheckpoint } from './log-checkpoint.ts';
import { Held } from './test-held.ts';

const ORIGIN = 'acme.example/statements';
const FOUND_MS = 1_700_000_000_000;

const top = mkdtempSync(join(tmpdir(), 'vitrine-forks-'));
const databases: LocalDb[] = [];
afterEach(async () => {
  for (const db of databases.splice(0)) await db.destroy();
});
afterAll(() => {
  rmSync(top, { recursive: true, force: true });
});

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(top, 'centre-')), 'forks');
});

async function localState(): Promise<LocalDb> {
  const db = openSqlite<LocalState>(':memory:');
  databases.push(db);
  await prepareLocalState(db);
  return db;
}

const open = (local: LocalDb, files = new ForkFolder(folder)): Promise<ForkRegister> =>
  ForkRegister.open({ local, files, nowMs: () => FOUND_MS, logger: silent });

const held = new Held(new TestLog(ORIGIN).grow(9)).publish();
const other = held.log.fork(3).grow(4, 'other');

function opened(note: string): LogCheckpoint {
  return openLogCheckpoint(note, nativeVerifier(parseVkey(held.vkey)));
}

/** Adds the fork of a smaller size than is held. */
async function addFork(register: ForkRegister, size = 7): Promise<KnownFork> {
  const [offending, ours] = [opened(other.note(size)), opened(held.log.note())];
  const evidence = await contradictionOf(offending, ours, held);
  if (evidence === undefined) throw new TypeError('they contradict each other');
  return register.add(evidence, { offending, held: ours, foundBy: 'a test' });
}

const fileOf = (fork: KnownFork): string => join(folder, `fork-${fork.id}.evidence`);

test('the evidence lies in a file of its own, the very bytes that are handed out', async () => {
  const fork = await addFork(await open(await localState()));
  expect(new Uint8Array(readFileSync(fileOf(fork)))).toEqual(fork.evidence);
  expect(readdirSync(join(folder, 'unfinished'))).toEqual([]);
});

test('a fork outlives the loss of the local state: known, frozen, and resolved by the same statement', async () => {
  const fork = await addFork(await open(await localState()));
  const local = await localState();
  const again = await open(local);
  expect(again.all).toMatchObject([
    { id: fork.id, origin: ORIGIN, offending: fork.offending, held: fork.held, resolvedAtMs: null },
  ]);
  expect(Buffer.from(fork.evidence).equals(again.all[0]?.evidence ?? Buffer.of())).toBe(true);
  expect(again.frozen).toEqual([ORIGIN]);
  // Found once more, it is the same one.
  expect((await addFork(again)).id).toBe(fork.id);
  expect(again.all).toHaveLength(1);
  const resolution = {
    ended: [fork.offending],
    kept: { origin: ORIGIN, root: encodeHex(held.log.root(9)), treeSize: 9 },
    log: 'acme.example/keys',
  };
  expect(await again.resolve(resolution, held)).toEqual([{ id: fork.id, resolved: true }]);
  // And it is told in the new local state: another start does not freeze it anew.
  expect((await open(local)).frozen).toEqual([]);
});

test('a file that is lost, altered or cut short is written again from the local state', async () => {
  const local = await localState();
  const fork = await addFork(await open(local));
  for (const harm of [
    () => rmSync(folder, { recursive: true }),
    () => writeFileSync(fileOf(fork), fork.evidence.subarray(0, 100)),
    () => writeFileSync(fileOf(fork), ''),
  ]) {
    harm();
    const again = await open(local);
    expect(again.all).toHaveLength(1);
    expect(new Uint8Array(readFileSync(fileOf(fork)))).toEqual(fork.evidence);
  }
});

test('what is no evidence, or evidence of another fork, freezes nothing and is left where it is', async () => {
  const fork = await addFork(await open(await localState()));
  const foreign = join(folder, `fork-${'0'.repeat(32)}.evidence`);
  writeFileSync(foreign, fork.evidence);
  writeFileSync(fileOf(fork), fork.evidence.subarray(0, -1));
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  const again = await open(await localState());
  expect(again.all).toEqual([]);
  expect(again.anyFrozen).toBe(false);
  for (const path of [foreign, fileOf(fork), join(folder, 'notes.txt')]) expect(existsSync(path)).toBe(true);
});

test('a place that cannot be written leaves the fork in the other; in neither, the log is frozen all the same', async () => {
  const failing = new ForkFolder(folder, {
    ...nodeFileSystem,
    writeNew: () => Promise.reject(new Error('EIO')),
  });
  const local = await localState();
  const fork = await addFork(await open(local, failing));
  expect(existsSync(fileOf(fork))).toBe(false);
  expect((await open(local)).frozen).toEqual([ORIGIN]);
  expect(existsSync(fileOf(fork))).toBe(true);

  const gone = openSqlite<LocalState>(':memory:');
  await prepareLocalState(gone);
  const register = await open(gone, new ForkFolder(join(folder, 'elsewhere')));
  await gone.destroy();
  await addFork(register);
  expect((await open(await localState(), new ForkFolder(join(folder, 'elsewhere')))).frozen).toEqual([
    ORIGIN,
  ]);

  const lost = openSqlite<LocalState>(':memory:');
  await prepareLocalState(lost);
  const nowhere = await open(
    lost,
    new ForkFolder(join(folder, 'nowhere'), {
      ...nodeFileSystem,
      writeNew: () => Promise.reject(new Error('EIO')),
    }),
  );
  await lost.destroy();
  await expect(addFork(nowhere)).rejects.toThrow();
  expect(nowhere.frozen).toEqual([ORIGIN]);
});
