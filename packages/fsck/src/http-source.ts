// A log behind HTTP: kept-alive connections, a bounded number of retries, and a bound on what one answer may hold.

import { setTimeout as sleep } from 'node:timers/promises';
import { FsckError } from './fsck-error.ts';
import type { Content, LogSource } from './log-source.ts';

/** Tries of one request before the log counts as unreachable. */
const ATTEMPTS = 5;

const FIRST_PAUSE_MS = 200;

/** The longest pause that a server's Retry-After is granted. */
const LONGEST_PAUSE_MS = 10_000;

/** Answers that may be another at the next try. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

export function httpSource(location: { readonly url: string; readonly requestTimeoutMs: number }): LogSource {
  const { url, requestTimeoutMs } = location;
  return {
    lanes: 8,
    // fetch undoes Content-Encoding, which bundles may carry without negotiation (tlog-tiles, "Log entries").
    mayHoldGzip: false,
    partialWidths: () => [],
    read: async (path, limitBytes) => {
      const address = new URL(path, url);
      let failure: unknown;
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const answer = await request(address, limitBytes, requestTimeoutMs).catch((cause: unknown) => {
          return { failure: cause, retryAfterMs: 0 };
        });
        if (!('failure' in answer)) return answer;
        failure = answer.failure;
        if (attempt === ATTEMPTS - 1) break;
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
  timeoutMs: number,
): Promise<Content | { readonly failure: unknown; readonly retryAfterMs: number }> {
  const response = await fetch(address, {
    headers: { 'accept-encoding': 'gzip, identity', 'user-agent': 'vitrine-fsck' },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.ok) return readBody(response, limitBytes);
  // An unread body would hold its connection.
  await response.body?.cancel();
  if (PASSING.has(response.status)) {
    return { failure: new Error(`HTTP ${response.status}`), retryAfterMs: readRetryAfter(response) };
  }
  if (response.status >= 500) throw new Error(`HTTP ${response.status}`);
  return { fault: `missing (HTTP ${response.status})`, missing: true };
}

async function readBody(response: Response, limitBytes: number): Promise<Content> {
  const parts: Uint8Array[] = [];
  let size = 0;
  // Counted after decompression, so a bomb is cut off while it unfolds.
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > limitBytes) return { fault: `larger than ${limitBytes} bytes`, missing: false };
    parts.push(part);
  }
  return { bytes: Buffer.concat(parts, size) };
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
