/** One POST to a receiver, within bounds of time and size, to a checked address, following nothing. */
import { request as requestHttp } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { isAllowedAddress } from './address-policy.ts';
import { hostOf } from './receiver-url.ts';

/** From the first look for the name to the answer (Standard Webhooks, “Request timeouts”). */
const TIMEOUT_MS = 15_000;
/** Of an answer that is read. */
const MAX_ANSWER_BYTES = 4_096;
const MAX_HEADER_BYTES = 8_192;

export interface Posted {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether the body of the answer is of interest; else it is not read. */
  readonly wantsAnswer: boolean;
}

export interface Answer {
  readonly status: number;
  /** In seconds, where the receiver says so (RFC 9110, section 10.2.3; dates are not taken). */
  readonly retryAfterS: number | undefined;
  /** Empty unless it was wanted. */
  readonly body: Uint8Array;
}

/** Why there is no answer; the message is for the one who asked for the watch, and names nothing that is inside. */
export class PostingError extends Error {
  override readonly name = 'PostingError';
}

export type Post = (posted: Posted, signal: AbortSignal) => Promise<Answer>;

export interface PostingOptions {
  readonly lookup: LookupFunction;
  readonly allowPrivate: boolean;
  readonly userAgent: string;
  readonly timeoutMs?: number;
}

/** @returns what posts. It rejects with PostingError, or with the reason of the signal. */
export function createPost({
  lookup,
  allowPrivate,
  userAgent,
  timeoutMs = TIMEOUT_MS,
}: PostingOptions): Post {
  return async (posted, signal) => {
    const url = new URL(posted.url);
    const host = hostOf(url);
    // Sockets look up names only: an address is taken as it is.
    if (isIP(host) !== 0 && !isAllowedAddress(host, allowPrivate))
      throw new PostingError(`${host} is not an address that this centre sends to`);
    const timeout = AbortSignal.timeout(timeoutMs);
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method: 'POST',
      lookup,
      // A connection of its own: one that is kept would not be checked again.
      agent: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      signal: AbortSignal.any([signal, timeout]),
      headers: {
        ...posted.headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(posted.body),
        'user-agent': userAgent,
        connection: 'close',
      },
    });
    try {
      const response = await responseOf(request, posted.body);
      return {
        status: response.statusCode ?? 0,
        retryAfterS: retryAfterOf(response.headers['retry-after']),
        body: posted.wantsAnswer ? await boundedBody(response) : new Uint8Array(),
      };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      if (cause instanceof PostingError) throw cause;
      if (timeout.aborted)
        throw new PostingError(`there was no answer within ${timeoutMs / 1000} s`, { cause });
      throw new PostingError(reasonOf(cause), { cause });
    } finally {
      request.destroy();
    }
  };
}

function responseOf(request: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject).once('response', resolve).end(body);
  });
}

async function boundedBody(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_ANSWER_BYTES)
      throw new PostingError(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function retryAfterOf(header: string | undefined): number | undefined {
  return /^[0-9]{1,6}$/.test(header ?? '') ? Number(header) : undefined;
}

/** Several addresses fail with an error for each. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error && error.message !== '' ? error.message : 'the connection failed';
}
