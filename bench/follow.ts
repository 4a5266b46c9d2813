/**
 * How fast a follower catches up, and how soon a followed log is served again. `vitrine follow --once` mirrors a log of N
 * entries from the centre that wrote it, on the same cores; beside it the same bytes are downloaded without looking at them (written to
 * files, with the same number of requests under way), and the copy is checked. Then a log of M entries is opened.
 *
 *   node --conditions=@vitrine/source bench/follow.ts [entries] [bytes per entry] [entries to open]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiClient } from '@vitrine/api';
import { checkLog } from '@vitrine/fsck';
import { bundlesOfTree, formatBundlePath, formatEntries } from '@vitrine/tlog';
import { FollowedFolder } from '../apps/server/src/storage/log-files/followed-folder.ts';
import { FollowedLog } from '../apps/server/src/witnessing/followed-log.ts';
import { buildLog } from '../packages/fsck/test/build-log.ts';
import { report } from './figure.ts';
import { withFolder, withVitrine } from './server-process.ts';

const entries = Number(process.argv[2] ?? 2_000_000);
const entryBytes = Number(process.argv[3] ?? 300);
const openEntries = Number(process.argv[4] ?? 10_000_000);
const command = `node --conditions=@vitrine/source bench/follow.ts ${entries} ${entryBytes} ${openEntries}`;
const vitrine = join(import.meta.dirname, '..', 'node_modules', '.bin', 'vitrine');
/** As many as the follower: two threads of eight. */
const LANES = 16;
const BATCH = 8_192;

const entryOf =
  (bytes: number) =>
  (leafIndex: number): Uint8Array => {
    const entry = Buffer.alloc(bytes, leafIndex & 255);
    // Told apart from the octets that follow, or the log would find duplicates.
    entry.write(`${leafIndex}\n`);
    return entry;
  };

await withVitrine(async (centre, data) => {
  const url = `${centre}/logs/bench/`;
  await fill(url);
  const vkey = await vkeyOf(centre);
  await withFolder(async (folder) => {
    const copy = join(folder, 'copy');
    const followSeconds = await timed(() =>
      run([vitrine, 'follow', '--data', copy, '--log', url, '--vkey', vkey, '--once']),
    );
    const plainSeconds = await timed(() => download(url, join(folder, 'plain')));
    const checkSeconds = await timed(async () => {
      const result = await checkLog({ source: copy, vkey });
      if (!result.ok || result.size !== entries) throw new Error(JSON.stringify(result));
    });
    console.error(
      `of ${data}: followed in ${followSeconds.toFixed(2)} s; plain download ${plainSeconds.toFixed(2)} s; fsck of the copy ${checkSeconds.toFixed(2)} s`,
    );
    report({
      name: `a follower catches up, verifying everything, the writer on the same cores: ${entries} entries of ${entryBytes} bytes`,
      value: Math.round(entries / followSeconds),
      unit: 'entries/s',
      peer: 'a plain download of the bundles to files, nothing verified or synced',
      peerValue: Math.round(entries / plainSeconds),
      ratio: plainSeconds / followSeconds,
      command,
    });
  });
});

await withFolder(async (folder) => {
  const publicFolder = join(folder, 'log');
  const { vkey } = buildLog(publicFolder, openEntries, entryOf(16));
  const openedSeconds = await timed(async () => {
    const store = new FollowedFolder({ publicFolder, stateFolder: join(folder, 'state') });
    const log = await FollowedLog.open({ name: 'log', vkey, kind: 'open', store });
    const entry = await log.readEntry(openEntries - 1);
    const proof = await log.inclusionProof(openEntries - 1, log.published.size);
    if (entry.leaf.length === 0 || proof.length === 0) throw new Error('nothing was read');
    await log.close();
  });
  report({
    name: `a followed log of ${openEntries} entries is opened, an entry read and proven`,
    value: openedSeconds * 1000,
    unit: 'ms',
    command,
  });
});

/** Appends the entries to the centre's open log, and waits until they are published. */
async function fill(url: string): Promise<void> {
  const entryAt = entryOf(entryBytes);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < entries) {
      const from = next;
      next = Math.min(entries, from + BATCH);
      const body = formatEntries(Array.from({ length: next - from }, (_, i) => entryAt(from + i)));
      const answer = await fetch(`${url}add-batch`, {
        method: 'POST',
        body: new Blob([new Uint8Array(body)]),
      });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: 4 }, lane));
  while (!(await (await fetch(`${url}checkpoint`)).text()).includes(`\n${entries}\n`)) await sleep(100);
}

async function vkeyOf(centre: string): Promise<string> {
  const { logs } = await createApiClient(centre).call('centre');
  const log = logs.find(({ name }) => name === 'bench');
  if (log === undefined) throw new Error('the centre has no log “bench”');
  return log.vkey;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

async function run([program, ...args]: readonly [string, ...string[]]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`${program} ended with ${String(child.exitCode)}`);
}

async function download(url: string, folder: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: LANES });
  const bundles = bundlesOfTree(entries);
  const lane = async (): Promise<void> => {
    for (const bundle of bundles) {
      const path = formatBundlePath(bundle);
      const bytes = await new Promise<Buffer>((resolve, reject) => {
        get(new URL(path, url), { agent }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => resolve(Buffer.concat(parts)));
          response.on('error', reject);
        }).on('error', reject);
      });
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  agent.destroy();
  rmSync(folder, { recursive: true });
}
