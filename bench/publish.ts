/**
 * How fast a release is published: a tree of N files goes into a centre's vault, hashed, encrypted, durable and registered,
 * beside `git add` of the same tree; and how much memory the publisher takes.
 *
 *   node --conditions=@vitrine/source bench/publish.ts [files] [bytes per file]
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { report } from './figure.ts';
import { withFolder, withVitrine } from './server-process.ts';

const files = Number(process.argv[2] ?? 100_000);
const fileBytes = Number(process.argv[3] ?? 10_000);
const command = `node --conditions=@vitrine/source bench/publish.ts ${files} ${fileBytes}`;
const vitrine = join(import.meta.dirname, '..', 'node_modules', '.bin', 'vitrine');
/** The publisher's memory is read this often; its peak is the kernel's own figure, so nothing is missed but the very end. */
const MEMORY_EVERY_MS = 200;

await withFolder(async (folder) => {
  const tree = join(folder, 'tree');
  makeTree(tree);
  const artifact = join(folder, 'artifact.bin');
  writeFileSync(artifact, randomBytes(4096));

  const git = await timed('git', ['-c', 'core.autocrlf=false', 'add', '-A'], {
    GIT_DIR: await bareRepository(folder),
    GIT_WORK_TREE: tree,
  });
  console.error(`git add: ${git.seconds.toFixed(1)} s`);

  const published = await withVitrine((url, data) =>
    timed(vitrine, [
      'publish',
      'release',
      `--server=${url}`,
      `--key=${join(data, 'keys', 'root.pem')}`,
      '--product=bench',
      '--release=1',
      `--source=${tree}`,
      `--artifact=${artifact}`,
    ]),
  );
  console.error(
    `vitrine publish: ${published.seconds.toFixed(1)} s, at most ${published.peakMegabytes.toFixed(0)} MB`,
  );
  report({
    name: `publishing ${files} files of ${fileBytes} bytes, server on the same cores`,
    value: published.seconds,
    unit: 's',
    peer: 'git add of the same tree',
    peerValue: git.seconds,
    ratio: git.seconds / published.seconds,
    command,
  });
  report({
    name: `memory of the publisher of ${files} files of ${fileBytes} bytes, at most`,
    value: published.peakMegabytes,
    unit: 'MB',
    command,
  });
});

/** Files of text, no two alike, 1,000 a folder; half of each is noise, so that compression neither wins nor loses all. */
function makeTree(tree: string): void {
  const noise = randomBytes(1024 * 1024).toString('base64');
  for (let index = 0; index < files; index++) {
    const folder = join(tree, `part-${Math.floor(index / 1000)}`);
    if (index % 1000 === 0) mkdirSync(folder, { recursive: true });
    const start = (index * 7919) % (noise.length - fileBytes);
    const text = `/* file ${index} */\n${noise.slice(start, start + fileBytes / 2)}\n`;
    writeFileSync(join(folder, `file-${index}.c`), text.padEnd(fileBytes, 'int value = 0;\n'));
  }
}

async function bareRepository(folder: string): Promise<string> {
  const repository = join(folder, 'repository.git');
  await timed('git', ['init', '-q', '--bare', repository]);
  return repository;
}

async function timed(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ seconds: number; peakMegabytes: number }> {
  const started = performance.now();
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...environment },
  });
  let peakMegabytes = 0;
  const sampler = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, peakOf(child.pid));
  }, MEMORY_EVERY_MS);
  await once(child, 'exit');
  clearInterval(sampler);
  if (child.exitCode !== 0)
    throw new Error(`${program} ended with ${String(child.exitCode ?? child.signalCode)}`);
  return { seconds: (performance.now() - started) / 1000, peakMegabytes };
}

/** VmHWM of a process, in megabytes; 0 where there is no /proc, or when it has just ended. */
function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8');
    return (Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}
