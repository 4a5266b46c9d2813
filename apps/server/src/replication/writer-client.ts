/**
 * The centre that is replicated, over HTTP: its public objects, and with a key that has the role centre its packs. Everything it says is
 * taken with a limit of size and pace; whether it is true is for the caller to check, by digest.
 */
import * as v from 'valibot';
import { ApiError, createApiClient, PackIdSchema, routeUrl } from '@vitrine/api';
import type { ApiClient, RouteName } from '@vitrine/api';
import {
  formatCanonicalJson,
  formatEnvelope,
  MAX_DISPOSAL_LIST_BYTES,
  signEnvelope,
} from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { SESSION_PAYLOAD_TYPE } from '../identity/sessions.ts';
import { CopyError } from '../vault/vault.ts';
import type { ListedPack, PackManifest, PackSource } from '../vault/vault.ts';

const MAX_JSON_BYTES = 64 * 1024 * 1024;
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
const MAX_GRANT_BYTES = 65_536;
const ANSWER_WITHIN_MS = 60_000;
/** A body must bring this much in each {@link PACE_MS}, or it is given up. */
const PACE_BYTES = 65_536;
const PACE_MS = 30_000;

export interface WriterClientOptions {
  readonly url: string;
  /** Of its root log: the session is signed for it, and for nobody else. */
  readonly origin: string;
  /** A key of the writer's keys log with the role centre; without one only public objects are asked for. */
  readonly signer: Signer | undefined;
  /** Ends everything under way. */
  readonly signal: AbortSignal;
}

/** A public object on its way. */
export interface ObjectDownload {
  /** Of the whole object. */
  readonly sizeBytes: number;
  readonly start: number;
  readonly content: AsyncIterable<Uint8Array>;
  /** Lets go of it unread. */
  cancel(): Promise<void>;
}

export type PublicKind = 'body' | 'artifactContent';

export interface WriterClient extends PackSource {
  readonly hasKey: boolean;
  /** All packs, by ID. @throws ApiError */
  packs(): AsyncGenerator<ListedPack>;
  /** @throws ApiError */
  disposalList(sha256: string): Promise<Uint8Array>;
  /** The public body that came with a submission, at whichever centre that entered. @throws ApiError */
  submissionBody(submission: string, maxBytes: number): Promise<Uint8Array>;
  /** Begins to fetch a public object, at `start` or, when the other centre does not give parts, at 0. @throws ApiError */
  object(kind: PublicKind, sha256: string, start: number): Promise<ObjectDownload>;
}

