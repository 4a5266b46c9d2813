import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { type LocalState, prepareLocalState } from '../local-state/schema.ts';
import { silent } from '../log/engine-logger.ts';
import { ForkFolder } from '../storage/fork-files/fork-folder.ts';
import { openSqlite } from '../storage/sqlite/dialect.ts';
import { TestLog } from '../witnessing/test-log.ts';
import type { ViewDigest, WatchedCentre } from './centre-watch.ts';
import { ForkRegister } from './fork-register.ts';
import { type AnchoredIntake, Monitor } from './monitor.ts';
import { Held } from './test-held.ts';

const MINUTE_MS = 60_000;
const CHECKPOINT_MS = 12_000;
const top = mkdtempSync(join(tmpdir(), 'vitrine-forks-'));
afterAll(() => {
  rmSync(top, { recursive: true, force: true });
});
const forkFolder = (): ForkFolder => new ForkFolder(mkdtempSync(join(top, 'forks-')));
const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

/** Another centre, as far as a monitor looks at it. */
class OtherCentre {
  checkpoint: string;
  intake: string | null = null;
  digest: ViewDigest | null = null;
  readonly told: string[] = [];
  status = 200;
  readonly #server: Server;

  constructor(checkpoint: string) {
    this.checkpoint = checkpoint;
    this.#server = createServer((request, response) => {
      if (request.method === 'POST') {
        let body = '';
        request.on('data', (part: Buffer) => (body += part.toString()));
        request.on('end', () => {
          this.told.push(body);
          response.writeHead(this.status).end();
        });
        return;
      }
      const answer = {
        '/logs/statements/checkpoint': this.checkpoint,
        '/logs/intake/checkpoint': this.intake,
        '/api/view-digest': this.digest === null ? null : JSON.stringify(this.digest),
      }[request.url ?? ''];
      response.writeHead(answer === undefined || answer === null ? 404 : this.status).end(answer ?? '');
    });
    ending.push(() => this.stop());
  }

  async listen(name: string): Promise<WatchedCentre> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new TypeError('it has no port');
    return { name, url: `http://127.0.0.1:${address.port}` };
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

interface Around {
  readonly logs: readonly Held[];
  readonly centres: readonly WatchedCentre[];
  readonly own?: ViewDigest;
  readonly anchored?: readonly AnchoredIntake[];
}

async function monitorOf({ logs, centres, own, anchored = [] }: Around) {
  const local = openSqlite<LocalState>(':memory:');
  ending.push(() => local.destroy());
  await prepareLocalState(local);
  let nowMs = 1_000 * MINUTE_MS;
  const monitor = await Monitor.open({
    logs: () => logs,
    keys: new Held(new TestLog('acme.example/keys')),
    forks: await ForkRegister.open({ local, files: forkFolder(), nowMs: () => nowMs, logger: silent }),
    local,
    centres: () => Promise.resolve(centres),
    viewDigest: (rootSize) =>
      Promise.resolve(rootSize === undefined || rootSize === own?.rootSize ? own : undefined),
    checkpointAtMs: () => CHECKPOINT_MS,
    anchored: () => Promise.resolve(anchored),
    onResolved: () => undefined,
    nowMs: () => nowMs,
    monotonicMs: () => 0,
    logger: silent,
  });
  const kinds = (): string[] => monitor.notices().map(({ kind }) => kind);
  return {
    monitor,
    kinds,
    later: async (minutes: number): Promise<string[]> => {
      nowMs += minutes * MINUTE_MS;
      await monitor.look();
      return kinds();
    },
  };
}

test('a stale view is told from a fork, and only after a while', async () => {
  const held = new Held(new TestLog('acme.example/statements').grow(9)).publish(5);
  const other = new OtherCentre(held.log.note(5));
  const { later, monitor } = await monitorOf({
    logs: [held],
    centres: [await other.listen('zurich.example')],
  });
  expect(await later(0)).toEqual([]);
  expect(monitor.seen).toMatchObject([
    { name: 'zurich.example', verified: [{ size: 5, checkpointAtMs: CHECKPOINT_MS, staleSinceMs: null }] },
  ]);
  held.publish(9);
  expect(await later(1)).toEqual([]);
  expect(await later(1)).toEqual([]);
  expect(await later(6)).toEqual(['centre-stale']);
  other.checkpoint = held.log.note(9);
  expect(await later(1)).toEqual([]);
  other.checkpoint = held.log.fork(3).grow(2, 'other').note();
  expect(await later(1)).toEqual(['fork']);
});

