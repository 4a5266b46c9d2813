/** Webhooks of a real centre to real receivers: told are exactly those who agreed, of exactly what the feeds have, whatever fails in between. */
import { execFile } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { Webhook } from 'standardwebhooks';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NewWatch, Watched } from '@vitrine/api';
import { commitmentStatement, signStatement } from '@vitrine/statements';
import { formatCommitmentBody } from '@vitrine/commitments';
import { hashLeaf } from '@vitrine/tlog';
import { startNameServer } from '../apps/server/src/watches/test-name-server.ts';
import { type Receiver, startReceiver, takes } from './receiver.ts';
import { bin, code, publish, sha256, startCentre, text } from './running-centre.ts';
import type { RunningCentre } from './running-centre.ts';

const IN_HOUSE = { allowPrivateAddresses: true, mostPerHost: 100, perCallerHourly: 1_000 };

/** A centre with these settings for its watches. */
async function startWatchable(watches: object): Promise<RunningCentre> {
  const centre = await startCentre();
  await centre.stop();
  configure(centre, watches);
  await centre.restart();
  return centre;
}

function configure({ dir }: RunningCentre, watches: object): void {
  const file = join(dir, 'vitrine.json');
  const config = v.parse(v.looseObject({}), JSON.parse(readFileSync(file, 'utf8')));
  writeFileSync(file, JSON.stringify({ ...config, watches }));
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 90_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it did not come to this: ${what}`);
    await sleep(50);
  }
}

const add = ({ api }: RunningCentre, url: string, watch: Watched): Promise<NewWatch> =>
  api.call('addWatch', { body: { url, watch } });
const show = ({ api }: RunningCentre, { id, secret }: NewWatch) =>
  api.call('watch', { params: { id }, token: secret });
const confirm = ({ api }: RunningCentre, { id, secret }: NewWatch) =>
  api.call('confirmWatch', { params: { id }, token: secret, body: {} });
const remove = ({ api }: RunningCentre, { id, secret }: NewWatch) =>
  api.call('removeWatch', { params: { id }, token: secret });

/** A watch whose receiver has agreed. */
async function watching(centre: RunningCentre, receiver: Receiver, watch: Watched): Promise<NewWatch> {
  const added = await add(centre, receiver.url, watch);
  await until('it is active', async () => (await show(centre, added)).state === 'active');
  return added;
}

function vitrine(
  ...args: string[]
): Promise<{ readonly code: number; readonly output: string; readonly errors: string }> {
  return new Promise((resolve) =>
    execFile(bin, args, (error, output, errors) =>
      resolve({ code: error === null ? 0 : Number(error.code), output, errors }),
    ),
  );
}

let releases = 0;
/** Publishes a release of two artifacts: three entries. @returns its version */
async function release(centre: RunningCentre, product: string): Promise<string> {
  releases += 1;
  const version = `1.${releases}`;
  const artifacts = { 'a.bin': Buffer.from(`a ${version}`), 'b.bin': Buffer.from(`b ${version}`) };
  await publish(centre, { product, version, source: { 'main.c': version }, artifacts });
  return version;
}

/** Indices of the entries of an Atom feed, oldest first. */
async function feedOf({ url }: RunningCentre, path: string): Promise<readonly number[]> {
  const feed = await (await fetch(`${url}/feeds/${path}.atom`)).text();
  return [...feed.matchAll(/href="\/logs\/statements\/(\d+)"/g)].map(([, index]) => Number(index)).reverse();
}

describe('in-house', () => {
  let centre: RunningCentre;
  beforeAll(async () => {
    centre = await startWatchable(IN_HOUSE);
  });
  afterAll(() => centre.dispose());

  test('who agreed is told what the feed has, signed, with what is needed to check it', async () => {
    const [ofProduct, ofKey, silent] = await Promise.all([startReceiver(), startReceiver(), startReceiver()]);
    silent.answersChallenges = false;
    const { keyid } = centre.signer;
    await release(centre, 'before');
    const product = await watching(centre, ofProduct, { product: 'larder' });
    await watching(centre, ofKey, { keyid });
    const refused = await add(centre, silent.url, { product: 'larder' });
    await until('it was challenged', () => silent.challenges.length > 0);
    const before = await feedOf(centre, `keys/${keyid}`);
    await release(centre, 'larder');
    await release(centre, 'pantry');
    await until('both are told', () => ofProduct.entries.length === 3 && ofKey.entries.length === 6);

    expect(ofProduct.entries).toEqual(await feedOf(centre, 'products/larder'));
    expect(ofKey.entries).toEqual((await feedOf(centre, `keys/${keyid}`)).slice(before.length));
    expect(silent.received).toEqual([]);
    expect(await show(centre, refused)).toMatchObject({
      state: 'unconfirmed',
      failure: { reason: 'the challenge: the answer is not the challenge' },
    });

    for (const { body, headers, id } of [...ofProduct.challenges, ...ofProduct.received]) {
      const signed = {
        'webhook-id': id,
        'webhook-timestamp': String(headers['webhook-timestamp']),
        'webhook-signature': String(headers['webhook-signature']),
      };
      expect(new Webhook(product.secret).verify(body, signed)).toEqual(JSON.parse(body));
      expect(() => new Webhook(product.secret).verify(`${body} `, signed)).toThrow();
      expect(body).not.toContain(product.secret);
    }
    for (const { told } of ofProduct.received) {
      for (const entry of told.type === 'statements' ? told.entries : []) {
        const params = { log: 'statements', index: String(entry.leafIndex) };
        const { leaf, predicateType } = await centre.api.call('entry', { params });
        expect(entry.leafHash).toBe(Buffer.from(hashLeaf(Buffer.from(leaf, 'base64'))).toString('hex'));
        expect(entry).toMatchObject({ keyids: [keyid], product: 'larder', predicateType });
        const evidence = await fetch(centre.url + entry.evidence);
        expect(evidence.headers.get('content-type')).toContain('application/vnd.vitrine.evidence+json');
      }
    }
    const shown = await show(centre, product);
    expect(shown).toMatchObject({ state: 'active', failure: null, expiresAt: null });
    expect(shown.lastDelivery?.id).toBe(ofProduct.received.at(-1)?.id);
    const metrics = await (await fetch(`${centre.url}/metrics`)).text();
    expect(metrics).toMatch(/^vitrine_watches\{state="active"\} 2$/m);
    expect(metrics).toMatch(/^vitrine_watches_entries_total 9$/m);
    await Promise.all([ofProduct.close(), ofKey.close(), silent.close()]);
  });

  test('killed between sending and recording, it sends the same again under the same ID, and loses nothing', async () => {
    const receiver = await startReceiver();
    const watch = await watching(centre, receiver, { product: 'killed' });
    // First before the answer, then right behind it: what was answered may be recorded or not.
    for (const answersFirst of [false, true]) {
      const before = receiver.received.length;
      let killed: Promise<unknown> | undefined;
      receiver.manner = (_received, response) => {
        if (answersFirst) response.end();
        killed ??= centre.stop('SIGKILL');
      };
      await release(centre, 'killed').catch(() => undefined);
      await until('it was killed', () => killed !== undefined);
      await killed;
      receiver.manner = takes;
      await centre.restart();
      await until(
        'it was told',
        async () => (await show(centre, watch)).lastDelivery?.id === receiver.received.at(-1)?.id,
      );
      const [first, second] = receiver.received.slice(before);
      if (!answersFirst) expect(second).toBeDefined();
      if (second !== undefined && second.id === first?.id) expect(second.body).toBe(first.body);
      if (!answersFirst) expect(second?.id).toBe(first?.id);
    }
    await until('it is told everything', async () => {
      const feed = await feedOf(centre, 'products/killed');
      return feed.length > 0 && feed.join() === receiver.entries.join();
    });
    // In order, but for what was sent again.
    const ids = [...new Set(receiver.received.map(({ id }) => id))];
    const inOrder = ids.flatMap((id) => {
      const told = receiver.received.find((one) => one.id === id)?.told;
      return told?.type === 'statements' ? told.entries.map(({ leafIndex }) => leafIndex) : [];
    });
    expect(inOrder).toEqual(await feedOf(centre, 'products/killed'));
    await receiver.close();
  });

  test('one that is down is told once it is up, with what came meanwhile, in order', async () => {
    const receiver = await startReceiver();
    const watch = await watching(centre, receiver, { product: 'down' });
    await receiver.close();
    await release(centre, 'down');
    await until('it fails', async () => (await show(centre, watch)).failure !== null);
    const { failure } = await show(centre, watch);
    expect(failure?.reason).toContain('ECONNREFUSED');
    await release(centre, 'down');
    await receiver.open();
    await until('it is told', () => receiver.entries.length === 6);
    expect(receiver.entries).toEqual(await feedOf(centre, 'products/down'));
    await until('no failure is left', async () => (await show(centre, watch)).failure === null);
    await receiver.close();
  });

  test('those who are slow, endless or lead elsewhere cost the others nothing', async () => {
    const watch = { product: 'beside' };
    const prompt = await startReceiver();
    const inner = await startReceiver();
    const [slow, endless, elsewhere, broken] = await Promise.all(Array.from({ length: 4 }, startReceiver));
    if (slow === undefined || endless === undefined || elsewhere === undefined || broken === undefined)
      throw new TypeError('four receivers were asked for');
    slow.manner = (_received, response) => {
      // The head of an answer, a byte a second.
      const head = Array.from(`HTTP/1.1 200 OK\r\nx-slow: ${'a'.repeat(1_000)}`);
      const timer = setInterval(() => response.socket?.write(head.shift() ?? 'a'), 1_000);
      response.socket?.once('close', () => clearInterval(timer));
    };
    endless.manner = (_received, response) => void response.end(Buffer.alloc(10_000_000));
    elsewhere.manner = (_received, response) => void response.writeHead(307, { location: inner.url }).end();
    broken.manner = (_received, response) => void response.socket?.destroy();
    const receivers = [slow, endless, elsewhere, broken, prompt];
    const watches = await Promise.all(receivers.map((receiver) => watching(centre, receiver, watch)));
    for (let count = 1; count <= 3; count += 1) {
      await release(centre, 'beside');
      await until('the prompt one is told', () => prompt.entries.length === 3 * count);
    }
    expect(slow.received.length).toBeLessThanOrEqual(1);
    await until('the endless one was told', () => endless.entries.length === 9);
    const failures = [
      [0, 'no answer within 15 s'],
      [2, 'it answered 307'],
      [3, 'socket hang up'],
    ] as const;
    for (const [index, reason] of failures) {
      const added = watches[index];
      if (added === undefined) throw new TypeError('there are five');
      await until(reason, async () => (await show(centre, added)).failure?.reason.includes(reason) === true);
    }
    expect(inner.received).toEqual([]);
    expect(inner.challenges).toEqual([]);
    await Promise.all(watches.map((added) => remove(centre, added)));
    await Promise.all([...receivers, inner].map((receiver) => receiver.close()));
  });

  test('410 ends a watch; its secret alone shows and removes one', async () => {
    const [gone, kept] = await Promise.all([startReceiver(), startReceiver()]);
    gone.manner = (_received, response) => void response.writeHead(410).end();
    const ended = await watching(centre, gone, { product: 'gone' });
    const other = await watching(centre, kept, { product: 'gone' });
    await release(centre, 'gone');
    await until('it has ended', async () => (await show(centre, ended)).state === 'ended');
    await release(centre, 'gone');
    await until('the other is told', () => kept.entries.length === 6);
    expect(gone.received).toHaveLength(1);
    expect(await code(confirm(centre, ended))).toBe('watch-unknown');

    const stranger = { ...other, secret: ended.secret };
    for (const call of [show, confirm, remove]) {
      expect(await code(call(centre, stranger))).toBe('watch-unknown');
      expect(await code(call(centre, { ...other, secret: '' }))).toBe('watch-unknown');
      expect(await code(call(centre, { ...other, id: '0'.repeat(32) }))).toBe('watch-unknown');
    }
    expect(await remove(centre, other)).toEqual({ id: other.id, removed: true });
    expect(await code(show(centre, other))).toBe('watch-unknown');
    await release(centre, 'gone');
    const witness = await watching(centre, kept, { product: 'gone-too' });
    await release(centre, 'gone-too');
    await until('the next is told', () => kept.entries.length === 9);
    await remove(centre, witness);
    await Promise.all([gone.close(), kept.close()]);
  });

  test('of promises it tells what their feed has', async () => {
    const receiver = await startReceiver();
    await watching(centre, receiver, { promises: true });
    const body = formatCommitmentBody({
      by: 'Acme',
      to: 'everyone',
      title: 'An audit',
      text: 'There will be one.',
      sources: [{ title: 'Said so', url: 'https://acme.example/' }],
    });
    const statement = commitmentStatement({
      id: 'audit',
      announced: '2018-01-01',
      body: { digest: sha256(body) },
      due: { period: '2018-Q1', precision: 'period', utcOffset: '+00:00' },
      log: `${centre.name}/statements`,
    });
    const envelopes = [text(await signStatement(statement, [centre.signer]))];
    const bodies = [Buffer.from(body).toString('base64')];
    await centre.api.call('registerStatements', { body: { log: 'statements', envelopes, bodies } });
    const changes = () =>
      receiver.received.flatMap(({ told }) => (told.type === 'promises' ? told.changes : []));
    await until('it is told', () => changes().length >= 2);
    const feed = await (await fetch(`${centre.url}/feeds/promises.atom`)).text();
    const kinds = [...feed.matchAll(/<category term="([a-z]+)"/g)].map(([, kind]) => kind);
    expect(
      changes()
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(kinds.toSorted());
    expect(new Set(changes().map(({ promise }) => promise))).toEqual(new Set(['audit']));
    await receiver.close();
  });

  test('two that are asked for, and challenged, at once are two, or one', async () => {
    const receiver = await startReceiver();
    const [first, second] = await Promise.all([
      add(centre, receiver.url, { product: 'twice' }),
      add(centre, receiver.url, { product: 'twice' }),
    ]);
    expect(first.id).not.toBe(second.id);
    await until('both are active', async () => {
      const states = await Promise.all([first, second].map((each) => show(centre, each)));
      return states.every(({ state }) => state === 'active');
    });
    const challenged = receiver.challenges.length;
    const answers = await Promise.all([
      confirm(centre, first),
      confirm(centre, first),
      confirm(centre, first),
    ]);
    expect(answers.map(({ state }) => state)).toEqual(['active', 'active', 'active']);
    expect(receiver.challenges.length - challenged).toBeLessThan(3);
    await release(centre, 'twice');
    await until('both are told', () => receiver.received.length >= 2);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(receiver.received.length);
    await receiver.close();
  });
});

test('the command line asks, confirms, shows and removes, and keeps the secret out of sight', async () => {
  const centre = await startWatchable(IN_HOUSE);
  const receiver = await startReceiver();
  receiver.answersChallenges = false;
  const secretFile = join(centre.dir, 'secret');
  const asking = [
    ...['watch', 'add', '--server', centre.url, '--url', receiver.url, '--product', 'larder'],
    ...['--secret-out', secretFile, '--json'],
  ];
  const added = await vitrine(...asking);
  expect(added.code).toBe(0);
  const { id } = v.parse(v.looseObject({ id: v.string() }), JSON.parse(added.output));
  expect(added.output + added.errors).not.toContain('whsec_');
  expect(statSync(secretFile).mode & 0o777).toBe(0o600);
  const known = ['--server', centre.url, '--id', id, '--secret-file', secretFile];
  expect((await vitrine('watch', 'confirm', ...known)).code).toBe(1);
  receiver.answersChallenges = true;
  expect(await vitrine('watch', 'confirm', ...known)).toMatchObject({ code: 0 });
  await release(centre, 'larder');
  await until('it is told', () => receiver.entries.length === 3);
  await until('it is shown', async () => (await vitrine('watch', 'show', ...known)).output.includes('msg_'));

  // Of one whose secret cannot be kept nothing is left.
  const again = await vitrine(...asking);
  expect(again).toMatchObject({ code: 2, output: '' });
  expect(await (await fetch(`${centre.url}/metrics`)).text()).toMatch(
    /^vitrine_watches\{state="unconfirmed"\} 0$/m,
  );
  expect((await vitrine('watch', 'remove', ...known)).code).toBe(0);
  expect((await vitrine('watch', 'show', ...known)).errors).toContain('watch-unknown');
  const printed = await vitrine('watch', 'add', '--server', centre.url, '--url', receiver.url, '--promises');
  expect(printed.output).toMatch(/^id {6}[0-9a-f]{32}\nsecret {2}whsec_[A-Za-z0-9+/]{43}=\n$/);
  for (const wrong of [[], ['--promises', '--product', 'p'], ['--keyid', 'x']])
    expect(
      (await vitrine('watch', 'add', '--server', centre.url, '--url', receiver.url, ...wrong)).code,
    ).toBe(2);
  await receiver.close();
  await centre.dispose();
});

test('of those that nobody confirmed nothing is left, and of those that are suspended what they were not told', async () => {
  const centre = await startWatchable(IN_HOUSE);
  const [silent, receiver] = await Promise.all([startReceiver(), startReceiver()]);
  silent.answersChallenges = false;
  const unconfirmed = await add(centre, silent.url, { product: 'late' });
  const watch = await watching(centre, receiver, { product: 'late' });
  receiver.manner = (_received, response) => void response.writeHead(500).end();
  await release(centre, 'late');
  await until('it fails', async () => (await show(centre, watch)).failure !== null);
  await centre.stop();
  // As if days had passed.
  const days = 4 * 24 * 3_600_000;
  const database = new DatabaseSync(join(centre.dir, 'local-state.sqlite'));
  database.exec(
    `UPDATE watches SET created_at = created_at - ${days}, expires_at = expires_at - ${days}, attempts = 20,
     failing_since = failing_since - ${days}, next_attempt_at = 0`,
  );
  database.close();
  await centre.restart();
  await until('it is suspended', async () => (await show(centre, watch)).state === 'suspended');
  expect(await code(show(centre, unconfirmed))).toBe('watch-unknown');
  const failed = receiver.received.at(-1);
  await release(centre, 'late');
  receiver.manner = takes;
  expect((await confirm(centre, watch)).state).toBe('active');
  await until('it goes on', () => receiver.entries.length === 6);
  await until('it was taken', async () => (await show(centre, watch)).failure === null);
  const again = receiver.received.filter(({ id }) => id === failed?.id);
  expect(new Set(again.map(({ body }) => body)).size).toBe(1);
  await Promise.all([silent.close(), receiver.close()]);
  await centre.dispose();
});

test('by default nothing inside is reached: not by address, not by name, not by a name that changes', async () => {
  const names = await startNameServer([['127.0.0.1'], ['192.88.98.1', '10.0.0.1'], ['127.0.0.1']]);
  const centre = await startWatchable({ dnsServers: [names.address] });
  let connections = 0;
  const inside = createServer().listen(0, '127.0.0.1');
  inside.on('connection', () => (connections += 1));
  await until('it listens', () => inside.listening);
  const address = inside.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  for (const url of [
    `https://127.0.0.1:${port}/`,
    `https://localhost:${port}/`,
    `https://[::1]:${port}/`,
    `https://[::ffff:7f00:1]:${port}/`,
    `https://2130706433:${port}/`,
    `http://receiver.example:${port}/`,
    `https://user:secret@receiver.example:${port}/`,
    'https://169.254.169.254/latest/meta-data/',
  ])
    expect([url, await code(add(centre, url, { product: 'p' }))]).toEqual([url, 'watch-url-refused']);
  const watch = await add(centre, `https://receiver.example:${port}/`, { product: 'p' });
  for (let times = 0; times < 3; times += 1) {
    const { failure, state } = await confirm(centre, watch);
    expect(state).toBe('unconfirmed');
    expect(failure?.reason).toBe(
      'the challenge: receiver.example does not lead to an address that this centre sends to',
    );
  }
  expect(connections).toBe(0);
  inside.close();
  names.close();
  await centre.dispose();
});

