/** Faults of the machine under a real server: kill -9 under load, a full disk, a fsync that fails is log-engine.test.ts's. `npm run soak` runs the long count. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { ApiError, ProblemSchema } from '@vitrine/api';
import * as v from 'valibot';
import { code, publish, sha256, startCentre } from './running-centre.ts';
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
  const mounted: string[] = [];
  afterAll(() => {
    for (const parent of mounted) {
      execFileSync('umount', [parent]);
      rmSync(parent, { recursive: true, force: true });
    }
  });
  /** A disk of 48 MiB. */
  function mount(): string {
    const parent = mkdtempSync(join(tmpdir(), 'vitrine-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', parent]);
    mounted.push(parent);
    return parent;
  }
  /** Leaves no byte, whatever was given back meanwhile. */
  function fill(filler: string): void {
    const file = openSync(filler, 'a');
    try {
      for (const chunk of [Buffer.alloc(1 << 20), Buffer.alloc(4096)])
        for (let full = false; !full; ) {
          try {
            full = writeSync(file, chunk) < chunk.length;
          } catch (error) {
            if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
            full = true;
          }
        }
    } finally {
      closeSync(file);
    }
  }
  /** Tries again until it is taken, for ten seconds. */
  async function addPatiently(centre: RunningCentre, entry: string): Promise<number> {
    for (let attempt = 0; ; attempt += 1) {
      const response = await add(centre, entry);
      if (response.status === 200) return Number(await response.text());
      if (attempt === 50) throw new Error(`still refused: ${await response.text()}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  test('refuses new entries, serves reads, and takes entries again once there is space', async () => {
    const parent = mount();
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
      expect((await centre.api.call('products')).products.length).toBe(1);
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
      expect(await addPatiently(centre, 'after')).toBe(acknowledged.length);
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

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'keeps no centre from starting that was ended by %s: it serves reads, and takes entries once there is space',
    { timeout: 120_000 },
    async (signal) => {
      const parent = mount();
      const centre = await startCentre({ openLogs: ['inbox'], parent: join(parent, 'centre') });
      const filler = join(parent, 'filler');
      const program = Buffer.from('full from the start');
      const input = { product: 'full', source: { README: 'x' }, artifacts: { 'full.bin': program } };
      try {
        const release = await publish(centre, { ...input, version: '1' });
        const acknowledged = new Map([['first', await addPatiently(centre, 'first')]]);
        await vi.waitFor(async () =>
          expect((await centre.api.call('log', { params: { log: 'inbox' } })).size).toBe(1),
        );
        fill(filler);
        // Some are durable in what is left of the write-ahead file's last page, and cannot be published.
        for (let count = 0; ; count += 1) {
          const response = await add(centre, `entry ${count}`);
          if (response.status !== 200) break;
          acknowledged.set(`entry ${count}`, Number(await response.text()));
        }
        await centre.stop(signal);
        // SQLite makes these anew when it needs them: a copy of the folder, say, has none.
        for (const name of readdirSync(centre.dir, { recursive: true, encoding: 'utf8' }))
          if (name.endsWith('.sqlite-shm')) rmSync(join(centre.dir, name));
        // Derived as well.
        if (signal === 'SIGTERM')
          for (const suffix of ['', '-wal'])
            rmSync(join(centre.dir, 'vault', `index.sqlite${suffix}`), { force: true });
        fill(filler);
        await centre.restart();
        fill(filler);

        const checkpoint = await (await fetch(`${centre.url}/logs/inbox/checkpoint`)).text();
        expect(checkpoint).toBe(readFileSync(join(centre.dir, 'logs', 'inbox', 'checkpoint'), 'utf8'));
        expect((await fetch(`${centre.url}/logs/inbox/tile/0/000.p/1`)).status).toBe(200);
        expect((await fetch(`${centre.url}/logs/inbox/tile/entries/000.p/1`)).status).toBe(200);
        const health = await fetch(`${centre.url}/healthz`);
        expect(health.status).toBe(503);
        expect(await health.text()).toContain('log inbox: disk-full\n');
        expect(await (await fetch(`${centre.url}/metrics`)).text()).toContain(
          'vitrine_log_writable{log="statements"} 0\n',
        );
        const shown = await centre.api.call('release', { params: { product: 'full', version: '1' } });
        expect(shown.artifacts).toHaveLength(1);
        const content = await centre.api.call('artifactContent', { params: { sha256: sha256(program) } });
        expect(await content.text()).toBe('full from the start');
        const evidence = await centre.api.call('artifactEvidence', {
          params: { sha256: sha256(program) },
          query: {},
        });
        expect((await evidence.arrayBuffer()).byteLength).toBeGreaterThan(1000);

        const refused = await add(centre, 'refused');
        expect(refused.status).toBe(507);
        expect(v.parse(ProblemSchema, await refused.json()).code).toBe('disk-full');
        expect(await code(publish(centre, { ...input, version: '2' }))).toBe('disk-full');
        const again = { log: 'statements' as const, envelopes: [...release.envelopes], bodies: [] };
        expect(await code(centre.api.call('registerStatements', { body: again }))).toBeDefined();

        rmSync(filler);
        for (const [entry, index] of acknowledged) expect(await addPatiently(centre, entry)).toBe(index);
        expect(await addPatiently(centre, 'after')).toBe(acknowledged.size);
        await vi.waitFor(
          async () => expect(await (await fetch(`${centre.url}/healthz`)).text()).toBe('ok\n'),
          { timeout: 10_000 },
        );
        await vi.waitFor(
          async () => expect(await code(publish(centre, { ...input, version: '2' }))).toBeUndefined(),
          { timeout: 30_000, interval: 500 },
        );
        await centre.stop();
        await centre.restart();
        expect((await centre.api.call('product', { params: { product: 'full' } })).releases).toHaveLength(2);
      } finally {
        await centre.dispose();
      }
    },
  );
});
