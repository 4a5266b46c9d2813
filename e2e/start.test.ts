/** `npm start` on a fresh folder, again on the same folder, and how it ends. Everything is real: build, keys, server, publication. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient } from '@vitrine/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { publishableWorkspaces, root } from '../scripts/repository.ts';

/** Three builds and publications, on two cores that others use. */
const TIMEOUT_MS = 600_000;

let folder = '';
let port = 0;
const started: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-start-'));
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  port = address.port;
  probe.close();
  await once(probe, 'close');
});

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Started {
  readonly child: ChildProcess;
  /** Resolves once it has said `text`; rejects when it ends without, or says that it could not publish. */
  readonly said: (text: string) => Promise<void>;
  readonly output: () => string;
}

/** What the `start` script runs. */
function startVitrine(): Started {
  const child = spawn(process.execPath, ['--conditions=@vitrine/source', join(root, 'scripts', 'start.ts')], {
    env: { PATH: process.env['PATH'], HOME: folder, PORT: String(port), VITRINE_DATA: join(folder, 'data') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let output = '';
  const waiting = new Set<() => void>();
  const take = (chunk: string): void => {
    output += chunk;
    for (const look of waiting) look();
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  const said = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (output.includes(text)) resolve();
        else if (child.exitCode !== null || output.includes('is not published'))
          reject(new Error(`did not say “${text}”:\n${output}`));
      };
      waiting.add(look);
      child.once('close', look);
      look();
    });
  return { child, said, output: () => output };
}

/** Resolves when neither the process nor anything that it started holds its output. */
async function allEnded({ child }: { readonly child: ChildProcess }): Promise<void> {
  await once(child, 'close');
}

test('publishes itself once, goes on from there, and leaves nothing behind', {
  timeout: TIMEOUT_MS,
}, async () => {
  const url = `http://127.0.0.1:${port}`;
  const api = createApiClient(url);

  const first = startVitrine();
  await first.said('published. Open');
  const { releases } = await api.call('product', { params: { product: 'vitrine' } });
  expect(releases).toHaveLength(1);
  expect(releases[0]?.artifacts).toBe(publishableWorkspaces().length);
  expect(await (await fetch(url)).text()).toContain('<!doctype html>');
  first.child.kill('SIGTERM');
  await allEnded(first);
  expect(first.child.exitCode).toBe(0);

  const second = startVitrine();
  await second.said('is published already');
  expect((await api.call('product', { params: { product: 'vitrine' } })).releases).toEqual(releases);
  second.child.kill('SIGKILL');
  await allEnded(second);
  await expect(fetch(url)).rejects.toThrow();
});

test('killed while it publishes, it publishes at the next start', { timeout: TIMEOUT_MS }, async () => {
  const first = startVitrine();
  await first.said('publishing its source');
  first.child.kill('SIGKILL');
  await allEnded(first);

  const second = startVitrine();
  await second.said('/products/vitrine');
  const api = createApiClient(`http://127.0.0.1:${port}`);
  expect((await api.call('product', { params: { product: 'vitrine' } })).releases).toHaveLength(1);
  second.child.kill('SIGTERM');
  await allEnded(second);
});

test('says so when the port is taken', async () => {
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  const { child, output } = startVitrine();
  await once(child, 'close');
  other.close();
  expect(child.exitCode).toBe(1);
  expect(output()).toContain(`port ${port} is taken by another program`);
});
