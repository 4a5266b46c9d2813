// A log behind HTTP: kept-alive connections, a bounded number of retries, and a bound on what one answer may hold.

import { type IncomingMessage, Agent as HttpAgent, get as httpGet } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { FsckError } from './fsck-error.ts';
import type { Content, LogSource } from './log-source.ts';

const ATTEMPTS = 5;

const FIRST_PAUSE_MS = 200;

/** The longest pause that a server's Retry-After is granted. */
const LONGEST_PAUSE_MS = 10_000;

/** A body that brings less than this in the time is not coming. */
const LEAST_BYTES = 1024;
const STALL_MS = 5_000;

const MOST_REDIRECTS = 5;

const SHORT_BODY_BYTES = 65_536;

const httpAgent = new HttpAgent({ keepAlive: true });
const httpsAgent = new HttpsAgent({ keepAlive: true });

/** Answers that may be another at the next try. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface HttpLocation {
  /** An http(s) prefix that ends in a slash. */
  readonly url: string;
  /** Longest wait for one answer, body included. */
  readonly requestTimeoutMs: number;
  /** Whether redirects count as missing; they are followed otherwise. */
  readonly refuseRedirects?: boolean;
  /** Tries of one request before the log counts as unreachable; 5 by default. */
  readonly attempts?: number;
}

export function httpSource(location: HttpLocation): LogSource {
  const { url, attempts = ATTEMPTS } = location;
  return {
    lanes: 8,
    // Content-Encoding is undone here, which bundles may carry without negotiation (tlog-tiles, "Log entries").
    mayHoldGzip: false,
    partialWidths: () => [],
    read: async (path, limitBytes) => {
      const address = new URL(path, url);
      let failure: unknown;
      for (let attempt = 0; attempt < attempts; attempt++) {
        const answer = await request(address, limitBytes, location).catch((cause: unknown) => {
          return { failure: cause, retryAfterMs: 0 };
        });
        if (!('failure' in answer)) return answer;
        failure = answer.failure;
        if (attempt === attempts - 1) break;
        const pause = FIRST_PAUSE_MS * 2 ** attempt * (0.5 + Math.random());
        await sleep(Math.max(pause, answer.retryAfterMs));
      }
      throw new FsckError('unreachable', `cannot read ${address.href}: ${describe(failure)}`, {
        cause: failure,
      });
    },
  };
}

type Answer = Content | { readonly failure: unknown; readonly retryAfterMs: number };

async function request(
  address: URL,
  limitBytes: number,
  location: HttpLocation,
  redirects = 0,
): Promise<Answer> {
  const patience = new Patience(location.requestTimeoutMs);
  try {
    const response = await open(address, patience);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return await readBody(response, limitBytes, patience);
    dropBody(response);
    const target = response.headers.location;
    if (status >= 300 && status < 400 && target !== undefined && location.refuseRedirects !== true) {
      if (redirects === MOST_REDIRECTS) throw new Error(`more than ${MOST_REDIRECTS} redirects`);
      return await request(httpUrl(target, address), limitBytes, location, redirects + 1);
    }
    if (PASSING.has(status)) {
      return { failure: new Error(`HTTP ${status}`), retryAfterMs: readRetryAfter(response) };
    }
    if (status >= 500) throw new Error(`HTTP ${status}`);
    return { fault: `missing (HTTP ${status})`, missing: true };
  } catch (cause) {
    // Whoever waits for a body that is cut off learns only that it was.
    throw patience.lost ?? cause;
  } finally {
    patience.end();
  }
}

/** An unread body would hold its connection; a short one is cheaper read than a connection made anew. */
function dropBody(response: IncomingMessage): void {
  if (Number(response.headers['content-length'] ?? Infinity) > SHORT_BODY_BYTES) response.destroy();
  else response.resume().setTimeout(STALL_MS, () => response.destroy());
}

