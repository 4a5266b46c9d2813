/** Three real centres and a writer's key that lies: the fork is found, kept as a file that verifies anywhere, told, frozen, and resolved. */
import { execFile } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { afterAll, expect, test } from 'vitest';
import { ProblemSchema } from '@vitrine/api';
import { formatPublicKey, keyAddStatement, signStatement } from '@vitrine/statements';
import { formatTilePath, hashLeaf, rootOfLeaves, tilesOfTree } from '@vitrine/tlog';
import { ed25519Key } from '../apps/server/src/log/ed25519-key.ts';
import { TestLog } from '../apps/server/src/witnessing/test-log.ts';
import { bin, code, newSigner, startThreeCentres, text, type ThreeCentres } from './running-centre.ts';

const top = mkdtempSync(join(tmpdir(), 'vitrine-monitor-'));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(top, { recursive: true, force: true });
});

const LONG_MS = 60_000;

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LONG_MS;
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`it did not come to this: ${what}`);
    await sleep(100);
  }
}

interface Ended {
  readonly code: number;
  readonly output: string;
}

function vitrine(args: readonly string[], cwd = top): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(bin, [...args], { cwd }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` }),
    );
  });
}

/** Each centre looks often, and may watch others besides. */
async function watchClosely(three: ThreeCentres, watch: readonly string[] = []): Promise<void> {
  for (const centre of three.all) {
    await centre.stop();
    const file = join(centre.dir, 'vitrine.json');
    const config: unknown = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...Object(config), watchIntervalMs: 500, watch }));
  }
  await Promise.all(three.all.map((centre) => centre.restart()));
}

/** Another history of the writer's root log, under its own key. */
function otherHistory({ washington }: ThreeCentres, size: number): TestLog {
  const pem = readFileSync(join(washington.dir, 'keys', 'log-statements.pem'), 'utf8');
  const log = new TestLog(`${washington.name}/statements`, ed25519Key(createPrivateKey(pem)));
  return log.grow(size, 'other');
}

const checkpointOf = async (url: string): Promise<string> =>
  (await fetch(`${url}/logs/statements/checkpoint`)).text();

const gossip = (url: string, note: string): Promise<Response> =>
  fetch(`${url}/gossip`, { method: 'POST', body: note });

async function forkNotices(three: ThreeCentres): Promise<readonly number[]> {
  return Promise.all(
    three.all.map(async ({ api }) => {
      const { notices } = await api.call('notices');
      return notices.filter(({ kind }) => kind === 'fork').length;
    }),
  );
}

test('a fork told to one centre freezes all three, is proven offline, and ends by the root keys', {
  timeout: 300_000,
}, async () => {
  const three = await startThreeCentres();
  try {
    const { washington, zurich } = three;
    await watchClosely(three);
    await until('every centre has seen the others', async () => {
      const lists = await Promise.all(three.all.map(({ api }) => api.call('notices')));
      return lists.every(({ centres, notices }) => {
        const roots = centres.map(({ verified }) =>
          verified.some(({ origin }) => origin.endsWith('/statements')),
        );
        return notices.length === 0 && roots.length === 2 && !roots.includes(false);
      });
    });
    const honest = await gossip(zurich.url, await checkpointOf(washington.url));
    expect([200, 202]).toContain(honest.status);

    const { size } = await washington.api.call('log', { params: { log: 'statements' } });
    const lie = otherHistory(three, size - 1).note();
    const answer = await gossip(zurich.url, lie);
    expect(answer.status).toBe(409);
    const problem = v.parse(ProblemSchema, await answer.json());
    expect(problem).toMatchObject({
      code: 'log-forked',
      evidence: /^\/api\/forks\/[0-9a-f]{32}$/.exec(problem.evidence ?? '')?.[0],
    });
    expect(problem.checkpoints).toHaveLength(2);
    expect(problem.checkpoints?.[0]).toBe(lie);
    await until('all three say so', async () => (await forkNotices(three)).join() === '1,1,1');

    // A stranger with nothing but the file and a policy.
    const empty = mkdtempSync(join(top, 'stranger-'));
    const { notices } = await zurich.api.call('notices');
    const file = await fetch(`${zurich.url}${notices[0]?.evidence ?? ''}`);
    expect(file.headers.get('content-type')).toContain('application/vnd.vitrine.evidence+json');
    writeFileSync(join(empty, 'fork.evidence'), new Uint8Array(await file.arrayBuffer()));
    cpSync(join(zurich.dir, 'policy.txt'), join(empty, 'policy.txt'));
    const verified = await vitrine(['evidence', 'verify', 'fork.evidence', '--policy', 'policy.txt'], empty);
    expect(verified.output).toContain('Proof of misbehaviour');
    expect(verified.code).toBe(0);

    // Told to whoever asks: the list with both checkpoints, and the metrics.
    const { forks } = await zurich.api.call('forks');
    expect(forks).toMatchObject([
      { origin: `${washington.name}/statements`, frozen: true, resolvedAtMs: null, foundBy: 'gossip' },
    ]);
    expect(forks[0]?.checkpoints.map(({ held, size: entries }) => [held, entries])).toEqual([
      [false, size - 1],
      [true, expect.any(Number)],
    ]);
    expect(forks[0]?.checkpoints[0].note).toBe(lie);
    const metrics = async (): Promise<string> => (await fetch(`${zurich.url}/metrics`)).text();
    expect(await metrics()).toMatch(
      /vitrine_forks_known{state="resolved"} 0\nvitrine_forks_known{state="open"} 1/,
    );
    expect(await metrics()).toContain('vitrine_frozen_logs 1');

    // Frozen: nothing is cosigned and nothing taken, also after kill -9 and without the local state; reads go on.
    await zurich.stop('SIGKILL');
    for (const name of readdirSync(zurich.dir))
      if (name.startsWith('local-state.sqlite')) rmSync(join(zurich.dir, name));
    await zurich.restart();
    const refused = await fetch(`${zurich.url}/witness/add-checkpoint`, {
      method: 'POST',
      body: `old 0\n\n${await checkpointOf(washington.url)}`,
    });
    expect(refused.status).toBe(422);
    expect(await refused.text()).toContain('two histories');
    expect((await fetch(`${zurich.url}/api/centre`)).status).toBe(200);
    expect((await zurich.api.call('forks')).forks.map(({ id }) => id)).toEqual(forks.map(({ id }) => id));
    const statement = keyAddStatement({
      key: formatPublicKey(newSigner()),
      log: `${washington.name}/keys`,
      roles: [{ products: ['*'], role: 'publisher' }],
    });
    const envelopes = [text(await signStatement(statement, [washington.signer]))];
    const register = () =>
      code(washington.api.call('registerStatements', { body: { log: 'keys', envelopes, bodies: [] } }));
    expect(await register()).toBe('log-frozen');

    // Only the root keys end it; another key does not.
    const resolve = (server: string, key: string) =>
      vitrine([
        ...[
          'keys',
          'resolve-fork',
          '--evidence',
          join(empty, 'fork.evidence'),
          '--branch-of',
          washington.url,
        ],
        ...['--server', server, '--key', key],
      ]);
    const foreign = await resolve(zurich.url, join(zurich.dir, 'keys', 'centre.pem'));
    expect(foreign.code).toBe(1);
    expect((await forkNotices(three)).join()).toBe('1,1,1');
    for (const { url } of [...three.all].reverse()) {
      const resolved = await resolve(url, washington.rootKeyFile);
      expect(resolved.output).toContain('is resolved');
      expect(resolved.code).toBe(0);
    }
    expect((await forkNotices(three)).join()).toBe('0,0,0');
    expect((await zurich.api.call('forks')).forks).toMatchObject([{ frozen: false }]);
    expect(await metrics()).toContain('vitrine_frozen_logs 0');
    expect(await register()).toBeUndefined();
    await until('the log goes on', async () => {
      const after = await zurich.api.call('log', { params: { log: 'statements' } });
      return after.size > size;
    });
    expect((await gossip(zurich.url, lie)).status).toBe(409);
    expect((await forkNotices(three)).join()).toBe('0,0,0');
  } finally {
    await three.dispose();
  }
});

test('a server that shows another history, with all its tiles, is found by looking', {
  timeout: 300_000,
}, async () => {
  const three = await startThreeCentres();
  try {
    const { washington } = three;
    const { size } = await washington.api.call('log', { params: { log: 'statements' } });
    // Larger than anything honest by far, so that only its tiles tell.
    const lie = otherHistory(three, size + 600);
    const files = new Map<string, Uint8Array>([['checkpoint', Buffer.from(lie.note())]]);
    const leaves = Array.from({ length: lie.size }, (_, at) => hashLeaf(Buffer.from(`other${at}`)));
    for (const tile of tilesOfTree(lie.size)) {
      const width = 256 ** tile.level;
      const hashes = Array.from({ length: tile.width }, (_, at) => {
        const first = (tile.index * 256 + at) * width;
        return tile.level === 0
          ? (leaves[first] ?? new Uint8Array())
          : rootOfLeaves(leaves.slice(first, first + width));
      });
      files.set(formatTilePath(tile), Buffer.concat(hashes));
    }
    const liar = createServer((request, response) => {
      const bytes = files.get((request.url ?? '').replace('/logs/statements/', ''));
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
    });
    servers.push(liar);
    await new Promise<void>((listening) => liar.listen(0, '127.0.0.1', listening));
    const address = liar.address();
    if (address === null || typeof address === 'string') throw new TypeError('it has no port');
    await watchClosely(three, [`http://127.0.0.1:${address.port}`]);
    await until('all three have found it', async () => (await forkNotices(three)).join() === '1,1,1');
    const { notices } = await three.singapore.api.call('notices');
    expect(notices[0]?.text).toContain(`one of ${lie.size} that does not begin with it`);
  } finally {
    await three.dispose();
  }
});
