/** kill -9, again and again, on a real process: nothing flushed is lost, no half object appears, no disposal is undone. */
import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { formatVaultKeys, generateVaultKeys, openVault } from '../../vault/vault.ts';
import { contentOf } from './crash-child.ts';
import { openVaultStorage } from './vault-storage.ts';

const rounds = process.env['VITRINE_SOAK'] === undefined ? 2 : 100;
/** Checking reads everything, so a vault that lived through all rounds would make their time quadratic. */
const roundsPerVault = 20;

test(`killed ${rounds} times`, async () => {
  for (let first = 0; first < rounds; first += roundsPerVault) {
    await killRepeatedly(Math.min(roundsPerVault, rounds - first));
  }
});

async function killRepeatedly(times: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'vault-crash-'));
  const keys = await generateVaultKeys();
  writeFileSync(join(dir, 'keys'), formatVaultKeys(keys));
  const flushed = new Set<number>();
  const disposing = new Set<number>();
  const disposed = new Set<number>();
  try {
    for (let round = 0; round < times; round++) {
      const lines = await runUntilKilled(dir, round);
      for (const [word, ...seeds] of lines) {
        for (const seed of seeds.map(Number)) {
          if (word === 'flushed') flushed.add(seed);
          if (word === 'disposing') disposing.add(seed);
          if (word === 'disposed') disposed.add(seed);
        }
      }
      const vault = await openVault({ ...openVaultStorage(dir), keys });
      const report = await vault.check();
      expect(report.problems).toEqual([]);
      for (const seed of flushed) {
        const { state } = await vault.status(digestOf(seed));
        if (disposed.has(seed)) expect(state).toBe('disposed');
        else if (!disposing.has(seed)) expect(state).toBe('stored');
        else expect(['disposed', 'stored']).toContain(state);
      }
      await vault.close();
    }
    expect(flushed.size).toBeGreaterThan(0);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const digests = new Map<number, string>();

function digestOf(seed: number): string {
  const digest = digests.get(seed) ?? hash('sha256', contentOf(seed), 'hex');
  digests.set(seed, digest);
  return digest;
}

/**
 * Kills the child a moment after it has said so many lines; every third time a moment after its start, so that recovery is
 * interrupted too. Returns what it said.
 */
async function runUntilKilled(dir: string, round: number): Promise<string[][]> {
  const program = join(import.meta.dirname, 'crash-child.ts');
  const child = spawn(
    process.execPath,
    ['--conditions=@vitrine/source', program, dir, String(round * 100_000)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const drained = new Promise((resolve) => child.stdout.once('end', resolve));
  const killAtLine = round % 3 === 2 ? 0 : 2 + Math.floor(Math.random() * 20);
  let said = '';
  await new Promise((resolve) => {
    void exited.then(resolve);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.split('\n').length > killAtLine) resolve(undefined);
    });
    if (killAtLine === 0) resolve(undefined);
  });
  await sleep(Math.random() * (killAtLine === 0 ? 500 : 60));
  child.kill('SIGKILL');
  await exited;
  await drained;
  // A child that ended by itself was not killed at its work.
  expect(child.signalCode).toBe('SIGKILL');
  // A line without its end was cut off by the kill.
  return said
    .slice(0, said.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.trimEnd().split(' '));
}
