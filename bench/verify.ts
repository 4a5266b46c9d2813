/**
 * How fast a file is verified against its evidence, from the command line, beside `sha256sum` of the same file. Both run in turn and
 * the median of each counts; the start of the program is part of it.
 *
 *   node --conditions=@vitrine/source bench/verify.ts [megabytes]
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { report } from './figure.ts';
import { withFolder, withVitrine } from './server-process.ts';

const megabytes = Number(process.argv[2] ?? 1000);
const rounds = 5;
const command = `node --conditions=@vitrine/source bench/verify.ts ${megabytes}`;
const vitrine = join(import.meta.dirname, '..', 'node_modules', '.bin', 'vitrine');

await withFolder(async (folder) => {
  const artifact = join(folder, 'artifact.bin');
  const output = openSync(artifact, 'w');
  for (let written = 0; written < megabytes; written++) writeSync(output, randomBytes(1_000_000));
  closeSync(output);
  const source = join(folder, 'source');
  mkdirSync(source);
  const note = openSync(join(source, 'note'), 'w');
  writeSync(note, 'a source of one file\n');
  closeSync(note);

  await withVitrine(async (url, data) => {
    const run = (program: string, ...args: string[]): number => {
      const started = performance.now();
      execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      return (performance.now() - started) / 1000;
    };
    // A server of another process: it goes on while this one waits.
    run(
      vitrine,
      'publish',
      'release',
      `--server=${url}`,
      `--key=${join(data, 'keys', 'root.pem')}`,
      '--product=bench',
      '--release=1',
      `--source=${source}`,
      `--artifact=${artifact}`,
      `--evidence-out=${folder}`,
      '--json',
    );
    const verified: number[] = [];
    const summed: number[] = [];
    for (let round = 0; round < rounds; round++) {
      summed.push(run('sha256sum', artifact));
      verified.push(
        run(
          vitrine,
          'verify',
          artifact,
          `--evidence=${artifact}.evidence`,
          `--policy=${join(data, 'policy.txt')}`,
          '--json',
        ),
      );
    }
    const speed = (times: readonly number[]): number => megabytes / median(times);
    console.error(`verify ${speed(verified).toFixed(0)} MB/s, sha256sum ${speed(summed).toFixed(0)} MB/s`);
    report({
      name: `verifying a file of ${megabytes} MB offline`,
      value: speed(verified),
      unit: 'MB/s',
      peer: 'sha256sum',
      peerValue: speed(summed),
      ratio: speed(verified) / speed(summed),
      command,
    });
    return Promise.resolve();
  });
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