test('a centre that does not answer is named after a while, and not any more once it does', async () => {
  const held = new Held(new TestLog('acme.example/statements').grow(3)).publish();
  const other = new OtherCentre(held.log.note());
  const centres = [await other.listen('zurich.example')];
  const { later } = await monitorOf({ logs: [held], centres });
  expect(await later(0)).toEqual([]);
  other.status = 500;
  expect(await later(1)).toEqual([]);
  expect(await later(11)).toEqual(['centre-unreachable']);
  other.status = 200;
  expect(await later(1)).toEqual([]);
});

test('views are compared at one root size and within one semantics', async () => {
  const held = new Held(new TestLog('acme.example/statements').grow(3)).publish();
  const other = new OtherCentre(held.log.note());
  const own = { rootSize: 3, semantics: 7, digest: 'a'.repeat(64) };
  const { later } = await monitorOf({ logs: [held], centres: [await other.listen('zurich.example')], own });
  expect(await later(0)).toEqual([]);
  for (const [digest, kinds] of [
    [own, []],
    [{ ...own, semantics: 8, digest: 'b'.repeat(64) }, []],
    [{ ...own, rootSize: 2, digest: 'b'.repeat(64) }, []],
    [{ ...own, digest: 'b'.repeat(64) }, ['view-differs']],
    [own, []],
  ] as const) {
    other.digest = digest;
    expect(await later(1)).toEqual(kinds);
  }
});

test('an entry of an intake log that the root log leaves out for an hour is a notice', async () => {
  const intake = new Held(new TestLog('zurich.example/intake').grow(1_000)).publish(970);
  const anchored = [{ origin: 'zurich.example/intake', size: 960 }];
  const { later, monitor } = await monitorOf({ logs: [intake], centres: [], anchored });
  expect(await later(0)).toEqual([]);
  expect(await later(30)).toEqual(['head-left-out']);
  expect(monitor.notices()[0]?.text).toContain('10 entries of zurich.example/intake');
  anchored[0] = { origin: 'zurich.example/intake', size: 970 };
  expect(await later(1)).toEqual([]);
});

test('the other centres are told of a fork, both checkpoints, until each has answered', async () => {
  const held = new Held(new TestLog('acme.example/statements').grow(9)).publish();
  const other = new OtherCentre(held.log.note());
  const { later, monitor } = await monitorOf({
    logs: [held],
    centres: [await other.listen('zurich.example')],
  });
  await monitor.found({ offending: held.log.fork(3).grow(2, 'other').note(), from: 'a test' });
  other.status = 503;
  await later(1);
  const first = other.told.length;
  expect(first).toBe(2);
  other.status = 409;
  await later(1);
  expect(other.told.slice(first)).toEqual([held.log.fork(3).grow(2, 'other').note(), held.log.note()]);
  await later(1);
  expect(other.told).toHaveLength(first + 2);
});

test('a follower’s and a cosigner’s finding become proof, whichever side is held', async () => {
  const log = new TestLog('acme.example/statements').grow(9);
  const lie = log.fork(3).grow(6, 'other');
  for (const size of [4, 9]) {
    const held = new Held(log).publish(9);
    const { monitor, kinds } = await monitorOf({ logs: [held], centres: [] });
    await monitor.found({ held: log.note(9), offending: lie.note(size), from: 'a test' });
    await monitor.found({ held: log.note(9), offending: lie.note(size), from: 'a test again' });
    expect(kinds()).toEqual(['fork']);
    await monitor.found({ held: log.note(4), offending: log.note(9), from: 'a false alarm' });
    expect(kinds()).toEqual(['fork']);
  }
});
