import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, expect, test } from 'vitest';
import { type BuiltLog, buildLog } from '../test/build-log.ts';
import { httpSource } from './http-source.ts';
import { checkLog, FsckError, requireSoundLog } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'vitrine-fsck-http-'));
const log: BuiltLog = buildLog(folder, 700, (i) => Buffer.from(`entry ${i}`));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

type Handler = (path: string, response: ServerResponse, request: IncomingMessage) => void;

async function serve(handler: Handler): Promise<URL> {
  const server = createServer((request, response) => {
    handler((request.url ?? '').replace(/^\/log\//, ''), response, request);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return new URL(`http://127.0.0.1:${address.port}/log`);
}

const sendFile: Handler = (path, response) => {
  const file = join(folder, path);
  if (existsSync(file) && statSync(file).isFile()) response.end(readFileSync(file));
  else response.writeHead(404).end();
};

const check = (source: URL, requestTimeoutMs = 5_000) =>
  checkLog({ source, vkey: log.vkey, requestTimeoutMs });

const codeOf = (check: Promise<unknown>): Promise<unknown> =>
  check.then(
    () => 'ran',
    (error: unknown) => (error instanceof FsckError ? error.code : error),
  );

test('a sound log, with or without a slash at the end of its prefix', async () => {
  const source = await serve(sendFile);
  await requireSoundLog({ source, vkey: log.vkey });
  await requireSoundLog({ source: `${source.href}/`, vkey: log.vkey });
});

test('bundles compressed without negotiation', async () => {
  const source = await serve((path, response, request) => {
    expect(request.headers['accept-encoding']).toBe('gzip, identity');
    if (!path.startsWith('tile/entries/')) {
      sendFile(path, response, request);
      return;
    }
    response.setHeader('content-encoding', 'gzip');
    response.end(gzipSync(readFileSync(join(folder, path))));
  });
  await requireSoundLog({ source, vkey: log.vkey });
});

test('a missing tile, and a refused one, are the fault of the log', async () => {
  const source = await serve((path, response, request) => {
    if (path === 'tile/0/001') response.writeHead(404).end('gone');
    else if (path === 'tile/entries/000') response.writeHead(403).end('no');
    else sendFile(path, response, request);
  });
  const { problems } = await check(source);
  expect(problems).toEqual([
    { path: 'tile/entries/000', reason: 'missing (HTTP 403)' },
    { path: 'tile/0/001', reason: 'missing (HTTP 404)' },
  ]);
});

test('answers that fail at first are asked for again', async () => {
  const failed = new Set<string>();
  const source = await serve((path, response, request) => {
    if (failed.has(path)) {
      sendFile(path, response, request);
      return;
    }
    failed.add(path);
    if (path.startsWith('tile/0')) response.destroy();
    else response.writeHead(503, { 'retry-after': '0' }).end();
  });
  await requireSoundLog({ source, vkey: log.vkey });
});

test('a server that keeps failing is unreachable, not unsound', async () => {
  const source = await serve((path, response, request) => {
    if (path === 'tile/0/001') response.writeHead(500).end();
    else sendFile(path, response, request);
  });
  expect(await codeOf(check(source))).toBe('unreachable');
});

test('an answer cut short, over and over, is unreachable', async () => {
  const source = await serve((path, response, request) => {
    if (path !== 'tile/entries/001') {
      sendFile(path, response, request);
      return;
    }
    response.writeHead(200, { 'content-length': '100000' });
    response.write('short');
    setTimeout(() => response.destroy(), 5);
  });
  expect(await codeOf(check(source))).toBe('unreachable');
});

test('a server that does not answer in time', async () => {
  const source = await serve(() => undefined);
  expect(await codeOf(check(source, 50))).toBe('unreachable');
});

test('nobody listens', async () => {
  expect(await codeOf(check(new URL('http://127.0.0.1:1/')))).toBe('unreachable');
});

test('no checkpoint', async () => {
  const source = await serve((_path, response) => response.writeHead(404).end());
  expect(await codeOf(check(source))).toBe('no-checkpoint');
});

test('a bomb is cut off', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const source = await serve((path, response, request) => {
    if (path !== 'tile/entries/001' && path !== 'tile/0/000') {
      sendFile(path, response, request);
      return;
    }
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
  });
  const { problems } = await check(source);
  expect(problems).toEqual([
    { path: 'tile/0/000', reason: 'larger than 8192 bytes' },
    { path: 'tile/entries/001', reason: 'larger than 16777472 bytes' },
  ]);
});

test('a page instead of a checkpoint is not sound', async () => {
  const source = await serve((_path, response) => response.end('<!doctype html>\n<p>hello</p>\n'));
  const report = await check(source);
  expect(report).toMatchObject({ ok: false, size: null });
  expect(report.problems.map(({ path }) => path)).toEqual(['checkpoint']);
});

test('redirects are followed, a few of them; a mirror refuses them', async () => {
  const target = await serve(sendFile);
  const source = await serve((path, response) => {
    response.writeHead(302, { location: `${target.href}/${path}` }).end();
  });
  await requireSoundLog({ source, vkey: log.vkey });

  const refusing = httpSource({ url: `${source.href}/`, requestTimeoutMs: 5_000, refuseRedirects: true });
  expect(await refusing.read('checkpoint', 1000)).toEqual({ fault: 'missing (HTTP 302)', missing: true });

  const circle: URL = await serve((_path, response) =>
    response.writeHead(302, { location: `${circle.href}/checkpoint` }).end(),
  );
  expect(await codeOf(check(circle))).toBe('unreachable');
  const file = await serve((_path, response) =>
    response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
  );
  expect(await codeOf(check(file))).toBe('unreachable');
});

test('a body that trickles is not waited for', { timeout: 60_000 }, async () => {
  const source = await serve((_path, response) => {
    const timer = setInterval(() => response.write('x'), 500);
    response.on('close', () => clearInterval(timer));
  });
  const trickling = httpSource({ url: `${source.href}/`, requestTimeoutMs: 60_000, attempts: 1 });
  await expect(trickling.read('checkpoint', 1000)).rejects.toThrow(/fewer than 1024 bytes came in 5 s/);
});

test('an encoding that was not asked for is a fault', async () => {
  const source = await serve((path, response, request) => {
    if (path === 'tile/0/000') response.setHeader('content-encoding', 'br');
    sendFile(path, response, request);
  });
  const { problems } = await check(source);
  expect(problems).toEqual([
    { path: 'tile/0/000', reason: 'in a content encoding that was not asked for: br' },
  ]);
});