// node:http costs half of what fetch does, and a mirror asks for thousands of bundles a second.
function open(address: URL, patience: Patience): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'accept-encoding': 'gzip, identity', 'user-agent': 'vitrine-fsck' };
    const request =
      address.protocol === 'https:'
        ? httpsGet(address, { agent: httpsAgent, headers }, resolve)
        : httpGet(address, { agent: httpAgent, headers }, resolve);
    request.on('error', reject);
    patience.onLost((why) => request.destroy(why));
  });
}

async function readBody(response: IncomingMessage, limitBytes: number, patience: Patience): Promise<Answer> {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  // What cannot be compressed grows a little.
  const body = await collect(response, limitBytes + Math.ceil(limitBytes / 1000) + 64, patience);
  if (body === undefined) return { fault: `larger than ${limitBytes} bytes`, missing: false };
  if (encoding === 'identity') {
    return body.length <= limitBytes
      ? { bytes: body }
      : { fault: `larger than ${limitBytes} bytes`, missing: false };
  }
  if (encoding !== 'gzip') {
    return {
      fault: `in a content encoding that was not asked for: ${encoding.slice(0, 40)}`,
      missing: false,
    };
  }
  try {
    return { bytes: gunzipSync(body, { maxOutputLength: limitBytes }) };
  } catch (cause) {
    if (cause instanceof RangeError) return { fault: `larger than ${limitBytes} bytes`, missing: false };
    return { failure: cause, retryAfterMs: 0 };
  }
}

/** All that comes, or undefined if it is more than `limitBytes`. */
function collect(
  response: IncomingMessage,
  limitBytes: number,
  patience: Patience,
): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    response.on('data', (part: Buffer) => {
      size += part.length;
      patience.received(part.length);
      if (size > limitBytes) {
        resolve(undefined);
        response.destroy();
      } else parts.push(part);
    });
    response.on('end', () => resolve(Buffer.concat(parts, size)));
    response.on('error', reject);
    response.on('close', () => reject(new Error('the answer was cut short')));
  });
}

/** Ends a request that takes too long, and one whose body trickles: that would hold a connection for an hour. */
class Patience {
  readonly #deadline: NodeJS.Timeout;
  readonly #stall: NodeJS.Timeout;
  /** Since it was last looked; undefined until the body has been coming for as long as that. */
  #bytes: number | undefined;
  #hasBegun = false;
  #onLost: (why: Error) => void = () => undefined;
  #lost: Error | undefined;

  constructor(requestTimeoutMs: number) {
    this.#deadline = setTimeout(() => this.#lose('no whole answer in time'), requestTimeoutMs);
    this.#stall = setInterval(() => {
      if (this.#bytes !== undefined && this.#bytes < LEAST_BYTES)
        this.#lose(`fewer than ${LEAST_BYTES} bytes came in ${STALL_MS / 1000} s`);
      if (this.#hasBegun) this.#bytes = 0;
    }, STALL_MS);
  }

  /** Why it was lost; undefined while it is not. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  onLost(listener: (why: Error) => void): void {
    this.#onLost = listener;
  }

  received(bytes: number): void {
    this.#hasBegun = true;
    if (this.#bytes !== undefined) this.#bytes += bytes;
  }

  end(): void {
    clearTimeout(this.#deadline);
    clearInterval(this.#stall);
  }

  #lose(why: string): void {
    this.#lost = new Error(why);
    this.#onLost(this.#lost);
  }
}

function httpUrl(target: string, from: URL): URL {
  const url = new URL(target, from);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new Error(`redirected to ${url.protocol}`);
}

function readRetryAfter(response: IncomingMessage): number {
  const seconds = Number(response.headers['retry-after'] ?? 0);
  return Number.isFinite(seconds) ? Math.min(LONGEST_PAUSE_MS, Math.max(0, seconds * 1000)) : 0;
}

function describe(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  // Where a name has several addresses, each failed for itself.
  if (failure instanceof AggregateError) return failure.errors.map(describe).join('; ');
  return failure.message;
}
