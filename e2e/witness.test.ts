/** The real `vitrine witness serve`: every status of tlog-witness, hostile clients, two processes, kill -9. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cosignatureTime,
  formatAddCheckpoint,
  type NoteVerifier,
  openCosignatures,
  openNote,
  parseCheckpoint,
  parseNote,
  parseTreeSizeLine,
  parseVkey,
  signNote,
} from '@vitrine/tlog';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestLog } from '../apps/server/src/witnessing/test-log.ts';
import { bin } from './running-centre.ts';

const ROUNDS = process.env['VITRINE_SOAK'] === undefined ? 2 : 100;

interface RunningWitness {
  readonly process: ChildProcess;
  readonly url: string;
  readonly vkey: string;
  readonly verifier: NoteVerifier;
  /** All that it printed on standard output. */
  readonly output: Promise<string>;
}

let folder: string;
let dir: string;
const running = new Set<ChildProcess>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-e2e-witness-'));
  dir = join(folder, 'data');
});
afterEach(async () => {
  for (const child of running) await end(child, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function run(vkeys: readonly string[], options: readonly string[] = []): ChildProcess {
  const child = spawn(
    bin,
    [
      'witness',
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--data',
      dir,
      ...vkeys.flatMap((vkey) => ['--origin-vkey', vkey]),
      ...options,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, VITRINE_LOG_LEVEL: 'warn' } },
  );
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

async function start(vkeys: readonly string[], options: readonly string[] = []): Promise<RunningWitness> {
  const child = run(vkeys, options);
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  let all = '';
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      all += chunk.toString();
      if (all.includes('\n')) resolve(all);
    });
    child.once('exit', (code) => reject(new Error(`the witness ended with ${String(code)}: ${errors}`)));
  });
  const [, url, vkey] = /^(http:\/\/\S+) (\S+)\n$/.exec(line) ?? [];
  if (url === undefined || vkey === undefined) throw new Error(`not a URL and a vkey: ${line}`);
  const output = once(child, 'close').then(() => all);
  return { process: child, url, vkey, verifier: parseVkey(vkey), output };
}

