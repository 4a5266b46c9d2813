/** Servers under measurement: real processes on fresh folders beside each other on one disk, ended and removed afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Beside node_modules, so that every server writes to the disk that the repository is on. */
const scratchRoot = join(import.meta.dirname, '..', '.vitrine');
const vitrine = join(import.meta.dirname, '..', 'node_modules', '.bin', 'vitrine');

/** Calls `work` with a new folder that is removed afterwards. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(scratchRoot, { recursive: true });
  const folder = mkdtempSync(join(scratchRoot, 'bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls `work` with the process's id while it runs, once `probe` is answered; ends it with SIGTERM. @throws Error when it ends before */
export async function withProcess<T>(
  command: readonly [string, ...string[]],
  probe: string,
  work: (pid: number) => Promise<T>,
): Promise<T> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { VITRINE_LOG_LEVEL: 'warn', ...process.env },
  });
  const ended = once(child, 'exit');
  try {
    await Promise.race([answered(probe), ended.then(() => fail(child, program))]);
    return await Promise.race([
      work(child.pid ?? fail(child, program)),
      ended.then(() => fail(child, program)),
    ]);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

function fail(child: ChildProcess, program: string): never {
  throw new Error(`${program} ended with ${String(child.exitCode ?? child.signalCode)}`);
}

async function answered(url: string): Promise<void> {
  while ((await fetch(url).catch(() => undefined)) === undefined) await sleep(50);
}

/** Calls `work` with the address of a Vitrine on a fresh folder, which has the open log `bench`. */
export async function withVitrine<T>(work: (url: string, folder: string) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const data = join(folder, 'data');
    const init = spawn(
      vitrine,
      ['init', '--data', data, '--origin', 'bench.localhost', '--open-log', 'bench'],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    await once(init, 'exit');
    if (init.exitCode !== 0) fail(init, 'vitrine init');
    const url = `http://127.0.0.1:${await freePort()}`;
    return withProcess(
      [vitrine, 'serve', '--data', data, '--listen', url.slice('http://'.length)],
      `${url}/healthz`,
      () => work(url, data),
    );
  });
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
