/** A follower's copies of public objects, from a writer that cuts short, alters, floods, or has not got them. */
import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bodiesProjection } from '../projection/bodies.ts';
import type { ReadModels } from '../projection/schema.ts';
import { releasesProjection } from '../releases/projection.ts';
import { openSqlite } from '../storage/sqlite/dialect.ts';
import { openVaultStorage } from '../storage/vault-files/vault-storage.ts';
import { generateVaultKeys, openVault } from '../vault/vault.ts';
import type { Vault } from '../vault/vault.ts';
import { PublicObjects } from './public-objects.ts';
import { Room } from './room.ts';
import { createWriterClient } from './writer-client.ts';

const MIB = 1024 * 1024;
const sha256 = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex');
const keys = await generateVaultKeys();

type Answer = (response: ServerResponse, request: IncomingMessage, bytes: Buffer) => void;

let dir: string;
let vault: Vault;
let read: Kysely<ReadModels>;
let server: Server;
let now = 0;
let free = 1e12;
const held = new Map<string, Buffer>();
const answers = new Map<string, Answer>();
const ranges: (string | undefined)[] = [];
let ending: AbortController;

/** As the real writer answers. */
const whole: Answer = (response, request, bytes) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const part = bytes.subarray(start);
  response.writeHead(start === 0 ? 200 : 206, {
    'content-length': part.length,
    ...(start === 0 ? {} : { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  });
  response.end(part);
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'public-objects-'));
  vault = await openVault({ ...openVaultStorage(join(dir, 'vault')), keys });
  read = openSqlite<ReadModels>(join(dir, 'read.sqlite'));
  await read.transaction().execute(async (tx) => {
    await bodiesProjection.createTables(tx);
    await releasesProjection.createTables(tx);
  });
  for (const map of [held, answers]) map.clear();
  ranges.length = 0;
  free = 1e12;
  ending = new AbortController();
  server = createServer((request, response) => {
    const digest = /[0-9a-f]{64}/.exec(request.url ?? '')?.[0] ?? '';
    ranges.push(request.headers.range);
    const bytes = held.get(digest);
    if (bytes === undefined) response.writeHead(404).end();
    else (answers.get(digest) ?? whole)(response, request, bytes);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  ending.abort();
  server.closeAllConnections();
  server.close();
  await vault.close();
  await read.destroy();
  rmSync(dir, { recursive: true, force: true });
});

function copier(): PublicObjects {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return new PublicObjects({
    writer: createWriterClient({
      url: `http://127.0.0.1:${address.port}`,
      origin: 'acme.example/statements',
      signer: undefined,
      signal: ending.signal,
    }),
    read,
    vault,
    room: new Room(() => Promise.resolve(free), 1e9),
    maxBodyBytes: 8 * MIB,
    atOnce: 4,
    logger: pino({ level: 'silent' }),
    nowMs: () => now,
  });
}

let entries = 0;
async function name(
  bytes: Buffer,
  table: 'public_bodies' | 'secret_bodies' = 'public_bodies',
): Promise<string> {
  const digest = sha256(bytes);
  held.set(digest, bytes);
  await read.insertInto(table).values({ digest, leaf_index: entries++ }).execute();
  return digest;
}

async function round(objects: PublicObjects): Promise<void> {
  now += 3_600_000;
  await objects.round(ending.signal);
}

test('takes what is named in public, and nothing that is secret', async () => {
  const small = await Promise.all(Array.from({ length: 1200 }, (_, at) => name(Buffer.from(`body ${at}`))));
  const large = await name(randomBytes(5 * MIB));
  const secret = await name(randomBytes(100), 'secret_bodies');
  await read.insertInto('public_bodies').values({ digest: secret, leaf_index: entries++ }).execute();
  const objects = copier();
  await round(objects);
  expect(await vault.missing([...small, large])).toEqual([]);
  expect(await vault.has(secret)).toBe(false);
  expect(objects.state).toMatchObject({ objects: 1201, failing: 0 });
  // What is here is not asked for again, and what comes later is.
  const asked = ranges.length;
  const later = await name(Buffer.from('later'));
  await round(objects);
  expect([ranges.length - asked, await vault.has(later)]).toEqual([1, true]);
});

