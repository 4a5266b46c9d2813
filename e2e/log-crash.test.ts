/** kill -9 on a real process under load, again and again on the same folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireSoundLog } from '@vitrine/fsck';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCrashLogs, LOG_NAMES, openCrashLogs } from './log-crash-log.ts';

const ROUNDS = process.env['VITRINE_SOAK'] === undefined ? 2 : 100;

let dataDir = '';
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'vitrine-crash-'));
  await createCrashLogs(dataDir);
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

/** Runs the writer, kills it after a while under load, and returns the lines that it said. */
async function runAndKill(round: number, afterMs: number): Promise<string[]> {
  const writer = spawn(
    process.execPath,
    [
      '--conditions=@vitrine/source',
      join(import.meta.dirname, 'log-crash-writer.ts'),
      dataDir,
      String(round),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(writer, 'exit');
  const lines: string[] = [];
  const reader = createInterface({ input: writer.stdout });
  const started = new Promise<void>((resolve, reject) => {
    reader.on('line', (line) => {
      lines.push(line);
      if (lines.length >= 100 && line.startsWith('shown')) resolve();
    });
    writer.once('exit', () => reject(new Error('the writer ended before it was killed')));
  });
  const drained = once(reader, 'close');
  await started;
  await sleep(afterMs);
  writer.kill('SIGKILL');
  await Promise.all([exited, drained]);
  return lines;
}

test(`kill -9 under load, ${ROUNDS} rounds: nothing acknowledged is lost or stands twice`, async () => {
  const acknowledged = new Map<string, number>();
  const shown = new Map<string, string>();
  for (let round = 0; round < ROUNDS; round++) {
    const lines = await runAndKill(round, Math.floor(Math.random() * 300));
    for (const line of lines) {
      const [what, log = '', number = '', value = ''] = line.split(' ');
      if (what === 'ack') {
        const key = `${log} ${value}`;
        expect(acknowledged.get(key) ?? Number(number)).toBe(Number(number));
        acknowledged.set(key, Number(number));
      } else if (what === 'shown') {
        const key = `${log} ${number}`;
        expect(shown.get(key) ?? value).toBe(value);
        shown.set(key, value);
      }
    }
    const logs = await openCrashLogs(dataDir);
    for (const name of LOG_NAMES) {
      const log = logs.get(name);
      const entries = new Map<string, number>();
      for await (const { bytes, leafIndex } of log.readEntries(0, log.size)) {
        const text = Buffer.from(bytes).toString();
        expect(entries.has(text), `${text} stands twice`).toBe(false);
        entries.set(text, leafIndex);
      }
      for (const [key, index] of acknowledged) {
        const [of = '', text = ''] = key.split(' ');
        if (of === name) expect(entries.get(text), `${key} was acknowledged`).toBe(index);
      }
      for (const [key, root] of shown) {
        const [of, size] = key.split(' ');
        if (of === name) expect(Buffer.from(await log.rootAt(Number(size))).toString('hex')).toBe(root);
      }
      await requireSoundLog({ source: join(dataDir, 'logs', name), vkey: log.vkey, workers: 1 });
    }
    await logs.close();
  }
  expect(acknowledged.size).toBeGreaterThan(100);
  expect(shown.size).toBeGreaterThan(LOG_NAMES.length);
});
