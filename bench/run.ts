/**
 * `npm run bench`: runs the benchmarks in this folder one after another and writes the machine and the figures, as they came
 * out, into docs/benchmarks.md. `npm run bench log fsck` runs some and prints the same, for the page shows whole runs only.
 *
 * Each benchmark is a file that runs alone, `node --conditions=@vitrine/source bench/NAME.ts`; see figure.ts for what it prints.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  globSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem, type } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseFigures, type Figure } from './figure.ts';

const folder = import.meta.dirname;
const page = join(folder, '..', 'docs', 'benchmarks.md');
/** Modules of benchmarks, not benchmarks. */
const parts = new Set(['run', 'figure', 'load', 'server-process']);

interface Outcome {
  readonly name: string;
  readonly figures: readonly Figure[];
  /** Why there are none, or not all. */
  readonly failure: string | undefined;
}

async function measure(name: string): Promise<Outcome> {
  process.stderr.write(`\n— ${name} —\n`);
  const child = spawn(process.execPath, ['--conditions=@vitrine/source', join(folder, `${name}.ts`)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const ended = child.exitCode === 0 ? undefined : `ended with ${String(child.exitCode ?? child.signalCode)}`;
  try {
    const figures = parseFigures(output);
    return { name, figures, failure: ended ?? (figures.length === 0 ? 'printed no figure' : undefined) };
  } catch (error) {
    return { name, figures: [], failure: error instanceof Error ? error.message : String(error) };
  }
}

/** Median time of one durable write of 4 KiB, in milliseconds: what every figure of a log rests on. */
function fdatasyncMs(): number {
  const at = mkdtempSync(join(tmpdir(), 'vitrine-bench-'));
  const file = openSync(join(at, 'probe'), 'w');
  const block = new Uint8Array(4096).fill(1);
  const times = Array.from({ length: 101 }, () => {
    const begun = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    return performance.now() - begun;
  });
  closeSync(file);
  rmSync(at, { recursive: true });
  return times.toSorted((a, b) => a - b)[50] ?? Number.NaN;
}

function machine(): string[] {
  const os = existsSync('/etc/os-release')
    ? /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
    : undefined;
  return [
    `- ${new Date().toISOString().slice(0, 10)}, ${os ?? type()}, kernel ${release()}`,
    `- ${availableParallelism()} cores of ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory; load and server share them`,
    `- Node ${process.versions.node}`,
    `- a durable write of 4 KiB (fdatasync) takes ${fdatasyncMs().toFixed(2)} ms on this disk (file system type 0x${statfsSync(tmpdir()).type.toString(16)})`,
  ];
}

function row(figure: Figure): string {
  const show = (value: number): string =>
    value.toLocaleString('en-GB', { maximumFractionDigits: value >= 100 ? 0 : value >= 10 ? 1 : 2 });
  const peer =
    figure.peerValue === undefined
      ? '–'
      : `${show(figure.peerValue)} ${figure.unit} (${figure.peer ?? 'peer'})`;
  const ratio = figure.ratio === undefined ? '–' : `${figure.ratio.toFixed(2)} ×`;
  return `| ${figure.name} | ${show(figure.value)} ${figure.unit} | ${peer} | ${ratio} | \`${figure.command}\` |`;
}

const available = globSync('*.ts', { cwd: folder })
  .map((file) => basename(file, '.ts'))
  .filter((name) => !parts.has(name))
  .toSorted();
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !available.includes(name));
if (unknown.length > 0)
  throw new Error(`no benchmark ${unknown.join(', ')}; there are ${available.join(', ')}`);

const outcomes: Outcome[] = [];
for (const name of asked.length > 0 ? asked : available) outcomes.push(await measure(name));

const sections = outcomes.flatMap(({ name, figures, failure }) => [
  `## ${name}`,
  '',
  ...(failure === undefined ? [] : [`Not complete: ${failure}.`, '']),
  ...(figures.length === 0
    ? []
    : ['| What | Here | Beside it | Ratio | Again |', '|---|---|---|---|---|', ...figures.map(row), '']),
]);
const report = [
  '# Benchmarks',
  '',
  'Written by `npm run bench`: the figures of one run as they came out, none chosen. Ratios above 1 are better than what stands beside them.',
  '',
  ...machine(),
  '',
  ...sections,
].join('\n');
if (asked.length > 0) process.stdout.write(report);
else {
  writeFileSync(page, report);
  process.stderr.write(`\nwritten: ${page}\n`);
}
if (outcomes.some(({ failure }) => failure !== undefined)) process.exitCode = 1;
