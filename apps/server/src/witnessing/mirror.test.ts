/** A mirror over real logs: what is cosigned is held, and what is not held is not cosigned. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatAddCheckpoint, openCosignatures, parseNote, parseVkey } from '@vitrine/tlog';
import type { Log, Logs } from '../log/log.ts';
import { FollowedFolder } from '../storage/log-files/followed-folder.ts';
import { newKey, OPEN, REGISTERED, TestInstance } from '../storage/log-files/test-instance.ts';
import { FileWitnessState } from '../storage/witness-state/file-witness-state.ts';
import { FollowedLog } from './followed-log.ts';
import { Follower } from './follower.ts';
import { logVerifiers } from './log-verifiers.ts';
import { createMirror, type Mirror } from './mirror.ts';

let folder: string;
let instance: TestInstance;
let logs: Logs;
let log: Log;
let server: Server;
let mirror: Mirror;
let followed: FollowedLog;
let follower: Follower;
let alter: (path: string, bytes: Buffer) => Buffer | undefined;
let nowMs: () => number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-mirror-'));
  alter = (_path, bytes) => bytes;
  nowMs = Date.now;
  instance = await TestInstance.create(
    { demo: { entries: REGISTERED } },
    { dataDir: join(folder, 'writer') },
  );
  logs = await instance.open();
  log = logs.get('demo');
  server = createServer((request, response) => {
    try {
      const path = request.url ?? '';
      const bytes = alter(path, readFileSync(join(folder, 'writer', 'logs', 'demo', path)));
      if (bytes === undefined) return;
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  followed = await FollowedLog.open({
    name: 'demo',
    vkey: log.vkey,
    kind: 'registered',
    store: new FollowedFolder({ publicFolder: join(folder, 'copy'), stateFolder: join(folder, 'state') }),
  });
  follower = new Follower({ log: followed, url: `http://127.0.0.1:${address.port}/` });
  mirror = await mirrorOf('mirror', () => ({ follower }));
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await mirror.close();
  await follower.stop();
  await followed.close();
  await logs.close();
  await instance.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function mirrorOf(
  name: string,
  mirrored: Parameters<typeof createMirror>[0]['mirrored'],
): Promise<Mirror> {
  const state = new FileWitnessState({ folder: join(folder, name) });
  await state.create();
  return createMirror({
    name: `test.example/${name}`,
    key: newKey(),
    verifiersOf: logVerifiers([log.vkey]),
    state,
    clock: { nowMs: () => nowMs(), monotonicMs: () => performance.now() },
    mirrored,
    pullWithinMs: 2_000,
  });
}

async function grow(count: number): Promise<void> {
  const from = log.size;
  await log.append(Array.from({ length: count }, (_, i) => Buffer.from(`entry ${from + i}`)));
  await log.whenPublished(log.size - 1);
}

async function request(
  oldSize: number,
  note = log.published.note,
  size = log.published.size,
): Promise<Uint8Array> {
  const proof = oldSize === 0 || oldSize === size ? [] : await log.consistencyProof(oldSize, size);
  return Buffer.from(formatAddCheckpoint({ oldSize, proof, checkpointNote: note }));
}

const hash = (): string => createHash('sha256').update(log.origin).digest('hex');

test('cosigns what it has pulled; it holds it, and does not show it', async () => {
  await grow(700);
  const answer = await mirror.addCheckpoint(await request(0));
  if (answer.outcome !== 'cosigned') throw new Error(answer.outcome);
  const { text } = parseNote(log.published.note);
  expect(openCosignatures(text, answer.signatureLines, [parseVkey(mirror.vkey)])).toHaveLength(1);
  expect([followed.size, followed.isPublished]).toEqual([700, false]);
  expect(Buffer.from((await followed.readEntry(699)).bytes).toString()).toBe('entry 699');
  await grow(500);
  expect(await mirror.addCheckpoint(await request(700))).toMatchObject({ outcome: 'cosigned' });
  expect(followed.size).toBe(1_200);
  expect(mirror.latest(hash())).toContain('\n1200\n');
  // Then it is published, and the follower has nothing left to pull.
  alter = (path, bytes) => (path === '/checkpoint' ? bytes : undefined);
  expect(await follower.pull()).toMatchObject({ outcome: 'shown', heldSize: 1_200 });
});

test('what a witness refuses is refused before anything is pulled', async () => {
  await grow(10);
  const right = await request(0);
  alter = () => undefined;
  expect(await mirror.addCheckpoint(Buffer.from('nonsense'))).toMatchObject({ outcome: 'malformed' });
  expect(await mirror.addCheckpoint(await request(3))).toMatchObject({ outcome: 'other-size', heldSize: 0 });
  const stranger = await mirrorOf('stranger', () => undefined);
  expect(await stranger.addCheckpoint(right)).toMatchObject({ outcome: 'unknown-origin' });
  await stranger.close();
});

test('what cannot be had, or does not hold, is not cosigned; later it is', async () => {
  await grow(300);
  alter = () => undefined;
  await expect(mirror.addCheckpoint(await request(0))).rejects.toMatchObject({ code: 'overloaded' });
  server.closeAllConnections();
  alter = (path, bytes) => (path.startsWith('/tile/entries/000') ? Buffer.concat([bytes, bytes]) : bytes);
  await expect
    .poll(
      async () => (await mirror.addCheckpoint(await request(0)).catch(() => ({ outcome: 'waits' }))).outcome,
      {
        timeout: 20_000,
      },
    )
    .toBe('inconsistent');
  expect([followed.size, mirror.latest(hash())]).toEqual([0, undefined]);
  alter = (_path, bytes) => bytes;
  expect(await mirror.addCheckpoint(await request(0))).toMatchObject({ outcome: 'cosigned' });
}, 60_000);

test('an entry from the future waits for the clock', async () => {
  await grow(3);
  nowMs = () => Date.now() - 90_000;
  await expect(mirror.addCheckpoint(await request(0))).rejects.toMatchObject({ code: 'clock-behind' });
  expect(mirror.latest(hash())).toBeUndefined();
  nowMs = () => Date.now() - 30_000;
  expect(await mirror.addCheckpoint(await request(0))).toMatchObject({ outcome: 'cosigned' });
});

test('of a log that this server writes, what it has is cosigned, and nothing else', async () => {
  await grow(20);
  const own = await mirrorOf('own', () => ({ written: log }));
  expect(await own.addCheckpoint(await request(0))).toMatchObject({ outcome: 'cosigned' });
  const restored = await TestInstance.create({ demo: { entries: OPEN } }, { dataDir: join(folder, 'other') });
  const shorter = await restored.open();
  const behind = await mirrorOf('behind', () => ({ written: shorter.get('demo') }));
  expect(await behind.addCheckpoint(await request(0))).toMatchObject({ outcome: 'inconsistent' });
  await own.close();
  await behind.close();
  await shorter.close();
});
