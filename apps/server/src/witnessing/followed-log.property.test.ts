import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { requireSoundLog } from '@vitrine/fsck';
import { bundlesOfTree, formatBundlePath, formatTilePath, tilesOfTree } from '@vitrine/tlog';
import { type BuiltLog, buildLog } from '../../../../packages/fsck/test/build-log.ts';
import { FollowedFolder } from '../storage/log-files/followed-folder.ts';
import { FollowError } from './follow-error.ts';
import { FollowedLog } from './followed-log.ts';

const numRuns = process.env['VITRINE_SOAK'] === undefined ? 25 : 1_000;
const top = mkdtempSync(join(tmpdir(), 'vitrine-followed-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

let source = '';
let copy = '';
let count = 0;
function fresh(): void {
  rmSync(join(top, String(count)), { recursive: true, force: true });
  count++;
  source = join(top, String(count), 'source');
  copy = join(top, String(count), 'copy');
}
beforeEach(fresh);

const entry = (leafIndex: number): Uint8Array => Buffer.from(`entry ${leafIndex}`);
/** The same entries up to `from`, others after it. */
const forkedFrom =
  (from: number) =>
  (leafIndex: number): Uint8Array =>
    leafIndex < from ? entry(leafIndex) : Buffer.from(`other ${leafIndex}`);

async function open(built: BuiltLog): Promise<FollowedLog> {
  const store = new FollowedFolder({ publicFolder: join(copy, 'public'), stateFolder: join(copy, 'state') });
  return FollowedLog.open({ name: 'followed', vkey: built.vkey, kind: 'open', store });
}

function checkpointOf(folder: string): string {
  return readFileSync(join(folder, 'checkpoint'), 'utf8');
}

async function receive(log: FollowedLog, show = true): Promise<string> {
  const { outcome } = await log.receive({
    note: checkpointOf(source),
    source: { kind: 'folder', path: source },
    show,
  });
  return outcome;
}

async function refusal(received: Promise<unknown>): Promise<string> {
  try {
    await received;
  } catch (error) {
    if (error instanceof FollowError) return error.code;
    throw error;
  }
  return 'taken';
}

/** Every file of the public folder with its digest. */
function filesOf(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  if (!existsSync(folder)) return files;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    if (!statSync(path).isFile()) continue;
    files.set(relative(folder, path), createHash('sha256').update(readFileSync(path)).digest('hex'));
  }
  return files;
}

/** What a log of this size consists of: no more, no less. */
function pathsOf(size: number): string[] {
  return [
    'checkpoint',
    ...[...bundlesOfTree(size)].map(formatBundlePath),
    ...[...tilesOfTree(size)].map(formatTilePath),
  ].toSorted();
}

async function expectMirror(built: BuiltLog, size: number): Promise<void> {
  await requireSoundLog({ source: join(copy, 'public'), vkey: built.vkey });
  const files = filesOf(join(copy, 'public'));
  expect([...files.keys()].toSorted()).toEqual(pathsOf(size));
  for (const [path, digest] of files) expect([path, filesOf(source).get(path)]).toEqual([path, digest]);
}

const sizes = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 1_500 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 255, 256, 257, 511, 512, 513, 768) },
);

test('any honest growth gives the same files, sound at every step, across restarts', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(sizes, { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      async (drawn, reopens) => {
        fresh();
        const growth = drawn.toSorted((a, b) => a - b);
        let built = buildLog(source, 0, entry);
        let log = await open(built);
        for (const size of growth) {
          built = buildLog(source, size, entry, built.keys);
          await receive(log);
          expect(log.published.size).toBe(size);
          await expectMirror(built, size);
          if (!reopens) continue;
          await log.close();
          log = await open(built);
          expect(log.published.size).toBe(size);
        }
        await log.close();
      },
    ),
    { numRuns },
  );
});

test('a log of three levels, and its growth over the edge of one', { timeout: 300_000 }, async () => {
  let built = buildLog(source, 65_530, entry);
  const log = await open(built);
  for (const size of [65_530, 65_536, 66_100]) {
    built = buildLog(source, size, entry, built.keys);
    expect(await receive(log)).toBe('grown');
    await expectMirror(built, size);
  }
  const proof = await log.consistencyProof(65_530, 66_100);
  expect(proof.length).toBeGreaterThan(0);
  expect(Buffer.from((await log.readEntry(66_000)).leaf).toString()).toBe('entry 66000');
  await log.close();
});

const tampering = fc.record({
  which: fc.nat(),
  how: fc.constantFrom('flip', 'cut', 'lengthen', 'remove'),
  at: fc.nat(),
});