/** Runs what is expected to end by itself. @returns exit code and standard error */
async function refusal(vkeys: readonly string[], options: readonly string[] = []) {
  const child = run(vkeys, options);
  if (child.stderr === null) throw new Error('no standard error');
  const [errors] = await Promise.all([readText(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, errors };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
  return child.exitCode;
}

function post(
  witness: RunningWitness,
  body: Uint8Array | string,
  path = '/add-checkpoint',
): Promise<Response> {
  // Bytes, so that no content type is sent: a witness must not care.
  return fetch(witness.url + path, { method: 'POST', body: Buffer.from(body) });
}

async function cosigned(
  witness: RunningWitness,
  log: TestLog,
  oldSize: number,
  size = log.size,
): Promise<number> {
  const response = await post(witness, await log.request(oldSize, size));
  expect(response.status).toBe(200);
  const lines = new Uint8Array(await response.arrayBuffer());
  const [cosignature] = openCosignatures(log.text(size), lines, [witness.verifier]);
  return cosignatureTime(cosignature?.signature ?? new Uint8Array());
}

function checkpointPath(origin: string): string {
  return `/${createHash('sha256').update(origin).digest('hex')}/checkpoint`;
}

describe('the protocol', () => {
  test('every status and body of add-checkpoint, and the monitoring prefix', async () => {
    const log = new TestLog('log.example/a').grow(12);
    const witness = await start([log.vkey]);
    const status = async (body: Uint8Array | string) => (await post(witness, body)).status;

    expect((await fetch(witness.url + checkpointPath(log.origin))).status).toBe(404);
    expect(Math.abs((await cosigned(witness, log, 0, 5)) - Date.now() / 1000)).toBeLessThan(60);
    await cosigned(witness, log, 5, 9);
    await cosigned(witness, log, 9, 9);

    expect(await status('')).toBe(400);
    expect(await status(formatAddCheckpoint({ oldSize: 13, proof: [], checkpointNote: log.note() }))).toBe(
      400,
    );
    const stranger = new TestLog('log.example/b').grow(3);
    expect(await status(await stranger.request(0))).toBe(404);
    expect(await status(await new TestLog(log.origin).grow(9).request(9))).toBe(403);
    const good = parseNote(log.note()).signatures;
    const spoilt = signNote(log.fork(5).grow(7, 'x').text(), [stranger.signer()], good);
    expect(await status(formatAddCheckpoint({ oldSize: 9, proof: [], checkpointNote: spoilt }))).toBe(403);
    const conflict = await post(witness, await log.request(5, 12));
    expect(conflict.status).toBe(409);
    expect(conflict.headers.get('content-type')).toBe('text/x.tlog.size');
    expect(await conflict.text()).toBe('9\n');
    expect(await status(formatAddCheckpoint({ oldSize: 9, proof: [], checkpointNote: log.note() }))).toBe(
      422,
    );
    expect(await status(await log.fork(8).grow(1, 'x').request(9))).toBe(422);

    for (const method of ['GET', 'HEAD']) {
      const response = await fetch(witness.url + checkpointPath(log.origin), { method });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
      const note = await response.text();
      if (method === 'GET')
        expect(openNote(note, [parseVkey(log.vkey), witness.verifier]).signatures).toHaveLength(2);
    }
    for (const [method, path] of [
      ['GET', '/add-checkpoint'],
      ['POST', '/other'],
      ['GET', '/'],
      ['GET', checkpointPath(stranger.origin)],
      ['GET', checkpointPath(log.origin).toUpperCase()],
    ] as const) {
      expect((await fetch(witness.url + path, { method })).status).toBe(404);
    }
    expect(await (await fetch(`${witness.url}/healthz`)).text()).toBe('ok\n');
  });

  test('several logs, each with its own state, over one connection and many', async () => {
    const logs = Array.from({ length: 20 }, (_, i) => new TestLog(`log.example/${i}`).grow(8));
    const witness = await start(logs.map(({ vkey }) => vkey));
    for (const [oldSize, size] of [
      [0, 3],
      [3, 8],
    ] as const) {
      await Promise.all(logs.map((log) => cosigned(witness, log, oldSize, size)));
    }
  });

  test('several keys after one option', async () => {
    const logs = ['a', 'b', 'c'].map((name) => new TestLog(`log.example/${name}`).grow(2));
    const [first, ...rest] = logs.map(({ vkey }) => vkey);
    const witness = await start([first ?? ''], rest);
    for (const log of logs) await cosigned(witness, log, 0);
  });
});

describe('the process', () => {
  test('prints one line, keeps key and name, remembers, and ends on SIGTERM', async () => {
    const log = new TestLog('log.example/a').grow(9);
    const witness = await start([log.vkey]);
    expect(witness.verifier).toMatchObject({ type: 0x04 });
    expect(witness.verifier.name).toMatch(/^witness\.[0-9a-f]{8}$/);
    expect(statSync(join(dir, 'witness.pem')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dir, 'vkey.txt'), 'utf8')).toBe(`${witness.vkey}\n`);
    await cosigned(witness, log, 0, 5);
    expect(await end(witness.process, 'SIGTERM')).toBe(0);
    expect(await witness.output).toBe(`${witness.url} ${witness.vkey}\n`);

    const again = await start([log.vkey], ['--name', witness.verifier.name]);
    expect(again.vkey).toBe(witness.vkey);
    expect((await post(again, await log.request(0, 9))).status).toBe(409);
    await cosigned(again, log, 5, 9);
    await end(again.process, 'SIGTERM');
    expect(await refusal([log.vkey], ['--name', 'other.example'])).toMatchObject({ code: 2 });
  });

  test('takes the name that it is given', async () => {
    const log = new TestLog('log.example/a');
    const witness = await start([log.vkey], ['--name', 'north.example/witness']);
    expect(witness.verifier.name).toBe('north.example/witness');
  });

  test('ends with 2 and says why: what it was told makes no sense, or its data are not whole', async () => {
    const { vkey } = new TestLog('log.example/a');
    for (const [vkeys, options] of [
      [[], []],
      [['nonsense'], []],
      [[`${vkey}x`], []],
      [[vkey], ['--listen', 'nowhere']],
      [[vkey], ['--name', 'a name']],
      [[vkey], ['--unknown']],
    ] as const) {
      const { code, errors } = await refusal(vkeys, options);
      expect(code).toBe(2);
      expect(errors).toMatch(/^vitrine: /);
      expect(errors).not.toContain('    at ');
    }
    await end((await start([vkey])).process, 'SIGTERM');
    rmSync(join(dir, 'state'), { recursive: true });
    expect((await refusal([vkey])).errors).toContain('no record of what was cosigned');
    rmSync(join(dir, 'witness.pem'));
    expect((await refusal([vkey])).code).toBe(2);
    expect(existsSync(join(dir, 'witness.pem'))).toBe(false);
  });

  test('two never share a folder', async () => {
    const log = new TestLog('log.example/a').grow(2);
    const witness = await start([log.vkey]);
    expect((await refusal([log.vkey])).errors).toContain('locked');
    await cosigned(witness, log, 0);
  });

  test('answers what is under way before it ends', async () => {
    const log = new TestLog('log.example/a').grow(200);
    const witness = await start([log.vkey]);
    await cosigned(witness, log, 0, 100);
    const requests = Array.from({ length: 50 }, () => log.request(100, 100));
    const bodies = await Promise.all(requests);
    const answers = bodies.map((body) =>
      post(witness, body).then(
        ({ status }) => status,
        () => 'refused',
      ),
    );
    await Promise.race(answers);
    expect(await end(witness.process, 'SIGTERM')).toBe(0);
    for (const answer of await Promise.all(answers)) expect([200, 503, 'refused']).toContain(answer);
  });
});

describe('hostile clients', () => {
  function connection(witness: RunningWitness): { socket: Socket; answer: Promise<string> } {
    const socket = connect(Number(new URL(witness.url).port), '127.0.0.1');
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    // Who writes on after the server has hung up meets a reset; what came before it counts.
    socket.on('error', () => undefined);
    // Not events.once, which takes that reset for a failure.
    return { socket, answer: new Promise((resolve) => socket.once('close', () => resolve(received))) };
  }
  /** Sends raw bytes; resolves with the answer once the server has closed the connection. */
  function raw(witness: RunningWitness, bytes: string): Promise<string> {
    const { socket, answer } = connection(witness);
    socket.write(bytes);
    return answer;
  }

  test('bodies that are too large, compressed, chunked, cut short, of any type', async () => {
    const log = new TestLog('log.example/a').grow(4);
    const witness = await start([log.vkey]);
    expect((await post(witness, Buffer.alloc(10_000_000, 'a'))).status).toBe(413);
    expect((await post(witness, Buffer.alloc(200_000, '\n'))).status).toBe(400);
    const body = await log.request(0);
    const padded = `${Buffer.from(body).toString()}${`— a.example ${Buffer.alloc(2_424).toString('base64')}\n`.repeat(60)}`;
    expect(padded.length).toBeGreaterThan(128 * 1024);
    expect((await post(witness, padded)).status).toBe(200);
    for (const type of [
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'no/such; type',
      'nonsense',
    ]) {
      const headers = { 'content-type': type };
      const response = await fetch(`${witness.url}/add-checkpoint`, {
        method: 'POST',
        body: Buffer.from(await log.request(4)),
        headers,
      });
      expect(response.status).toBe(200);
    }
    const again = Buffer.from(await log.request(4)).toString();
    const head = 'POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n';
    const chunk = `${Buffer.byteLength(again).toString(16)}\r\n${again}\r\n0\r\n\r\n`;
    expect(await raw(witness, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`)).toMatch(
      /^HTTP\/1.1 200 /,
    );
    expect(await raw(witness, `${head}Content-Length: x\r\n\r\n`)).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw(witness, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw(witness, `${head}X: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
    const { socket: cut } = connection(witness);
    cut.write(`${head}Content-Length: 1000\r\n\r\nold 0\n`);
    cut.destroy();
    await cosigned(witness, log, 4);
  });

  test('a byte a second: timed out, while others are answered', async () => {
    const log = new TestLog('log.example/a').grow(4);
    const witness = await start([log.vkey]);
    const ended = Array.from({ length: 50 }, (_, i) => {
      const { socket, answer } = connection(witness);
      socket.write(
        i % 2 === 0
          ? 'POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1000\r\n\r\n'
          : 'POST /add-',
      );
      const trickle = setInterval(() => socket.write('o'), 1_000);
      return answer.finally(() => clearInterval(trickle));
    });
    let oldSize = 0;
    let answered = 0;
    const waiting = new Set(ended);
    for (const one of ended) void one.then(() => waiting.delete(one));
    while (waiting.size > 0) {
      await cosigned(witness, log, oldSize);
      oldSize = log.size;
      answered += 1;
      await sleep(100);
    }
    const answers = await Promise.all(ended);
    // A reset that overtakes the answer leaves nothing of it to read.
    for (const answer of answers) expect(answer).toMatch(/^(?:HTTP\/1.1 408 |$)/);
    expect(answers).toContainEqual(expect.stringMatching(/^HTTP\/1.1 408 /));
    expect(answered).toBeGreaterThan(20);
  });
});

test(`kill -9 under load, ${ROUNDS} rounds: what it answered it remembers, and it never signs another history`, async () => {
  const logs = Array.from({ length: 4 }, (_, i) => {
    const honest = new TestLog(`log.example/${i}`).grow(400);
    return { honest, fork: honest.fork(1).grow(399, 'fork') };
  });
  const vkeys = logs.map(({ honest }) => honest.vkey);
  const first = await start(vkeys);
  /** The newest checkpoint that was answered for, by log. At two leaves the fork is another tree already. */
  const answered = await Promise.all(
    logs.map(async ({ honest }) => ({ size: 2, timeSeconds: await cosigned(first, honest, 0, 2) })),
  );
  await end(first.process, 'SIGKILL');
  for (let round = 0; round < ROUNDS; round++) {
    const witness = await start(vkeys);
    const stop = { now: false };
    const load = logs.flatMap(({ honest, fork }, i) =>
      [honest, fork].map(async (log) => {
        let oldSize = 0;
        while (!stop.now) {
          const size = Math.min(log.size, oldSize + 1 + (round % 3));
          const response = await post(witness, await log.request(oldSize, size)).catch(() => undefined);
          const body = await response?.text().catch(() => undefined);
          if (response === undefined || body === undefined) return;
          if (response.status === 409) oldSize = parseTreeSizeLine(body);
          if (response.status === 422) expect(log).toBe(fork);
          if (response.status !== 200) continue;
          expect(log, 'a fork was cosigned').toBe(honest);
          const [cosignature] = openCosignatures(log.text(size), body, [witness.verifier]);
          const timeSeconds = cosignatureTime(cosignature?.signature ?? new Uint8Array());
          const before = answered[i] ?? { size: Infinity, timeSeconds: Infinity };
          expect(size).toBeGreaterThanOrEqual(before.size);
          expect(timeSeconds).toBeGreaterThanOrEqual(before.timeSeconds);
          answered[i] = { size, timeSeconds };
          oldSize = size;
        }
      }),
    );
    await sleep(50 + Math.random() * 300);
    const killed = end(witness.process, 'SIGKILL');
    stop.now = true;
    await killed;
    await Promise.all(load);

    const after = await start(vkeys);
    for (const [i, { honest }] of logs.entries()) {
      const response = await fetch(after.url + checkpointPath(honest.origin));
      const { text } = openNote(await response.text(), [after.verifier]);
      const { treeSize } = parseCheckpoint(text);
      expect(treeSize).toBeGreaterThanOrEqual(answered[i]?.size ?? Infinity);
      expect(text).toBe(honest.text(treeSize));
    }
    await end(after.process, 'SIGTERM');
  }
  expect(answered.every(({ size }) => size > 2)).toBe(true);
});

describe.runIf(process.getuid?.() === 0)('a full disk', () => {
  test('refuses with 507, remembers what it answered, and goes on once there is space', async () => {
    const disk = mkdtempSync(join(tmpdir(), 'vitrine-e2e-witness-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
    dir = join(disk, 'data');
    try {
      const log = new TestLog('log.example/a').grow(9);
      const witness = await start([log.vkey]);
      await cosigned(witness, log, 0, 5);
      writeFileSync(join(disk, 'filler'), Buffer.alloc(100_000));
      let refused: Response | undefined;
      for (let i = 0; i < 5_000 && refused === undefined; i++) {
        const response = await post(witness, await log.request(5, 5));
        if (response.status !== 200) refused = response;
        else await response.arrayBuffer();
      }
      expect(refused?.status).toBe(507);
      expect(await refused?.json()).toMatchObject({ code: 'disk-full' });
      expect((await post(witness, await log.request(5, 9))).status).toBe(507);
      expect(await (await post(witness, await log.request(0, 9))).text()).toBe('5\n');
      rmSync(join(disk, 'filler'));
      await cosigned(witness, log, 5, 9);
      await end(witness.process, 'SIGKILL');
      const again = await start([log.vkey]);
      expect(await (await post(again, await log.request(0, 9))).text()).toBe('9\n');
      await end(again.process, 'SIGTERM');
    } finally {
      for (const child of running) await end(child, 'SIGKILL');
      execFileSync('umount', [disk]);
      rmSync(disk, { recursive: true, force: true });
    }
  });
});
