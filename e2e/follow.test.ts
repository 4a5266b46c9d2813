/** `vitrine follow` as it is run: against centres, against servers that lie, through kill -9 and a full disk. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { requireSoundLog } from '@vitrine/fsck';
import { type BuiltLog, buildLog } from '../packages/fsck/test/build-log.ts';
import { bin, startCentre } from './running-centre.ts';

const SOAK = process.env['VITRINE_SOAK'] !== undefined;
const top = mkdtempSync(join(tmpdir(), 'vitrine-follow-'));
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

let folders = 0;
const freshFolder = (): string => join(top, String(folders++));
const entry = (leafIndex: number): Uint8Array => Buffer.from(`entry ${leafIndex}`);

type Handler = (path: string, response: ServerResponse, request: IncomingMessage) => void;

async function serve(handler: Handler): Promise<string> {
  const server = createServer((request, response) => {
    handler((request.url ?? '').slice(1), response, request);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/`;
}

const sendFrom =
  (folder: string): Handler =>
  (path, response) => {
    const file = join(folder, path);
    if (existsSync(file) && statSync(file).isFile()) createReadStream(file).pipe(response);
    else response.writeHead(404).end();
  };

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function follow(folder: string, url: string, vkey: string, ...options: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      bin,
      ['follow', '--data', folder, '--log', url, '--vkey', vkey, ...options],
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

const publicFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('.follow') && statSync(join(folder, name)).isFile())
    .toSorted();

function expectSame(folder: string, source: string): void {
  expect(publicFiles(folder)).toEqual(publicFiles(source));
  for (const name of publicFiles(source)) {
    expect([name, readFileSync(join(folder, name)).equals(readFileSync(join(source, name)))]).toEqual([
      name,
      true,
    ]);
  }
}

test('a centre is followed while it grows; what is mirrored can be followed again', {
  timeout: 120_000,
}, async () => {
  const centre = await startCentre({ openLogs: ['demo'] });
  const folder = freshFolder();
  try {
    const { logs } = await centre.api.call('centre');
    const vkey = logs.find(({ name }) => name === 'demo')?.vkey ?? '';
    const url = `${centre.url}/logs/demo`;
    const add = async (from: number, count: number): Promise<void> => {
      const entries = Array.from({ length: count }, (_, i) => Buffer.from(`entry ${from + i}`));
      const framed = entries.flatMap((each) => [Buffer.of(each.length >> 8, each.length & 255), each]);
      const answer = await fetch(`${url}/add-batch`, { method: 'POST', body: Buffer.concat(framed) });
      expect(answer.status).toBe(200);
    };
    await add(0, 700);
    const child = spawn(bin, ['follow', '--data', folder, '--log', url, '--vkey', vkey, '--json']);
    const sizes: number[] = [];
    child.stdout.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const said: unknown = JSON.parse(line);
        if (typeof said === 'object' && said !== null && 'size' in said) sizes.push(Number(said.size));
      }
    });
    await expect.poll(() => sizes.at(-1), { timeout: 30_000 }).toBe(700);
    await add(700, 4_000);
    await expect.poll(() => sizes.at(-1), { timeout: 30_000 }).toBe(4_700);
    expect((await follow(folder, url, vkey, '--once')).stderr).toMatch(/locked/);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    await requireSoundLog({ source: folder, vkey });
    const again = freshFolder();
    const second = await follow(again, await serve(sendFrom(folder)), vkey, '--once', '--json');
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(second.stdout)).toMatchObject({ ok: true, outcome: 'grown', size: 4_700 });
    expectSame(again, folder);
    // The statement logs are opaque to it, too.
    const statements = logs.find(({ name }) => name === 'statements')?.vkey ?? '';
    expect((await follow(freshFolder(), `${centre.url}/logs/statements/`, statements, '--once')).code).toBe(
      0,
    );
  } finally {
    await centre.dispose();
  }
});

const source = freshFolder();
const log: BuiltLog = buildLog(source, 1_300, entry);

test('what a server may do: gzip without being asked, only a full bundle for a partial one', {
  timeout: 60_000,
}, async () => {
  const larger = freshFolder();
  buildLog(larger, 1_536, entry, log.keys);
  const url = await serve((path, response) => {
    if (!path.startsWith('tile/entries/')) return response.end(readFileSync(join(source, path)));
    const full = join(larger, path);
    if (!existsSync(full) || !statSync(full).isFile()) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(readFileSync(full)));
  });
  const folder = freshFolder();
  expect(await follow(folder, url, log.vkey, '--once')).toMatchObject({ code: 0, stderr: '' });
  expectSame(folder, source);
});

/** What a lying server answers in place of some resources; undefined: what is right. */
type Lie = (path: string, response: ServerResponse) => boolean;
const only =
  (wanted: string, answer: (response: ServerResponse, right: Buffer) => void): Lie =>
  (path, response) => {
    if (path !== wanted) return false;
    answer(response, readFileSync(join(source, path)));
    return true;
  };
