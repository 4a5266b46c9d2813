/**
 * The log engine alone, in this process, on real files: durable single appends and batches, what they cost in
 * latency, duplicates, and a start with a long identity index. The same over HTTP is measured by the load generator.
 *
 *     node --conditions=@vitrine/source bench/log.ts [--seconds 5] [--only singles|batches|duplicates|recovery]
 *
 * Profile it with `--cpu-prof` before the file name.
 */
import { randomFillSync } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Log } from '../apps/server/src/log/log.ts';
import { OPEN, TestInstance } from '../apps/server/src/storage/log-files/test-instance.ts';
import { report } from './figure.ts';
import { withFolder } from './server-process.ts';

const COMMAND = 'npm run bench log';
const ENTRY_BYTES = 300;
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, only: { type: 'string' } },
});
const seconds = Number(values.seconds);

/** Fresh entries: random bytes, since equal ones are not appended again. */
function entries(count: number): Uint8Array[] {
  const slab = randomFillSync(Buffer.allocUnsafe(count * ENTRY_BYTES));
  return Array.from({ length: count }, (_, i) => slab.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES));
}

async function withLog(work: (log: Log) => Promise<void>): Promise<void> {
  await withFolder(async (dataDir) => {
    const instance = await TestInstance.create({ bench: { entries: OPEN } }, { dataDir });
    const logs = await instance.open();
    await work(logs.get('bench'));
    await logs.close();
    await instance.requireSound();
  });
}

/** `lanes` callers, each with one append of `group` entries under way. Returns entries a second, and waits. */
async function run(log: Log, lanes: number, group: number): Promise<void> {
  const durableMs: number[] = [];
  const publishedMs: number[] = [];
  const published: Promise<void>[] = [];
  const startMs = performance.now();
  const endMs = startMs + 1000 * seconds;
  let count = 0;
  let calls = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const begunMs = performance.now();
      const appended = await log.append(entries(group));
      durableMs.push(performance.now() - begunMs);
      count += appended.length;
      const last = appended.at(-1);
      // One wait in twenty-five: the waits must not become the load.
      if (last !== undefined && calls++ % 25 === 0) {
        published.push(
          log.whenPublished(last.leafIndex).then(() => void publishedMs.push(performance.now() - begunMs)),
        );
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const tookSeconds = (performance.now() - startMs) / 1000;
  await Promise.all(published);
  const what = group === 1 ? `single appends, ${lanes} callers` : `groups of ${group}, ${lanes} callers`;
  const load = `${what}, ${ENTRY_BYTES}-byte entries, engine in process`;
  figure(`durable entries: ${load}`, count / tookSeconds, 'entries/s');
  figure(`durable, p99: ${load}`, percentile(durableMs, 0.99), 'ms');
  figure(`published, p99: ${load}`, percentile(publishedMs, 0.99), 'ms');
  const { batches, publications, commitSeconds } = log.metrics();
  process.stderr.write(
    `${batches} batches of ${(count / batches).toFixed(1)}, ${((1000 * commitSeconds.sum) / commitSeconds.count).toFixed(2)} ms a commit, ${publications} publications\n`,
  );
}

function percentile(values: readonly number[], at: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(at * values.length)] ?? Number.NaN;
}

function figure(name: string, value: number, unit: string): void {
  report({ name, value: Math.round(10 * value) / 10, unit, command: COMMAND });
}

const benchmarks: Record<string, () => Promise<void>> = {
  singles: () => withLog((log) => run(log, 256, 1)),
  batches: () => withLog((log) => run(log, 8, 1_000)),
  duplicates: () =>
    withLog(async (log) => {
      const known = entries(1_000);
      for (let i = 0; i < 100; i++) await log.append(i === 50 ? known : entries(1_000));
      await log.republish();
      const startMs = performance.now();
      let count = 0;
      while (performance.now() < startMs + 1000 * seconds) {
        const answers = await Promise.all(Array.from({ length: 8 }, () => log.append(known)));
        count += answers.flat().length;
      }
      figure('entries that the log has already', count / ((performance.now() - startMs) / 1000), 'entries/s');
    }),
  recovery: () =>
    withFolder(async (dataDir) => {
      const instance = await TestInstance.create({ bench: { entries: OPEN } }, { dataDir });
      const count = 2_000_000;
      let logs = await instance.open();
      for (let i = 0; i < count; i += 10_000) await logs.get('bench').append(entries(10_000));
      await logs.close();
      const startMs = performance.now();
      logs = await instance.open();
      figure(`start of a log of ${count} entries`, performance.now() - startMs, 'ms');
      await logs.close();
    }),
};

for (const [name, measure] of Object.entries(benchmarks)) {
  if (values.only === undefined || values.only === name) await measure();
}