export function createWriterClient({ url, origin, signer, signal }: WriterClientOptions): WriterClient {
  // Not followed: a token is for this address and no other.
  const fetchOnce: typeof fetch = (input, init) => fetch(input, { ...init, redirect: 'error' });
  const json: ApiClient = createApiClient(url, async (input, init) => {
    const response = await fetchOnce(input, {
      ...init,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    });
    const bytes = await read(response, MAX_JSON_BYTES);
    return new Response(bytes, { status: response.status, headers: response.headers });
  });
  let session: Promise<string> | undefined;

  async function openSession(): Promise<string> {
    if (signer === undefined)
      throw new TypeError('packs are asked for with a key only: look at hasKey before');
    const { challenge, origin: asked } = await json.call('challenge', { body: {} });
    if (asked !== origin)
      throw new ApiError('unexpected-response', `${url} is ${asked.slice(0, 200)}, not ${origin}`);
    const payload = formatCanonicalJson({ challenge, origin });
    const envelope = await signEnvelope(SESSION_PAYLOAD_TYPE, payload, [signer]);
    const { token } = await json.call('session', {
      body: { envelope: new TextDecoder().decode(formatEnvelope(envelope)) },
    });
    return token;
  }

  /** Calls with a session, which is opened anew once when it has ended. */
  async function withSession<T>(call: (token: string) => Promise<T>): Promise<T> {
    session ??= openSession();
    const used = session;
    try {
      return await call(await used);
    } catch (error) {
      if (session === used) session = undefined;
      if (!(error instanceof ApiError) || error.problem?.status !== 401) throw error;
      session ??= openSession();
      return await call(await session);
    }
  }

  async function open(
    name: RouteName,
    params: Readonly<Record<string, string>>,
    { start = 0, token }: { readonly start?: number; readonly token?: string } = {},
  ): Promise<Response> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), ANSWER_WITHIN_MS);
    try {
      const client = createApiClient(url, (input, init) =>
        fetchOnce(input, {
          ...init,
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(start === 0 ? {} : { range: `bytes=${start}-` }),
          },
          signal: AbortSignal.any([signal, late.signal]),
        }),
      );
      const response: unknown = await client.call(name, { params });
      if (!(response instanceof Response))
        throw new TypeError(`route ${routeUrl(name, { params })} gives no bytes`);
      return response;
    } finally {
      clearTimeout(timer);
    }
  }

  async function small(name: RouteName, params: Readonly<Record<string, string>>, maxBytes: number) {
    return await withSession(async (token) => await read(await open(name, params, { token }), maxBytes));
  }

  return {
    hasKey: signer !== undefined,
    async *packs() {
      let after: string | undefined;
      do {
        const query = after === undefined ? {} : { after };
        const page = await withSession((token) => json.call('vaultPacks', { token, query }));
        yield* page.packs;
        if (page.next !== null && page.next <= (after ?? ''))
          throw new ApiError('unexpected-response', `the list of packs of ${url} goes in circles`);
        after = page.next ?? undefined;
      } while (after !== undefined);
    },
    manifest: (packId): Promise<PackManifest> =>
      orGone(packId, () =>
        withSession((token) => json.call('vaultPack', { token, params: { pack: packId } })),
      ),
    table: (packId) => orGone(packId, () => small('vaultPackTable', { pack: packId }, MAX_TABLE_BYTES)),
    grant: (packId, tag) =>
      orGone(packId, () => small('vaultPackGrant', { pack: packId, tag }, MAX_GRANT_BYTES)),
    async *ciphertext(packId, start) {
      const response = await orGone(packId, () =>
        withSession((token) => open('vaultPackObjects', { pack: packId }, { start, token })),
      );
      if (startOf(response) !== start)
        throw new ApiError(
          'unexpected-response',
          `${url} gave another part of pack ${packId} than was asked for`,
        );
      yield* pacedContent(response);
    },
    submissionBody: async (digest, maxBytes) => read(await open('submissionBody', { digest }), maxBytes),
    disposalList: (sha256) => small('disposalList', { sha256 }, MAX_DISPOSAL_LIST_BYTES),
    async object(kind, sha256, start) {
      const response = await open(kind, { sha256 }, { start });
      const from = startOf(response);
      const sizeBytes = from + lengthOf(response);
      if (from !== 0 && from !== start)
        throw new ApiError('unexpected-response', `${url} gave another part of ${sha256} than was asked for`);
      return {
        sizeBytes,
        start: from,
        content: pacedContent(response),
        cancel: async () => {
          await response.body?.cancel();
        },
      };
    },
  };
}

async function orGone<T>(packId: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ApiError) || error.problem?.code !== 'not-found') throw error;
    throw new CopyError('gone', `pack ${v.parse(PackIdSchema, packId)} is not there any more`, {
      cause: error,
    });
  }
}

/** Where the body begins in the whole (RFC 9110, section 14.4). @throws ApiError */
function startOf(response: Response): number {
  if (response.status !== 206) return 0;
  const start = /^bytes ([0-9]{1,15})-/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (start === undefined) throw new ApiError('unexpected-response', 'a part came that does not say of what');
  return Number(start);
}

/** @throws ApiError */
function lengthOf(response: Response): number {
  const length = /^[0-9]{1,15}$/.exec(response.headers.get('content-length') ?? '')?.[0];
  if (length === undefined) throw new ApiError('unexpected-response', 'an object came without its size');
  return Number(length);
}

/** @throws ApiError when it has more bytes */
async function read(response: Response, maxBytes: number): Promise<Buffer<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of pacedContent(response)) {
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes)
      throw new ApiError('unexpected-response', `the answer has more than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The body of a response, as long as it keeps coming. @throws ApiError when it breaks off or trickles */
async function* pacedContent(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  const { body } = response;
  if (body === null) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  let received = 0;
  let receivedBefore = -PACE_BYTES;
  const pace = setInterval(() => {
    if (received - receivedBefore < PACE_BYTES)
      void reader.cancel(new Error('too slow')).catch(() => undefined);
    receivedBefore = received;
  }, PACE_MS);
  const announced =
    response.headers.get('content-encoding') === null ? response.headers.get('content-length') : null;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      received += value.length;
      yield value;
    }
  } catch (cause) {
    throw new ApiError('unexpected-response', 'the other centre broke off in the middle of an answer', {
      cause,
    });
  } finally {
    clearInterval(pace);
    await reader.cancel().catch(() => undefined);
  }
  if (announced !== null && received !== Number(announced))
    throw new ApiError('unexpected-response', `the answer ended after ${received} of ${announced} bytes`);
}