const bundle = 'tile/entries/002';
const other = buildLog(freshFolder(), 1_300, entry);
const lies: readonly (readonly [name: string, lie: Lie, reason: RegExp])[] = [
  [
    'an entry altered in flight',
    only(bundle, (to, right) => {
      right[8] = (right[8] ?? 0) ^ 1;
      to.end(right);
    }),
    /tile\/entries\/002: altered/,
  ],
  [
    'a bundle that is not there',
    only(bundle, (to) => to.writeHead(404).end()),
    /tile\/entries\/002: missing/,
  ],
  [
    'a bundle cut short',
    only(bundle, (to, right) => to.end(right.subarray(0, 900))),
    /tile\/entries\/002: malformed/,
  ],
  [
    'a bundle behind a redirect',
    only(bundle, (to) => to.writeHead(302, { location: '/elsewhere' }).end()),
    /HTTP 302/,
  ],
  [
    'a bundle that unfolds without end',
    only(bundle, (to) => {
      to.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(64 << 20)));
    }),
    /larger than/,
  ],
  [
    'a tile altered',
    only('tile/1/000.p/5', (to, right) => {
      right[3] = (right[3] ?? 0) ^ 1;
      to.end(right);
    }),
    /do not give the root/,
  ],
  [
    'the end of the log altered',
    only('tile/entries/005.p/20', (to, right) => {
      right[30] = (right[30] ?? 0) ^ 1;
      to.end(right);
    }),
    /do not give the root/,
  ],
  [
    'a checkpoint of 10 MB',
    only('checkpoint', (to, right) => {
      to.end(Buffer.concat([right, Buffer.alloc(10_000_000, 0x0a)]));
    }),
    /larger than/,
  ],
  [
    'a page in place of the checkpoint',
    only('checkpoint', (to) => to.end('<html>hello</html>')),
    /not the log's/,
  ],
  [
    'the checkpoint of another key',
    only('checkpoint', (to) => {
      to.end(other.signCheckpoint(1_300, other.root));
    }),
    /not the log's/,
  ],
  [
    'a checkpoint beyond what there is',
    only('checkpoint', (to) => {
      to.end(log.signCheckpoint(1_000_000, log.root));
    }),
    /missing/,
  ],
  [
    'another root for the same entries',
    only('checkpoint', (to) => {
      to.end(
        log.signCheckpoint(
          1_300,
          other.root.map((octet) => octet ^ 1),
        ),
      );
    }),
    /do not give the root/,
  ],
];

test.for(lies)('%s: exit 1, and nothing is kept', { timeout: 120_000 }, async ([, lie, reason]) => {
  const url = await serve((path, response, request) => {
    if (!lie(path, response)) sendFrom(source)(path, response, request);
  });
  const folder = freshFolder();
  const ended = await follow(folder, url, log.vkey, '--once');
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toMatch(reason);
  expect(publicFiles(folder)).toEqual([]);
});

test('a server that is away, has no checkpoint, or answers a byte a second: exit 2', {
  timeout: 180_000,
}, async () => {
  const nothing = await serve((_path, response) => response.writeHead(404).end());
  const trickle = await serve((path, response, request) => {
    if (path !== bundle) {
      sendFrom(source)(path, response, request);
      return;
    }
    const timer = setInterval(() => response.write('x'), 1_000);
    response.on('close', () => clearInterval(timer));
  });
  const ended = await Promise.all([
    follow(freshFolder(), 'http://127.0.0.1:1/', log.vkey, '--once'),
    follow(freshFolder(), nothing, log.vkey, '--once'),
    follow(freshFolder(), trickle, log.vkey, '--once'),
    follow(freshFolder(), trickle, 'nonsense', '--once'),
    follow(freshFolder(), 'ftp://example.com/', log.vkey, '--once'),
  ]);
  expect(ended.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2]);
  expect(ended[2].stderr).toMatch(/fewer than 1024 bytes/);
});

