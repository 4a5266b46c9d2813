/** What a stranger may send: malformed, oversized, truncated, replayed. Each gets a problem document that says what is wrong, and nothing is stored. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProblemSchema } from '@vitrine/api';
import { formatPublicKey, HEAD_TYPE, keyAddStatement, signStatement } from '@vitrine/statements';
import * as v from 'valibot';
import { bin, startCentre, text } from './running-centre.ts';
import type { RunningCentre } from './running-centre.ts';

let centre: RunningCentre;
beforeAll(async () => {
  centre = await startCentre({ openLogs: ['inbox'] });
});
afterAll(async () => {
  await centre.dispose();
});

async function problemOf(path: string, init?: RequestInit): Promise<string> {
  const response = await fetch(centre.url + path, init);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = v.parse(ProblemSchema, await response.json());
  expect(problem.status).toBe(response.status);
  expect(problem.detail.length).toBeGreaterThan(10);
  return problem.code;
}
const post = (body: BodyInit | null, type?: string): RequestInit => ({
  method: 'POST',
  body,
  ...(type === undefined ? {} : { headers: { 'content-type': type } }),
});
/** What the logs hold, heads apart: those come by themselves. */
async function sizes(): Promise<number[]> {
  const { entries } = await centre.api.call('entries', {
    params: { log: 'statements' },
    query: { limit: 200 },
  });
  const { logs } = await centre.api.call('centre');
  const others = logs.filter(({ name }) => name !== 'statements').map(({ durableSize }) => durableSize);
  return [entries.filter(({ predicateType }) => predicateType !== HEAD_TYPE).length, ...others];
}

describe('open logs', () => {
  test('take raw bytes of any content type, and answer the index; the same again has the same index', async () => {
    const add = async (body: BodyInit, type?: string) =>
      (await fetch(`${centre.url}/logs/inbox/add`, post(body, type))).text();
    const first = await add('one');
    expect(first).toMatch(/^\d+$/);
    expect(await add('one', 'application/json')).toBe(first);
    expect(await add(new Uint8Array([0, 255, 10]), 'image/png')).toBe(String(Number(first) + 1));
    expect(await add(new Uint8Array(65_535))).toBe(String(Number(first) + 2));
    expect(await add('', 'text/plain')).toBe(String(Number(first) + 3));
  });

  test('refuse what is not an entry or a bundle, and store nothing', async () => {
    const before = await sizes();
    expect(await problemOf('/logs/inbox/add', post(new Uint8Array(65_536)))).toBe('body-too-large');
    expect(await problemOf('/logs/nothing/add', post('x'))).toBe('unknown-log');
    expect(await problemOf('/logs/statements/add', post('x'))).toBe('log-not-open');
    expect(await problemOf('/logs/keys/add-batch', post('x'))).toBe('log-not-open');
    expect(await problemOf('/logs/inbox/add-batch', post(new Uint8Array([0, 5, 1])))).toBe(
      'malformed-bundle',
    );
    expect(await problemOf('/logs/inbox/add-batch', post(new Uint8Array([0])))).toBe('malformed-bundle');
    expect(await problemOf('/logs/inbox/add-batch', post(new Uint8Array(0), 'a/b'))).toBe('malformed-bundle');
    expect(await problemOf('/logs/inbox/add-batch', post(new Uint8Array(2 * 8193)))).toBe('malformed-bundle');
    expect(await problemOf('/logs/inbox/add-batch', post(new Uint8Array(4 * 1024 * 1024 + 1)))).toBe(
      'body-too-large',
    );
    expect(await sizes()).toEqual(before);
  });

  test('a batch is answered with one index a line, duplicates inside it included', async () => {
    const entry = (content: string) =>
      Buffer.concat([Buffer.from([0, content.length]), Buffer.from(content)]);
    const response = await fetch(
      `${centre.url}/logs/inbox/add-batch`,
      post(new Uint8Array(Buffer.concat([entry('x1'), entry('x2'), entry('x1')]))),
    );
    const [first, second, third, end] = (await response.text()).split('\n');
    expect(Number(second)).toBe(Number(first) + 1);
    expect(third).toBe(first);
    expect(end).toBe('');
  });
});

