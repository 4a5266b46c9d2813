/**
 * The load generator: N keep-alive HTTP/1.1 connections, each with one request in flight, that POST random entries to a log's
 * `/add` (one entry, raw) or `/add-batch` (tlog-tiles entry-bundle framing) and read `/checkpoint` beside it.
 *
 * A process of its own, so that its work is not counted as the server's; raw sockets and one reused buffer a connection, since
 * it shares the cores with the server that it measures. It speaks to any log that answers `/add` with a decimal index, so the
 * same load runs against Vitrine and against its peers.
 *
 *     node bench/load.ts --url http://127.0.0.1:8080/logs/NAME [--connections 256] [--seconds 10] [--warm-up 2]
 *                        [--entry-bytes 300] [--batch ENTRIES]
 *
 * Prints one JSON object, a {@link LoadResult}.
 */
import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import * as v from 'valibot';

const PercentilesSchema = v.strictObject({
  p50: v.number(),
  p90: v.number(),
  p99: v.number(),
  max: v.number(),
});
const LoadResultSchema = v.strictObject({
  requests: v.number(),
  entries: v.number(),
  seconds: v.number(),
  requestsPerSecond: v.number(),
  entriesPerSecond: v.number(),
  /** From the request's first byte to the answer, in milliseconds. */
  answeredMs: PercentilesSchema,
  /** From the request's first byte to a checkpoint, seen by a reader that polls, that covers the entry; in milliseconds. */
  publishedMs: PercentilesSchema,
  /** Answers other than 200, by status. */
  refused: v.record(v.string(), v.number()),
});

/** What one run measured; the warm-up is not counted. */
export type LoadResult = v.InferOutput<typeof LoadResultSchema>;

export interface LoadOptions {
  /** The log's address without a final `/`: `/add`, `/add-batch` and `/checkpoint` are appended. */
  readonly url: string;
  readonly connections?: number;
  readonly seconds?: number;
  readonly warmUpSeconds?: number;
  readonly entryBytes?: number;
  /** Entries a request; absent: single entries to `/add`. */
  readonly batch?: number;
}

/** Runs the generator as a process of its own. @throws Error when it fails or measures nothing */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const flags: [string, string | number | undefined][] = [
    ['--url', options.url],
    ['--connections', options.connections],
    ['--seconds', options.seconds],
    ['--warm-up', options.warmUpSeconds],
    ['--entry-bytes', options.entryBytes],
    ['--batch', options.batch],
  ];
  const given = flags.flatMap(([flag, value]) => (value === undefined ? [] : [flag, String(value)]));
  const child = spawn(process.execPath, [import.meta.filename, ...given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`the load generator ended with ${String(child.exitCode)}`);
  return v.parse(LoadResultSchema, JSON.parse(output));
}

interface Sample {
  readonly sentMs: number;
  readonly answeredMs: number;
  /** The largest index of the request's entries. */
  readonly index: number;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One connection with one request in flight. Reconnects when the server closes it between two requests. */
export class Connection {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #received = '';
  #settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  constructor(url: URL) {
    this.#host = url.hostname;
    this.#port = Number(url.port === '' ? 80 : url.port);
  }

  async request(bytes: Uint8Array): Promise<Answer> {
    const socket = this.#socket ?? (await this.#open());
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      socket.write(bytes);
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #open(): Promise<Socket> {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    await once(socket, 'connect');
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#receive(chunk);
    });
    const end = (error?: Error): void => {
      this.#socket = undefined;
      this.#settle?.reject(error ?? new Error('the server closed the connection before it answered'));
      this.#settle = undefined;
    };
    socket.on('error', end);
    socket.on('close', () => {
      end();
    });
    this.#socket = socket;
    return socket;
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) {
      this.#socket?.destroy(new Error(`an answer without Content-Length: ${head.slice(0, 200)}`));
      return;
    }
    const bodyStart = headEnd + 4;
    if (this.#received.length < bodyStart + Number(length)) return;
    const body = this.#received.slice(bodyStart);
    const settle = this.#settle;
    this.#received = '';
    this.#settle = undefined;
    if (/\r\nconnection: *close/i.test(head)) this.close();
    settle?.resolve({ status: Number(head.slice(9, 12)), body });
  }
}

/** The bytes of one POST, whose entries {@link PostBuffer.refill} makes new ones. */
class PostBuffer {
  readonly bytes: Uint8Array;
  readonly #entries: Uint8Array[] = [];

  constructor(url: URL, path: string, entryBytes: number, batch: number | undefined) {
    const framed = batch === undefined ? entryBytes : batch * (2 + entryBytes);
    const head = new TextEncoder().encode(
      `POST ${url.pathname.replace(/\/$/, '')}${path} HTTP/1.1\r\nHost: ${url.host}\r\n` +
        `Content-Type: application/octet-stream\r\nContent-Length: ${framed}\r\n\r\n`,
    );
    this.bytes = new Uint8Array(head.length + framed);
    this.bytes.set(head);
    for (let offset = head.length; offset < this.bytes.length; ) {
      if (batch !== undefined) {
        new DataView(this.bytes.buffer).setUint16(offset, entryBytes);
        offset += 2;
      }
      this.#entries.push(this.bytes.subarray(offset, offset + entryBytes));
      offset += entryBytes;
    }
  }

