/**
 * `POST /add-checkpoint` of a real `vitrine witness serve` that has one core to itself: each request brings the next
 * checkpoint of a log of a million entries, signed (Ed25519), with its consistency proof of some twenty hashes; each
 * answer is a cosignature of what was durable before. Requests are made beforehand; the load runs on the other cores.
 *
 *     node --conditions=@vitrine/source bench/witness.ts [--seconds 8]
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  consistencyProof,
  ed25519NoteSigner,
  formatAddCheckpoint,
  formatCheckpoint,
  formatVkey,
  Frontier,
  type NodeAddress,
  rootOfLeaves,
  signNote,
} from '@vitrine/tlog';
import { type Ed25519Key, ed25519Key } from '../apps/server/src/log/ed25519-key.ts';
import { report } from './figure.ts';
import { Connection } from './load.ts';
import { freePort, withFolder, withProcess } from './server-process.ts';

const COMMAND = 'npm run bench witness';
const LOGS = 64;
/** Of this many the left ones are subtrees of which only the roots are there: a request needs no more of them. */
const LEAVES = 2 ** 20;
const NEW_LEAVES = 512;
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '8' } } });
const seconds = Number(values.seconds);

interface Step {
  readonly oldSize: number;
  readonly treeSize: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** One leaf a step, up to LEAVES. The logs share the tree: what costs is the same. */
async function stepsOf(): Promise<Step[]> {
  const known = new Map<string, Uint8Array>();
  const frontier = new Frontier();
  for (let level = 19; 2 ** level >= NEW_LEAVES; level--) {
    const root = randomBytes(32);
    known.set(`${level}/${frontier.size / 2 ** level}`, root);
    frontier.appendSubtree(level, root);
  }
  const start = frontier.size;
  const leaves: Uint8Array[] = [];
  const node = ({ level, index }: NodeAddress): Uint8Array => {
    const from = index * 2 ** level - start;
    return known.get(`${level}/${index}`) ?? rootOfLeaves(leaves.slice(from, from + 2 ** level));
  };
  const steps: Step[] = [{ oldSize: 0, treeSize: start, root: frontier.root(), proof: [] }];
  while (frontier.size < LEAVES) {
    const oldSize = frontier.size;
    const leaf = randomBytes(32);
    leaves.push(leaf);
    frontier.append(leaf);
    const proof = await consistencyProof(oldSize, frontier.size, (addresses) =>
      Promise.resolve(addresses.map(node)),
    );
    steps.push({ oldSize, treeSize: frontier.size, root: frontier.root(), proof });
  }
  return steps;
}

function request(
  host: string,
  origin: string,
  key: Ed25519Key,
  { oldSize, treeSize, root, proof }: Step,
): Uint8Array {
  const text = formatCheckpoint({ origin, treeSize, root, extensions: [] });
  const checkpointNote = signNote(text, [ed25519NoteSigner({ name: origin, ...key })]);
  const body = Buffer.from(formatAddCheckpoint({ oldSize, proof, checkpointNote }));
  const head = `POST /add-checkpoint HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

interface Lane {
  readonly connection: Connection;
  readonly requests: readonly Uint8Array[];
}

/** Each lane sends its requests in order, the next when the one before was answered. @returns how long each took, in milliseconds */
async function send(
  lanes: readonly Lane[],
): Promise<{ readonly answeredMs: number[]; readonly tookSeconds: number }> {
  const answeredMs: number[] = [];
  const beganMs = performance.now();
  const endMs = beganMs + 1000 * seconds;
  await Promise.all(
    lanes.map(async ({ connection, requests }) => {
      for (const bytes of requests) {
        const sentMs = performance.now();
        if (sentMs > endMs) return;
        const { status, body } = await connection.request(bytes);
        if (status !== 200) throw new Error(`answered ${status}: ${body}`);
        answeredMs.push(performance.now() - sentMs);
      }
    }),
  );
  return { answeredMs, tookSeconds: (performance.now() - beganMs) / 1000 };
}

/** User and system time of a process so far: what the machine does beside it does not count (proc_pid_stat(5)). */
function cpuSeconds(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ', 2);
  const [user, system] = fields.split(' ').slice(11, 13).map(Number);
  const TICKS_A_SECOND = 100;
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) / TICKS_A_SECOND;
}

function percentile(times: readonly number[], at: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(at * times.length)] ?? Number.NaN;
}

function figure(name: string, value: number, unit: string): void {
  report({ name, value: Math.round(10 * value) / 10, unit, command: COMMAND });
}

await withFolder(async (folder) => {
  const host = `127.0.0.1:${await freePort()}`;
  const url = new URL(`http://${host}`);
  const logs = Array.from({ length: LOGS }, (_, i) => ({
    origin: `bench.example/${i}`,
    key: ed25519Key(generateKeyPairSync('ed25519').privateKey),
  }));
  const vkeys = logs.map(({ origin, key }) =>
    formatVkey({ name: origin, type: 0x01, publicKey: key.publicKey }),
  );
  const vitrine = join(import.meta.dirname, '..', 'node_modules', '.bin', 'vitrine');
  const steps = await stepsOf();
  const requests = logs.map(({ origin, key }) => steps.map((step) => request(host, origin, key, step)));
  const command = [
    'taskset',
    '--cpu-list',
    '0',
    vitrine,
    'witness',
    'serve',
    `--listen=${host}`,
    `--data=${join(folder, 'witness')}`,
    ...vkeys.map((vkey) => `--origin-vkey=${vkey}`),
  ] as const;
  await withProcess(command, `${url.href}healthz`, async (pid) => {
    const [first, ...others] = requests.map((all) => ({ connection: new Connection(url), requests: all }));
    if (first === undefined) throw new Error('there is no log');
    const alone = await send([{ ...first, requests: first.requests.slice(0, 300) }]);
    figure('add-checkpoint, one log, one connection, median', percentile(alone.answeredMs, 0.5), 'ms');
    const before = cpuSeconds(pid);
    const all = await send(others);
    const spent = cpuSeconds(pid) - before;
    const what = `add-checkpoint, ${others.length} logs of a million entries, as many connections, one core`;
    figure(what, all.answeredMs.length / all.tookSeconds, '/s');
    figure(`${what}: for each second that the core worked for it`, all.answeredMs.length / spent, '/s');
    figure(`${what}, p99`, percentile(all.answeredMs, 0.99), 'ms');
    for (const { connection } of [first, ...others]) connection.close();
  });
});
