/** Faults of the machine under a real server: kill -9 under load, a full disk, a fsync that fails is log-engine.test.ts's. `npm run soak` runs the long count. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ApiError, ProblemSchema } from '@vitrine/api';
import * as v from 'valibot';
import { publish, startCentre } from './running-centre.ts';
import type { RunningCentre } from './running-centre.ts';

const soak = process.env['VITRINE_SOAK'] !== undefined;

async function add(centre: RunningCentre, entry: string): Promise<Response> {
  return fetch(`${centre.url}/logs/inbox/add`, { method: 'POST', body: entry });
}

/** Deterministic numbers in [0, 1), so that a failing round can be run again by its seed. */
function seeded(seed: number): () => number {
  let counter = 0;
  return () => createHash('sha256').update(`${seed}/${counter++}`).digest().readUInt32BE() / 2 ** 32;
}

describe('kill -9 under load', () => {
  const rounds = soak ? 100 : 2;
  test(`${rounds} rounds: no acknowledged entry lost, none twice, every log sound`, {
    timeout: rounds * 60_000,
  }, async () => {
    const centre = await startCentre({ openLogs: ['inbox'] });
    try {
      const random = seeded(20171023);
      const acknowledged = new Map<string, number>();
      const releases: string[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const load = { stopped: false };
        const writers = Array.from({ length: 16 }, async (_, writer) => {
          for (let count = 0; !load.stopped; count += 1) {
            const entry = `round ${round} writer ${writer} entry ${count}`;
            try {
              const response = await add(centre, entry);
              if (response.status === 200) acknowledged.set(entry, Number(await response.text()));
            } catch {
              return;
            }
          }
        });
        const publisher = (async () => {
          for (let count = 0; !load.stopped; count += 1) {
            const version = `${round}.${count}`;
            try {
              await publish(centre, {
                product: 'crash',
                version,
                source: { README: version },
                artifacts: { 'crash.bin': Buffer.from(version) },
              });
              releases.push(version);
            } catch (error) {
              if (error instanceof ApiError) return;
              throw error;
            }
          }
        })();
        // Once it is under way, at a moment nobody chose.
        const before = releases.length;
        const ended = publisher.then(() => 'ended');
        const waiting = () => new Promise((resolve) => setTimeout(resolve, 10, 'waiting'));
        while (releases.length === before && (await Promise.race([ended, waiting()])) === 'waiting');
        expect(releases.length).toBeGreaterThan(before);
        await new Promise((resolve) => setTimeout(resolve, random() * 800));
        await centre.stop('SIGKILL');
        load.stopped = true;
        await Promise.all([...writers, publisher]);
        await centre.restart();
        await centre.checkLogs();
      }
      expect(acknowledged.size).toBeGreaterThan(rounds * 10);
      expect(new Set(acknowledged.values()).size).toBe(acknowledged.size);
      for (const [entry, index] of acknowledged)
        expect(await (await add(centre, entry)).text()).toBe(String(index));
      for (const version of releases) {
        expect(
          (await centre.api.call('release', { params: { product: 'crash', version } })).artifacts,
        ).toHaveLength(1);
      }
    } finally {
      await centre.dispose();
    }
  });
});

describe.runIf(process.getuid?.() === 0)('a full disk', () => {
  const parent = mkdtempSync(join(tmpdir(), 'vitrine-full-'));
  let mounted = false;
  afterAll(() => {
    if (mounted) execFileSync('umount', [parent]);
    rmSync(parent, { recursive: true, force: true });
  });

  test('refuses new entries, serves reads, and takes entries again once there is space', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', parent]);
    mounted = true;
    const centre = await startCentre({ openLogs: ['inbox'], parent: join(parent, 'centre') });
    const acknowledged: number[] = [];
    try {
      await publish(centre, {
        product: 'full',
        version: '1',
        source: { README: 'x' },
        artifacts: { 'full.bin': Buffer.from('full') },
      });
      const filler = join(parent, 'filler');
      const free = Number(
        execFileSync('df', ['--output=avail', '-B1', parent], { encoding: 'utf8' }).trim().split('\n')[1],
      );
      writeFileSync(filler, Buffer.alloc(free - 256 * 1024));
      let refusal: string | undefined;
      for (let count = 0; refusal === undefined && count < 100; count += 1) {
        const response = await add(centre, `${count} ${'x'.repeat(60_000)}`);
        if (response.status === 200) acknowledged.push(Number(await response.text()));
        else refusal = v.parse(ProblemSchema, await response.json()).code;
      }
      expect(refusal).toBe('disk-full');
      expect((await centre.api.call('products')).length).toBe(1);
      const evidence = await centre.api.call('artifact', {
        params: { sha256: createHash('sha256').update('full').digest('hex') },
      });
      expect(evidence.held).toBe(true);
      expect((await fetch(`${centre.url}/healthz`)).status).toBe(503);
      await expect(
        publish(centre, {
          product: 'full',
          version: '2',
          source: { README: 'y'.repeat(500_000) },
          artifacts: { 'more.bin': Buffer.alloc(500_000, 7) },
        }),
      ).rejects.toMatchObject({ problem: { code: 'disk-full' } });

      rmSync(filler);
      let index: number | undefined;
      for (let attempt = 0; index === undefined && attempt < 50; attempt += 1) {
        const response = await add(centre, 'after');
        if (response.status === 200) index = Number(await response.text());
        else await new Promise((resolve) => setTimeout(resolve, 200));
      }
      expect(index).toBe(acknowledged.length);
      await publish(centre, {
        product: 'full',
        version: '2',
        source: { README: 'y'.repeat(500_000) },
        artifacts: { 'more.bin': Buffer.alloc(500_000, 7) },
      });
      expect((await centre.api.call('product', { params: { product: 'full' } })).releases).toHaveLength(2);
      expect((await fetch(`${centre.url}/healthz`)).status).toBe(200);
    } finally {
      await centre.dispose();
    }
  });
});