  refill(): void {
    for (const entry of this.#entries) randomFillSync(entry);
  }
}

/** Sorts `values`, which must not be empty. */
function percentiles(values: Float64Array): LoadResult['answeredMs'] {
  values.sort();
  const at = (share: number): number => {
    const value = values[Math.min(values.length - 1, Math.floor(values.length * share))];
    if (value === undefined) throw new RangeError('percentiles of nothing');
    return Math.round(value * 10) / 10;
  };
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** Reads `/checkpoint` every 10 ms until stopped; what it saw, oldest first. */
class CheckpointReader {
  readonly seen: { readonly atMs: number; readonly size: number }[] = [];
  readonly #connection: Connection;
  readonly #request: Uint8Array;
  #stopped = false;

  constructor(url: URL) {
    this.#connection = new Connection(url);
    this.#request = new TextEncoder().encode(
      `GET ${url.pathname.replace(/\/$/, '')}/checkpoint HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`,
    );
  }

  get size(): number {
    return this.seen.at(-1)?.size ?? 0;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const { status, body } = await this.#connection.request(this.#request);
      // A peer has none before its first entry.
      const size = status === 200 ? Number(body.split('\n', 2)[1]) : 0;
      if (!Number.isSafeInteger(size)) throw new Error(`not a checkpoint: ${body.slice(0, 200)}`);
      if (size > this.size) this.seen.push({ atMs: performance.now(), size });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.#connection.close();
  }

  stop(): void {
    this.#stopped = true;
  }
}

/** When each sample's entry was first seen published, minus when it was sent. */
function publishedAfter(samples: readonly Sample[], seen: CheckpointReader['seen']): Float64Array {
  const byIndex = samples.toSorted((a, b) => a.index - b.index);
  let next = 0;
  return Float64Array.from(byIndex, (sample) => {
    while (next < seen.length && (seen[next]?.size ?? 0) <= sample.index) next += 1;
    const checkpoint = seen[next];
    if (checkpoint === undefined)
      throw new Error(`entry ${sample.index} was acknowledged, but never published`);
    return checkpoint.atMs - sample.sentMs;
  });
}

async function measure(
  options: Required<Omit<LoadOptions, 'batch'>>,
  batch: number | undefined,
): Promise<LoadResult> {
  const url = new URL(options.url);
  const reader = new CheckpointReader(url);
  const reading = reader.run();
  const startMs = performance.now() + options.warmUpSeconds * 1000;
  const endMs = startMs + options.seconds * 1000;
  const samples: Sample[] = [];
  const refused = new Map<string, number>();
  let largestIndex = -1;

  const keepPosting = async (): Promise<void> => {
    const connection = new Connection(url);
    const post = new PostBuffer(url, batch === undefined ? '/add' : '/add-batch', options.entryBytes, batch);
    while (performance.now() < endMs) {
      post.refill();
      const sentMs = performance.now();
      const { status, body } = await connection.request(post.bytes);
      const answeredMs = performance.now();
      if (status !== 200) {
        refused.set(String(status), (refused.get(String(status)) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 100));
        continue;
      }
      const index = Number(body.trimEnd().split('\n').at(-1));
      if (body === '' || !Number.isSafeInteger(index)) throw new Error(`not an index: ${body.slice(0, 200)}`);
      largestIndex = Math.max(largestIndex, index);
      if (answeredMs >= startMs && answeredMs < endMs) samples.push({ sentMs, answeredMs, index });
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: options.connections }, keepPosting));

  for (let waited = 0; reader.size <= largestIndex && waited < 60_000; waited += 20) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  reader.stop();
  await reading;
  if (samples.length === 0)
    throw new Error(`nothing was accepted: ${JSON.stringify(Object.fromEntries(refused))}`);
  const entries = samples.length * (batch ?? 1);
  return {
    requests: samples.length,
    entries,
    seconds: options.seconds,
    requestsPerSecond: Math.round(samples.length / options.seconds),
    entriesPerSecond: Math.round(entries / options.seconds),
    answeredMs: percentiles(Float64Array.from(samples, (sample) => sample.answeredMs - sample.sentMs)),
    publishedMs: percentiles(publishedAfter(samples, reader.seen)),
    refused: Object.fromEntries(refused),
  };
}

/** @throws RangeError unless `text` is a decimal number in range */
function wholeNumber(flag: string, text: string, minimum: number, maximum: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= minimum && value <= maximum)) {
    throw new RangeError(`--${flag} ${text}: wants a whole number from ${minimum} to ${maximum}`);
  }
  return value;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: '' },
      connections: { type: 'string', default: '256' },
      seconds: { type: 'string', default: '10' },
      'warm-up': { type: 'string', default: '2' },
      'entry-bytes': { type: 'string', default: '300' },
      batch: { type: 'string' },
    },
  });
  if (!URL.canParse(values.url)) throw new TypeError('--url wants the address of a log');
  const result = await measure(
    {
      url: values.url,
      connections: wholeNumber('connections', values.connections, 1, 10_000),
      seconds: wholeNumber('seconds', values.seconds, 1, 3600),
      warmUpSeconds: wholeNumber('warm-up', values['warm-up'], 0, 600),
      entryBytes: wholeNumber('entry-bytes', values['entry-bytes'], 16, 65_535),
    },
    values.batch === undefined ? undefined : wholeNumber('batch', values.batch, 1, 100_000),
  );
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