function tamper({ which, how, at }: { which: number; how: string; at: number }): string {
  const paths = [...filesOf(source).keys()].filter((path) => path !== 'checkpoint');
  const path = paths[which % paths.length] ?? '';
  const file = join(source, path);
  const bytes = readFileSync(file);
  if (how === 'remove') rmSync(file);
  else if (how === 'cut') truncateSync(file, at % bytes.length);
  else if (how === 'lengthen') writeFileSync(file, Buffer.concat([bytes, Buffer.of(at & 0xff)]));
  else {
    const flipped = at % bytes.length;
    bytes[flipped] = (bytes[flipped] ?? 0) ^ (1 << (at & 7));
    writeFileSync(file, bytes);
  }
  return path;
}

test('whatever is altered is refused, or was not needed; the folder is then as it was', {
  timeout: 300_000,
}, async () => {
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 900 }),
      fc.integer({ min: 1, max: 900 }),
      tampering,
      async (from, more, change) => {
        fresh();
        const first = buildLog(source, from, entry);
        const log = await open(first);
        await receive(log);
        const before = filesOf(join(copy, 'public'));
        buildLog(source, from + more, entry, first.keys);
        tamper(change);
        const came = await refusal(receive(log));
        if (came === 'taken') {
          buildLog(source, from + more, entry, first.keys);
          await expectMirror(first, from + more);
        } else {
          refusals++;
          expect(came).toBe('does-not-hold');
          expect(filesOf(join(copy, 'public'))).toEqual(before);
          // Nor does it stand in the way of what is right.
          buildLog(source, from + more, entry, first.keys);
          expect(await receive(log)).toBe('grown');
          await expectMirror(first, from + more);
        }
        await log.close();
      },
    ),
    { numRuns },
  );
  // Of few runs it may be few, by chance; none would mean that nothing was tried.
  expect(refusals).toBeGreaterThan(numRuns / 100);
});

test('any other history is a fork, told from a stale view; nothing of it is kept', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 900 }),
      fc.integer({ min: 1, max: 1_500 }),
      fc.nat(),
      async (heldSize, offeredSize, seed) => {
        fresh();
        const from = seed % (Math.min(heldSize, offeredSize) + 1);
        const first = buildLog(source, heldSize, entry);
        const log = await open(first);
        await receive(log);
        const held = checkpointOf(source);
        const before = filesOf(join(copy, 'public'));
        rmSync(source, { recursive: true });
        buildLog(source, offeredSize, forkedFrom(from), first.keys);
        const came = await refusal(receive(log));
        if (from < Math.min(heldSize, offeredSize)) {
          expect(came).toBe('fork');
          const after = filesOf(join(copy, 'public'));
          const evidence = [...after.keys()].filter((path) => path.startsWith('fork-')).toSorted();
          expect(evidence).toHaveLength(2);
          const [heldFile = '', offeredFile = ''] = evidence;
          expect(readFileSync(join(copy, 'public', heldFile), 'utf8')).toBe(held);
          expect(readFileSync(join(copy, 'public', offeredFile), 'utf8')).toBe(checkpointOf(source));
          for (const path of evidence) after.delete(path);
          expect(after).toEqual(before);
        } else {
          expect(came).toBe('taken');
          expect(log.published.size).toBe(Math.max(heldSize, offeredSize));
        }
        await requireSoundLog({ source: join(copy, 'public'), vkey: first.vkey });
        await log.close();
      },
    ),
    { numRuns },
  );
});

test('what is held is not shown, and is shown later without being pulled again', async () => {
  const first = buildLog(source, 300, entry);
  let log = await open(first);
  await receive(log);
  buildLog(source, 700, entry, first.keys);
  expect(await receive(log, false)).toBe('grown');
  expect([log.size, log.published.size]).toEqual([700, 300]);
  await expect(log.rootAt(700)).rejects.toThrow(/not published/);
  await requireSoundLog({ source: join(copy, 'public'), vkey: first.vkey });
  await log.close();

  log = await open(first);
  expect([log.size, log.published.size]).toEqual([700, 300]);
  const waiting = log.whenPublished(500);
  const note = checkpointOf(source);
  rmSync(source, { recursive: true });
  const { outcome } = await log.receive({ note, source: { kind: 'folder', path: source }, show: true });
  expect(outcome).toBe('shown');
  expect((await waiting).size).toBe(700);
  await log.close();
  buildLog(source, 700, entry, first.keys);
  await expectMirror(first, 700);
});

test('the folder of another log, and one that was damaged, are not opened', async () => {
  const first = buildLog(source, 300, entry);
  const log = await open(first);
  await receive(log);
  await log.close();
  const other = buildLog(join(top, 'other'), 3, entry);
  await expect(open(other)).rejects.toMatchObject({ code: 'wrong-key' });
  writeFileSync(join(copy, 'public', 'tile', '1', '000.p', '1'), Buffer.alloc(32));
  await expect(open(first)).rejects.toMatchObject({ code: 'corrupt' });
});
