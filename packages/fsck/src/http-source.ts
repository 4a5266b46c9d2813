// A log behind HTTP: kept-alive connections, a bounded number of retries, and a bound on what one answer may hold.

import { setTimeout as sleep } from 'node:timers/promises';
import { FsckError } from './fsck-error.ts';
import type { Content, LogSource } from './log-source.ts';

const ATTEMPTS = 5;

const FIRST_PAUSE_MS = 200;

/** The longest pause that a server's Retry-After is granted. */
const LONGEST_PAUSE_MS = 10_000;

/** A body that brings less than this in the time is not coming. */
const LEAST_BYTES = 1024;
const STALL_MS = 5_000;

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
    // fetch undoes Content-Encoding, which bundles may carry without negotiation (tlog-tiles, "Log entries").
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

async function request(
  address: URL,
  limitBytes: number,
  { requestTimeoutMs, refuseRedirects = false }: HttpLocation,
): Promise<Content | { readonly failure: unknown; readonly retryAfterMs: number }> {
  const patience = new Patience(requestTimeoutMs);
  try {
    const response = await fetch(address, {
      headers: { 'accept-encoding': 'gzip, identity', 'user-agent': 'vitrine-fsck' },
      redirect: refuseRedirects ? 'manual' : 'follow',
      signal: patience.signal,
    });
    if (response.ok) return await readBody(response, limitBytes, patience);
    // An unread body would hold its connection.
    await response.body?.cancel();
    if (PASSING.has(response.status)) {
      return { failure: new Error(`HTTP ${response.status}`), retryAfterMs: readRetryAfter(response) };
    }
    if (response.status >= 500) throw new Error(`HTTP ${response.status}`);
    return { fault: `missing (HTTP ${response.status})`, missing: true };
  } finally {
    patience.end();
  }
}

async function readBody(response: Response, limitBytes: number, patience: Patience): Promise<Content> {
  const parts: Uint8Array[] = [];
  let size = 0;
  // Counted after decompression, so a bomb is cut off while it unfolds.
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const part of body ?? []) {
    size += part.length;
    patience.received(part.length);
    if (size > limitBytes) return { fault: `larger than ${limitBytes} bytes`, missing: false };
    parts.push(part);
  }
  const [only] = parts;
  return { bytes: parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, size) };
}

/** Ends a request that takes too long, and one whose body trickles: that would hold a connection for an hour. */
class Patience {
  readonly #controller = new AbortController();
  readonly #deadline: NodeJS.Timeout;
  readonly #stall: NodeJS.Timeout;
  /** Since it was last looked; undefined until the body has been coming for as long as that. */
  #bytes: number | undefined;
  #hasBegun = false;

  constructor(requestTimeoutMs: number) {
    this.#deadline = setTimeout(() => this.#abort('no whole answer in time'), requestTimeoutMs);
    this.#stall = setInterval(() => {
      if (this.#bytes !== undefined && this.#bytes < LEAST_BYTES)
        this.#abort(`fewer than ${LEAST_BYTES} bytes came in ${STALL_MS / 1000} s`);
      if (this.#hasBegun) this.#bytes = 0;
    }, STALL_MS);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  received(bytes: number): void {
    this.#hasBegun = true;
    if (this.#bytes !== undefined) this.#bytes += bytes;
  }

  end(): void {
    clearTimeout(this.#deadline);
    clearInterval(this.#stall);
  }

  #abort(why: string): void {
    this.#controller.abort(new Error(why));
  }
}

function readRetryAfter(response: Response): number {
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  return Number.isFinite(seconds) ? Math.min(LONGEST_PAUSE_MS, Math.max(0, seconds * 1000)) : 0;
}

function describe(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  // fetch says only "fetch failed" and keeps the reason in its cause.
  return failure.cause instanceof Error ? failure.cause.message : failure.message;
}
