/** `npm start` on a fresh folder, again on the same folder, and how it ends. Everything is real: build, keys, three servers, publication. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient } from '@vitrine/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bin, publishableWorkspaces, root } from '../scripts/repository.ts';
import { threeFreePorts } from './free-ports.ts';

/** Three builds and publications, on two cores that others use. */
const TIMEOUT_MS = 600_000;

let folder = '';
let port = 0;
const started: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-start-'));
  port = await threeFreePorts();
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
    // A process group of its own, as a terminal gives it.
    detached: true,
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
        else if (child.exitCode !== null || output.includes('release is not published'))
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

/** Before the folders are whole, before the centres are known, before and amid the publication; some of them outside of the soak. */
const KILLED_AT =
  process.env['VITRINE_SOAK'] === undefined
    ? ['announced: zurich.localhost', 'publishing its source']
    : [
        'made the keys and logs of Zurich',
        'announced: zurich.localhost',
        'promise 3 of',
        'publishing its source',
      ];

const urls = (): readonly string[] => [port, port + 1, port + 2].map((each) => `http://127.0.0.1:${each}`);

test('three centres agree, publish themselves once, go on from there, and leave nothing behind', {
  timeout: TIMEOUT_MS,
}, async () => {
  const [url = '', ...others] = urls();
  const api = createApiClient(url);

  const first = startVitrine();
  await first.said('the three centres agree');
  for (const each of urls()) expect(first.output()).toContain(each);
  const { releases } = await api.call('product', { params: { product: 'vitrine' } });
  expect(releases).toHaveLength(1);
  expect(releases[0]?.artifacts).toBe(publishableWorkspaces().length);
  expect(await (await fetch(url)).text()).toContain('<!doctype html>');

  const { centres } = await api.call('centres');
  expect(centres.map(({ city, region, working }) => ({ city, region, working }))).toEqual([
    { city: 'Singapore', region: 'Asia', working: true },
    { city: 'Washington', region: 'North America', working: true },
    { city: 'Zurich', region: 'Europe', working: true },
  ]);
  for (const { lastCosigned } of centres) {
    expect(lastCosigned.witness).not.toBeNull();
    expect(lastCosigned.mirror).not.toBeNull();
  }
  const promises = await api.call('commitments');
  const states = new Map(promises.commitments.map(({ id, standing }) => [id, standing.state]));
  expect(states).toEqual(
    new Map([
      ['three-regions', 'kept'],
      ['two-mirrors', 'kept'],
      ['release-with-source', 'kept'],
      ['bill-of-materials', 'kept'],
      ['soak-before-release', 'not-yet-due'],
      ['independent-opinion', 'not-yet-due'],
      ['independent-operators', 'not-yet-due'],
      ['more-than-one-machine', 'not-yet-due'],
    ]),
  );
  const { rootSize, digest } = await api.call('viewDigest');
  for (const other of others) {
    const theirs = createApiClient(other);
    const inTime = async (): Promise<string> => {
      for (;;) {
        const shown = await theirs.call('viewDigest');
        if (shown.rootSize >= rootSize)
          return (await theirs.call('viewDigest', { query: { rootSize } })).digest;
      }
    };
    expect(await inTime()).toBe(digest);
  }
  first.child.kill('SIGTERM');
  await allEnded(first);
  expect(first.child.exitCode).toBe(0);

  const second = startVitrine();
  await second.said('the three centres agree');
  expect(second.output()).toContain('is published already');
  expect(second.output()).not.toContain('announced:');
  expect(second.output()).not.toContain('promise 1');
  expect((await api.call('product', { params: { product: 'vitrine' } })).releases).toEqual(releases);
  expect((await api.call('commitments')).count).toBe(promises.count);
  second.child.kill('SIGKILL');
  await allEnded(second);
  for (const each of urls()) await expect(fetch(each)).rejects.toThrow();
});

test.for(KILLED_AT)(
  'killed when it has said “%s”, it goes on at the next start',
  { timeout: TIMEOUT_MS },
  async (text) => {
    const first = startVitrine();
    await first.said(text);
    first.child.kill('SIGKILL');
    await allEnded(first);

    const second = startVitrine();
    await second.said('the three centres agree');
    const api = createApiClient(urls()[0] ?? '');
    expect((await api.call('product', { params: { product: 'vitrine' } })).releases).toHaveLength(1);
    expect((await api.call('centres')).centres).toHaveLength(3);
    expect((await api.call('commitments')).count).toBe(8);
    // As the terminal does at Ctrl-C.
    process.kill(-(second.child.pid ?? 0), 'SIGINT');
    await allEnded(second);
    expect(second.child.exitCode).toBe(0);
    expect(second.output()).not.toMatch(/has ended|did not end cleanly/);
  },
);

test('other ports at the next start are announced', { timeout: TIMEOUT_MS }, async () => {
  const first = startVitrine();
  await first.said('announced: singapore.localhost');
  first.child.kill('SIGTERM');
  await allEnded(first);
  port = await threeFreePorts();
  const second = startVitrine();
  await second.said('announced: singapore.localhost');
  const { centres } = await createApiClient(urls()[0] ?? '').call('centres');
  expect(centres.map(({ url }) => url).toSorted()).toEqual([...urls()].toSorted());
  second.child.kill('SIGTERM');
  await allEnded(second);
});

test.for([0, 1, 2])('says so when port %i of the three is taken', async (index) => {
  const other = createServer().listen(port + index, '127.0.0.1');
  await once(other, 'listening');
  const { child, output } = startVitrine();
  await once(child, 'close');
  other.close();
  expect(child.exitCode).toBe(1);
  expect(output()).toContain(`port ${port + index} is taken by another program`);
});

test('says what to do with the data folder of one centre', async () => {
  execFileSync(bin('vitrine'), ['init', '--data', join(folder, 'data'), '--origin', 'vitrine.localhost']);
  const { child, output } = startVitrine();
  await once(child, 'close');
  expect(child.exitCode).toBe(1);
  expect(output()).toContain('is the data folder of one centre');
  expect(output()).toContain('npx vitrine serve --data');
});
