/**
 * How long a statement waits for its cosignatures: three real centres, links without and with delay, and how many tiles a second
 * one front end gives out.
 *
 *     node --conditions=@vitrine/source bench/cosigning.ts [--statements 100] [--seconds 8]
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { createApiClient } from '@vitrine/api';
import { formatEventBody } from '@vitrine/commitments';
import { eventStatement, parseSpki, type Signer, signStatement } from '@vitrine/statements';
import { parseCheckpoint, parseNote } from '@vitrine/tlog';
import { TcpLink } from '../e2e/tcp-link.ts';
import {
  announceThreeCentres,
  makeThreeCentres,
  rootKeyOf,
  sitesOf,
  type ThreeSites,
  threeSites,
} from '../scripts/three-centres.ts';
import { report } from './figure.ts';
import { freePort, withFolder, withVitrine } from './server-process.ts';

const COMMAND = 'npm run bench cosigning';
const COSIGNATURES = 3;
const TILE_ENTRIES = 1_000;
const { values } = parseArgs({
  options: { statements: { type: 'string', default: '100' }, seconds: { type: 'string', default: '8' } },
});
const vitrine = join(import.meta.dirname, '..', 'node_modules', '.bin', 'vitrine');
const host = '127.0.0.1';

/** Calls `work` with three centres; between the writer and each of the others lies a link with this delay in each direction. */
async function withThreeCentres<T>(delayMs: number, work: (sites: ThreeSites) => Promise<T>): Promise<T> {
  return withFolder(async (parent) => {
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    const link = (port: number): Promise<TcpLink> => TcpLink.open({ target: { host, port }, delayMs });
    const links = await Promise.all([link(ports[0]), link(ports[1]), link(ports[2])]);
    const [toWriter, toZurich, toSingapore] = links;
    const sites = threeSites({ parent, ports, vendor: 'bench.example' });
    const through = {
      washington: sites.washington,
      zurich: { ...sites.zurich, url: `http://${host}:${toZurich.port}` },
      singapore: { ...sites.singapore, url: `http://${host}:${toSingapore.port}` },
    };
    await makeThreeCentres(through);
    for (const { dir } of [sites.zurich, sites.singapore]) follow(dir, `http://${host}:${toWriter.port}`);
    const children = await Promise.all(sitesOf(sites).map(({ dir, port }) => serve(dir, port)));
    try {
      await announceThreeCentres(through);
      return await work(sites);
    } finally {
      await Promise.all(children.map(end));
      for (const each of links) await each.close();
    }
  });
}

function follow(dir: string, url: string): void {
  const file = join(dir, 'vitrine.json');
  const config = v.parse(v.looseObject({}), JSON.parse(readFileSync(file, 'utf8')));
  writeFileSync(file, JSON.stringify({ ...config, follow: { url } }));
}

async function serve(dir: string, port: number): Promise<ChildProcess> {
  const child = spawn(vitrine, ['serve', '--data', dir, '--listen', `${host}:${port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, VITRINE_LOG_LEVEL: 'error' },
  });
  await once(child.stdout, 'data');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** From the request to a checkpoint that covers the statement and carries so many cosignatures, one after another. */
async function publishTimes({ washington }: ThreeSites, count: number): Promise<number[]> {
  const api = createApiClient(washington.url);
  const signer = signerOf(readFileSync(rootKeyOf(washington), 'utf8'));
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const body = formatEventBody({ title: `Event ${i}`, text: `Event ${i}`, sources: [] });
    const statement = eventStatement({
      body: { digest: createHash('sha256').update(body).digest('hex') },
      data: {},
      happened: '2026-01-01',
      kind: 'said',
      log: `${washington.name}/statements`,
    });
    const envelope = new TextDecoder().decode(await signStatement(statement, [signer]));
    const begunMs = performance.now();
    const { statements } = await api.call('registerStatements', {
      body: { log: 'statements', envelopes: [envelope], bodies: [Buffer.from(body).toString('base64')] },
    });
    const index = statements[0]?.index ?? Number.POSITIVE_INFINITY;
    while (!(await isCosigned(washington.url, index))) await sleep(5);
    times.push(performance.now() - begunMs);
  }
  return times;
}

async function isCosigned(url: string, index: number): Promise<boolean> {
  const { text, signatures } = parseNote(await (await fetch(`${url}/logs/statements/checkpoint`)).text());
  // The log's own signature is none.
  return parseCheckpoint(text).treeSize > index && signatures.length > COSIGNATURES;
}

function signerOf(pem: string): Signer {
  const key = createPrivateKey(pem);
  const spki = new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  return { ...parseSpki(spki), sign: (message) => sign(null, message, key) };
}

function percentile(times: readonly number[], at: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(at * times.length)] ?? Number.NaN;
}

const count = Number(values.statements);
for (const [delayMs, links] of [
  [0, 'loopback'],
  [100, '200 ms added to each round trip'],
  [200, '200 ms added to each direction'],
] as const) {
  const times = await withThreeCentres(delayMs, (sites) =>
    publishTimes(sites, delayMs === 0 ? count : count / 4),
  );
  for (const at of [0.5, 0.99])
    report({
      name: `a statement published with ${COSIGNATURES} cosignatures, three centres, ${links}, p${at * 100}`,
      value: Math.round(percentile(times, at)),
      unit: 'ms',
      command: COMMAND,
    });
}

/** Requests a second, by wrk beside it; undefined where that is not installed. */
function wrk(url: string): number | undefined {
  const { status, stdout } = spawnSync('wrk', ['-t1', '-c64', `-d${values.seconds}s`, url], {
    encoding: 'utf8',
  });
  if (status !== 0) return undefined;
  if (/Non-2xx/.test(stdout)) throw new Error(stdout);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
}

await withVitrine(async (url) => {
  for (let i = 0; i < TILE_ENTRIES; i++)
    await fetch(`${url}/logs/bench/add`, { method: 'POST', body: Buffer.from(`entry ${i}`) });
  await sleep(1_000);
  for (const [path, what] of [
    ['tile/0/000', 'a full tile of hashes'],
    ['tile/entries/000', 'a full entry bundle'],
    ['checkpoint', 'the checkpoint'],
  ] as const) {
    const value = wrk(`${url}/logs/bench/${path}`);
    if (value === undefined) {
      process.stderr.write('reads are not measured: wrk is not installed (apt-get install wrk)\n');
      return;
    }
    report({
      name: `reads of ${what}, one front end, wrk with 64 connections beside it`,
      value,
      unit: '/s',
      command: COMMAND,
    });
  }
});