test('there are as many as the centre takes, also when two ask at once; a centre may take none', async () => {
  const centre = await startWatchable({ ...IN_HOUSE, most: 3, perCallerHourly: 10 });
  const receiver = await startReceiver();
  const asked = await Promise.allSettled(
    Array.from({ length: 5 }, () => add(centre, receiver.url, { product: 'p' })),
  );
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  expect(await code(add(centre, receiver.url, { product: 'p' }))).toBe('too-many-watches');
  const [first] = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (first === undefined) throw new TypeError('three were added');
  await remove(centre, first);
  await add(centre, receiver.url, { product: 'p' });
  // The eighth to tenth of this caller in this hour; the eleventh is one too many.
  const codes: (string | undefined)[] = [];
  for (let times = 0; times < 4; times += 1)
    codes.push(await code(add(centre, receiver.url, { product: 'p' })));
  expect(new Set(codes)).toEqual(new Set(['too-many-watches']));
  const answer = await fetch(`${centre.url}/api/watches`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url: receiver.url, watch: { product: 'p' } }),
  });
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(60);

  await centre.stop();
  configure(centre, { enabled: false });
  await centre.restart();
  expect(await code(add(centre, receiver.url, { product: 'p' }))).toBe('watches-closed');
  await receiver.close();
  await centre.dispose();
});
