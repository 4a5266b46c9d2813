import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { checkedLookup } from './names.ts';
import { createPost, type Posted } from './posting.ts';
import { startNameServer } from './test-name-server.ts';

const open: { close: () => unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function listen(handler: RequestListener): Promise<{ port: number; server: Server }> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({ close: () => (server.closeAllConnections(), server.close()) });
  return { port: (server.address() as AddressInfo).port, server };
}

/** The address of a DNS server with these answers. */
async function nameServer(...answers: readonly (readonly string[])[]): Promise<string> {
  const server = await startNameServer(answers);
  open.push(server);
  return server.address;
}

const posted = (url: string, wantsAnswer = true): Posted => ({ url, wantsAnswer, headers: {}, body: '{}' });
const never = new AbortController().signal;

function poster(allowPrivate: boolean, dnsServers: readonly string[] = [], timeoutMs = 15_000) {
  const lookup = checkedLookup({ allowPrivate, dnsServers });
  return createPost({ lookup, allowPrivate, userAgent: 'test', timeoutMs });
}

test('a name that leads to loopback is refused, and asked anew each time: rebinding does not help', async () => {
  let reached = 0;
  const { port } = await listen((_request, response) => {
    reached += 1;
    response.end('here');
  });
  const inside = await nameServer(['127.0.0.1']);
  const refusal = 'receiver.example does not lead to an address that this centre sends to';
  await expect(poster(false, [inside])(posted(`http://receiver.example:${port}/`), never)).rejects.toThrow(
    refusal,
  );

  // First a public address, of which nobody here answers, then this machine.
  const rebinding = await nameServer(['192.88.98.1'], ['127.0.0.1']);
  const post = poster(false, [rebinding], 300);
  await expect(post(posted(`http://receiver.example:${port}/`), never)).rejects.toThrow();
  await expect(post(posted(`http://receiver.example:${port}/`), never)).rejects.toThrow(refusal);
  await expect(poster(false)(posted(`http://localhost:${port}/`), never)).rejects.toThrow('does not lead to');
  await expect(poster(false)(posted(`http://127.0.0.1:${port}/`), never)).rejects.toThrow(
    'is not an address',
  );
  expect(reached).toBe(0);

  const answer = await poster(true, [inside])(posted(`http://receiver.example:${port}/`), never);
  expect(Buffer.from(answer.body).toString()).toBe('here');
});

test('a name that has one forbidden address among others is refused', async () => {
  const lookup = checkedLookup({
    allowPrivate: false,
    dnsServers: [await nameServer(['192.88.98.1', '10.0.0.1'])],
  });
  const error = await new Promise((resolve) =>
    lookup('mixed.example', { all: true }, (failed) => resolve(failed)),
  );
  expect(error).toBeInstanceOf(Error);
});

test('a redirect is an answer like any other', async () => {
  const inner = await listen((_request, response) => response.end('inside'));
  let requests = 0;
  inner.server.on('request', () => (requests += 1));
  const { port } = await listen((_request, response) =>
    response.writeHead(307, { location: `http://127.0.0.1:${inner.port}/` }).end(),
  );
  expect((await poster(true)(posted(`http://127.0.0.1:${port}/`), never)).status).toBe(307);
  expect(requests).toBe(0);
});

test('an endless answer is not read to its end, nor read at all where it is not wanted', async () => {
  const { port } = await listen((_request, response) => response.end(Buffer.alloc(10_000_000)));
  const url = `http://127.0.0.1:${port}/`;
  await expect(poster(true)(posted(url), never)).rejects.toThrow('larger than 4096 bytes');
  expect(await poster(true)(posted(url, false), never)).toMatchObject({
    status: 200,
    body: new Uint8Array(),
  });
});

test('an answer of a byte a moment ends with the time that there is', async () => {
  const { port } = await listen((_request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('x'), 20);
    response.once('close', () => clearInterval(timer));
  });
  await expect(poster(true, [], 300)(posted(`http://127.0.0.1:${port}/`), never)).rejects.toThrow(
    'no answer within 0.3 s',
  );
});

test('what ends it is the reason that it gives', async () => {
  const { port } = await listen(() => undefined);
  const ending = new AbortController();
  const pending = poster(true)(posted(`http://127.0.0.1:${port}/`), ending.signal);
  ending.abort(new Error('the centre is closing'));
  await expect(pending).rejects.toThrow('the centre is closing');
  await expect(poster(true)(posted('http://127.0.0.1:1/'), never)).rejects.toThrow('ECONNREFUSED');
});