describe('tiles', () => {
  test('paths that are not tlog-tiles are refused; tiles beyond the log are not found', async () => {
    for (const path of [
      'tile/0/1',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/64/000',
      'tile/entries/x',
      'tile/0/x000/000',
      'tile/00/000',
      'tile/0/..%2f..%2f..%2fkeys%2froot.pem',
    ]) {
      expect(await problemOf(`/logs/statements/${path}`)).toBe('invalid-request');
    }
    expect(await problemOf('/logs/statements/tile/0/001')).toBe('not-found');
    expect(await problemOf('/logs/statements/tile/0/000.p/200')).toBe('not-found');
  });

  test('nothing outside the logs is served', async () => {
    for (const path of [
      '/keys/root.pem',
      '/logs/statements/../../keys/root.pem',
      '/logs/..%2f..%2fkeys/checkpoint',
      '/%2e%2e/keys/root.pem',
      '/vitrine.json',
      '/policy.txt',
    ]) {
      const response = await fetch(centre.url + path);
      const body = await response.text();
      expect(body).not.toContain('PRIVATE KEY');
      expect(body).not.toContain('openLogs');
    }
  });
});

describe('the API', () => {
  test('names the parameter that is wrong', async () => {
    expect(await problemOf('/api/search?limit=0')).toBe('invalid-request');
    expect(await problemOf('/api/search?nonsense=1')).toBe('invalid-request');
    expect(await problemOf('/api/search?from=yesterday')).toBe('invalid-request');
    expect(await problemOf(`/api/artifacts/${'A'.repeat(64)}`)).toBe('invalid-request');
    expect(await problemOf(`/api/artifacts/${'a'.repeat(64)}`)).toBe('not-found');
    expect(await problemOf('/api/logs/statements/entries/01')).toBe('invalid-request');
    expect(await problemOf('/api/logs/statements/entries/99999')).toBe('not-found');
    expect(await problemOf('/api/logs/statements/entries/0?size=99999')).toBe('not-found');
    expect(await problemOf('/api/logs/statements/consistency?from=2&to=1')).toBe('invalid-request');
    expect(await problemOf('/api/nothing')).toBe('not-found');
    expect(await problemOf(`/api/evidence/artifacts/${'a'.repeat(64)}?rootSize=12345`)).toBe(
      'root-size-not-kept',
    );
    expect(await problemOf(`/api/evidence/statements/${'a'.repeat(64)}`)).toBe('not-found');
  });

  test('refuses bodies that are not what the route takes', async () => {
    const json = 'application/json';
    expect(await problemOf('/api/session', post('{', json))).toBe('invalid-request');
    expect(await problemOf('/api/session', post('{}', json))).toBe('invalid-request');
    expect(await problemOf('/api/session', post('{"envelope":"{}","more":1}', json))).toBe('invalid-request');
    expect(await problemOf('/api/session', post('{"envelope":"{}"}', json))).toBe('unauthenticated');
    expect(await problemOf('/api/session', post('x', 'text/plain'))).toBe('unsupported-media-type');
    expect(await problemOf('/api/session', post(new Uint8Array(2 * 1024 * 1024), json))).toBe(
      'body-too-large',
    );
    const statements = (envelope: string) =>
      post(JSON.stringify({ log: 'statements', envelopes: [envelope], bodies: [] }), json);
    expect(
      await problemOf('/api/statements', statements('{"payload":"","payloadType":"x","signatures":[]}')),
    ).toBe('malformed-envelope');
    expect(
      await problemOf(
        '/api/statements',
        post('{"log":"statements","envelopes":["{}"],"bodies":["?"]}', json),
      ),
    ).toBe('malformed-envelope');
    expect(await problemOf('/api/publications', post('{"product":"A"}', json))).toBe('unauthenticated');
  });

  test('a statement for the keys log does not enter the root log, nor the other way round', async () => {
    const add = keyAddStatement({
      log: `${centre.name}/keys`,
      key: formatPublicKey(centre.signer),
      roles: [{ role: 'publisher', products: ['*'] }],
    });
    const envelope = text(await signStatement(add, [centre.signer]));
    const before = await sizes();
    const send = (log: string) =>
      problemOf(
        '/api/statements',
        post(JSON.stringify({ log, envelopes: [envelope], bodies: [] }), 'application/json'),
      );
    expect(await send('statements')).toBe('invalid-request');
    expect(await send('keys')).toBe('statement-refused');
    expect(await sizes()).toEqual(before);
  });

  test('a challenge is answered once, and only for this log', async () => {
    const token = await centre.token();
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(
      await problemOf('/api/publications', {
        ...post('{"product":"a","version":"1","snapshotSecret":"00"}', 'application/json'),
        headers: { 'content-type': 'application/json', authorization: `Bearer ${'x'.repeat(43)}` },
      }),
    ).toBe('session-expired');
  });

  test('an object stream that is cut or oversized stores nothing more and says where', async () => {
    const token = await centre.token();
    const { id } = await centre.api.call('openPublication', {
      token,
      body: { product: 'p', version: '1', snapshotSecret: 'ab'.repeat(32) },
    });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/vnd.vitrine.objects' };
    expect(
      await problemOf(`/api/publications/${id}/objects`, {
        method: 'POST',
        headers,
        body: new Uint8Array([0, 0, 0, 9, 1, 2]),
      }),
    ).toBe('invalid-request');
    expect(
      await problemOf(`/api/publications/${id}/objects`, {
        method: 'POST',
        headers,
        body: new Uint8Array([255, 0, 0, 0]),
      }),
    ).toBe('invalid-request');
    expect(
      await problemOf(`/api/publications/${id}/objects`, {
        method: 'POST',
        headers: { authorization: headers.authorization },
        body: 'x',
      }),
    ).toBe('unsupported-media-type');
    const upload = `/api/publications/${id}/uploads/${'c'.repeat(64)}`;
    const begun = await fetch(`${centre.url}${upload}?visibility=secret&sizeBytes=10`, { headers });
    expect(await begun.json()).toEqual({ offsetBytes: 0, complete: false });
    const put = (query: string, body: string) =>
      problemOf(`${upload}?visibility=secret&${query}`, {
        method: 'PUT',
        headers: { ...headers, 'content-type': 'application/octet-stream' },
        body,
      });
    expect(await put('sizeBytes=10&offsetBytes=5', 'aaaaa')).toBe('upload-offset-mismatch');
    expect(await put('sizeBytes=10&offsetBytes=0', '0123456789')).toBe('digest-mismatch');
    expect(await put('sizeBytes=10&offsetBytes=0', '0123456789')).toBe('upload-offset-mismatch');
  });

  test('describes itself, and every answer carries a strict content security policy', async () => {
    const response = await fetch(`${centre.url}/api/openapi.json`);
    const document = v.parse(
      v.looseObject({ openapi: v.literal('3.1.0'), paths: v.record(v.string(), v.unknown()) }),
      await response.json(),
    );
    expect(Object.keys(document.paths).length).toBeGreaterThan(25);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });

  test('garbage on the wire does not end the server', async () => {
    const { port } = new URL(centre.url);
    for (const garbage of [
      '\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
      'POST /logs/inbox/add HTTP/1.1\r\ncontent-length: 99\r\n\r\nshort',
      'POST /logs/inbox/add HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n',
    ]) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.end(garbage);
      socket.resume();
      await new Promise((resolve) => socket.once('close', resolve));
    }
    expect((await fetch(`${centre.url}/healthz`)).status).toBe(200);
  });
});