test.each<readonly [string, Answer]>([
  [
    'altered',
    (response, request, bytes) =>
      whole(response, request, Buffer.concat([bytes.subarray(1), bytes.subarray(0, 1)])),
  ],
  ['of another size', (response, request, bytes) => whole(response, request, bytes.subarray(1))],
  ['without a size', (response, _request, bytes) => void response.writeHead(200).end(bytes)],
  ['endless', (response) => void response.writeHead(200, { 'content-length': 9e9 }).write('x')],
  ['a page', (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
  ['not there', (response) => void response.writeHead(404).end()],
  ['elsewhere', (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
])('one that is %s keeps no other from coming, and comes once it is right', async (fault, answer) => {
  for (const bytes of [randomBytes(1000), randomBytes(2 * MIB)]) {
    const digest = await name(bytes);
    const other = await name(randomBytes(1000));
    answers.set(digest, answer);
    const objects = copier();
    await round(objects).catch(() => undefined);
    expect(await vault.has(digest)).toBe(false);
    if (fault !== 'elsewhere') expect([await vault.has(other), objects.state.failing]).toEqual([true, 1]);
    answers.clear();
    await round(objects);
    expect([await vault.has(digest), await vault.has(other), objects.state.failing]).toEqual([true, true, 0]);
  }
});

test('a large one that breaks off goes on from there, also after a restart', async () => {
  const digest = await name(randomBytes(6 * MIB));
  answers.set(digest, (response, request, bytes) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = bytes.subarray(start);
    response.writeHead(start === 0 ? 200 : 206, {
      'content-length': part.length,
      ...(start === 0 ? {} : { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    response.write(part.subarray(0, 2 * MIB), () => setTimeout(() => response.destroy(), 50));
  });
  const objects = copier();
  await round(objects);
  await round(objects);
  await vault.close();
  vault = await openVault({ ...openVaultStorage(join(dir, 'vault')), keys });
  answers.clear();
  await round(copier());
  expect(await vault.has(digest)).toBe(true);
  // Each time from a later place.
  const starts = ranges.flatMap((range) => /^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? []).map(Number);
  expect(starts).toHaveLength(2);
  expect(starts.every((start, index) => start > MIB * (2 * index + 1))).toBe(true);
});

test('one that a disposal ends is not wanted any more', async () => {
  const digest = await name(Buffer.from('gone'));
  answers.set(digest, (response) => void response.writeHead(410).end());
  const objects = copier();
  await round(objects);
  expect(objects.state.failing).toBe(1);
  await vault.dispose(digest);
  await round(objects);
  expect(objects.state.failing).toBe(0);
});

test('too large a body is not taken; without room nothing is, until there is', async () => {
  const tooLarge = await name(randomBytes(8 * MIB + 1));
  const digest = await name(randomBytes(2 * MIB));
  const objects = copier();
  free = 1e9 + MIB;
  await expect(round(objects)).rejects.toMatchObject({ code: 'disk-full' });
  expect(await vault.missing([digest])).toEqual([digest]);
  free = 1e12;
  await round(objects);
  expect(await vault.missing([tooLarge, digest])).toEqual([tooLarge]);
  expect(objects.state.failing).toBe(1);
});

test('a writer that is not there is waited for', async () => {
  const digest = await name(Buffer.from('body'));
  const objects = copier();
  const address = server.address();
  server.closeAllConnections();
  server.close();
  await expect(round(objects)).rejects.toMatchObject({ code: 'unreachable' });
  if (address === null || typeof address === 'string') throw new Error('no port');
  server.listen(address.port, '127.0.0.1');
  await once(server, 'listening');
  await round(objects);
  expect(await vault.has(digest)).toBe(true);
});