test('a rollback is told and changes nothing; a fork is refused with both checkpoints', {
  timeout: 120_000,
}, async () => {
  const folder = freshFolder();
  await follow(folder, await serve(sendFrom(source)), log.vkey, '--once');
  const held = publicFiles(folder);

  const older = freshFolder();
  buildLog(older, 900, entry, log.keys);
  const stale = await follow(folder, await serve(sendFrom(older)), log.vkey, '--once', '--json');
  expect(stale.code).toBe(0);
  expect(stale.stderr).toMatch(/older checkpoint, of size 900/);
  expect(JSON.parse(stale.stdout)).toMatchObject({
    ok: true,
    outcome: 'stale',
    size: 1_300,
    offeredSize: 900,
  });
  expect(publicFiles(folder)).toEqual(held);

  for (const [size, from] of [
    [1_300, 1_299],
    [2_000, 700],
    [900, 3],
  ] as const) {
    const forked = freshFolder();
    buildLog(forked, size, (i) => (i < from ? entry(i) : Buffer.from(`other ${i}`)), log.keys);
    const ended = await follow(folder, await serve(sendFrom(forked)), log.vkey, '--once', '--json');
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: false, outcome: 'fork', size: 1_300 });
    const [where = ''] = readdirSync(folder).filter(
      (name) =>
        name.startsWith('fork-') &&
        readFileSync(join(folder, name, 'offered.checkpoint')).equals(
          readFileSync(join(forked, 'checkpoint')),
        ),
    );
    expect(readFileSync(join(folder, where, 'held.checkpoint'))).toEqual(
      readFileSync(join(source, 'checkpoint')),
    );
    rmSync(join(folder, where), { recursive: true });
    expect(publicFiles(folder)).toEqual(held);
  }
  await requireSoundLog({ source: folder, vkey: log.vkey });
});

test('killed at any moment, it shows nothing half, and goes on', {
  timeout: SOAK ? 3_600_000 : 300_000,
}, async () => {
  const rounds = SOAK ? 100 : 2;
  const large = freshFolder();
  let built = buildLog(large, 1, entry);
  let size = 0;
  const url = await serve(sendFrom(large));
  const folder = freshFolder();
  for (let round = 0; round < rounds; round++) {
    const before = size;
    size += 30_000 + Math.floor(Math.random() * 60_000);
    if (size > 400_000) {
      rmSync(folder, { recursive: true });
      size = 70_000;
    }
    rmSync(large, { recursive: true });
    built = buildLog(large, size, entry, built.keys);
    for (let kills = 0; kills < 3; kills++) {
      const child = spawn(bin, ['follow', '--data', folder, '--log', url, '--vkey', built.vkey, '--once'], {
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      // Not all that early: the program takes a while to start.
      await Promise.race([ended, sleep(500 + Math.random() * 2_500)]);
      child.kill('SIGKILL');
      await ended;
      if (!existsSync(join(folder, 'checkpoint'))) continue;
      const report = await requireSoundLog({ source: folder, vkey: built.vkey });
      expect([before, size]).toContain(report.size);
    }
    expect(await follow(folder, url, built.vkey, '--once')).toMatchObject({ code: 0, stderr: '' });
    expectSame(folder, large);
    await requireSoundLog({ source: folder, vkey: built.vkey });
  }
});

describe.runIf(process.getuid?.() === 0)('a full disk', () => {
  test('is called that; what is held stays, and once there is space it goes on', {
    timeout: 120_000,
  }, async () => {
    const disk = freshFolder();
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    try {
      const folder = join(disk, 'copy');
      expect((await follow(folder, await serve(sendFrom(source)), log.vkey, '--once')).code).toBe(0);
      const larger = freshFolder();
      buildLog(larger, 3_000, (i) => (i < 1_300 ? entry(i) : Buffer.alloc(2_000, i)), log.keys);
      const url = await serve(sendFrom(larger));
      const full = await follow(folder, url, log.vkey, '--once');
      expect(full).toMatchObject({ code: 2 });
      expect(full.stderr).toMatch(/no space/);
      expectSame(folder, source);
      execFileSync('mount', ['-o', 'remount,size=48m', disk]);
      expect((await follow(folder, url, log.vkey, '--once')).code).toBe(0);
      expectSame(folder, larger);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