describe('the program', () => {
  async function run(...args: string[]): Promise<{ code: number | null; output: string; errors: string }> {
    const child = spawn(bin, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    await once(child, 'close');
    return { code: child.exitCode, output, errors };
  }

  test('a second server on the same folder refuses', async () => {
    const second = await run('serve', '--data', centre.dir, '--listen', '127.0.0.1:0');
    expect(second.code).toBe(2);
    expect(second.output).toBe('');
    expect(second.errors).toMatch(/lock|another process/i);
    expect((await fetch(`${centre.url}/healthz`)).status).toBe(200);
  });

  test('init never overwrites, and says what is wrong with its arguments', async () => {
    expect((await run('init', '--data', centre.dir, '--origin', 'x.example')).errors).toContain('not empty');
    expect(
      (await run('init', '--data', join(centre.dir, 'new'), '--origin', 'white space')).errors,
    ).toContain('--origin');
    expect(
      (await run('init', '--data', join(centre.dir, 'new'), '--origin', 'x', '--open-log', 'keys')).errors,
    ).toContain('reserved');
    expect(
      (await run('init', '--data', join(centre.dir, 'new'), '--origin', 'x', '--open-log', '../up')).errors,
    ).toContain('--open-log');
    expect((await run('serve', '--data', join(centre.dir, 'new'))).errors).toContain('vitrine init');
    expect((await run('serve', '--data', centre.dir, '--listen', 'nowhere')).errors).toContain('HOST:PORT');
  });

  test('a configuration with an unknown member does not start', async () => {
    const other = await startCentre();
    await other.stop();
    writeFileSync(
      join(other.dir, 'vitrine.json'),
      '{"format":1,"name":"acme.example","operator":"x","openLogs":[],"surprise":true}',
    );
    const { code, errors } = await run('serve', '--data', other.dir, '--listen', '127.0.0.1:0');
    expect(code).toBe(2);
    expect(errors).toContain('surprise');
    await other.dispose();
  });
});
