/** The HTTP server: fastify with the routes of the contract, their validation, problem documents, security headers and the web's static files. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import * as v from 'valibot';
import { OBJECT_STREAM_TYPE, routes } from '@vitrine/api';
import type { Problem, Route, RouteName } from '@vitrine/api';
import { CentreError } from '../error.ts';
import { closeServer } from './close-server.ts';
import type { BytesResponse, RouteInput, Router } from '../router.ts';
import { openApiDocument } from './openapi.ts';
import { problem, problemOf } from './problem.ts';

/** No inline script or style, nothing from anywhere else: a page of this centre asks nobody but this centre. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Requests under way when the server ends are given this long, uploads are then cut off. */
const CLOSE_WITHIN_MS = 5_000;

const jsonLimitBytes = 1024 * 1024;
/** JSON bodies that may be larger than the rest: 10,001 envelopes, 20,000 digests, 64 bodies. */
const largeJsonBytes: Partial<Record<RouteName, number>> = {
  commitPublication: 64 * 1024 * 1024,
  missingObjects: 2 * 1024 * 1024,
  registerStatements: 8 * 1024 * 1024,
};

export interface HttpOptions {
  readonly logger: Logger;
  /** The keyid behind a session token. @throws CentreError `unauthenticated`, `session-expired`. */
  readonly authenticate: (authorization: string | undefined) => string;
  /** Folder of the built web pages; without it only the API is served. */
  readonly webRoot: string | undefined;
  readonly version: string;
}

export interface Http {
  readonly app: FastifyInstance;
  readonly router: Router;
  /** Answers every route of the contract that nobody has offered: only the writer, at this address, takes it. */
  refuseRest(writer: string): void;
  /** Starts listening. @returns the URL to open. */
  listen(host: string, port: number): Promise<string>;
  close(): Promise<void>;
}

function parsed(schema: v.GenericSchema, value: unknown, part: string): unknown {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw new CentreError('invalid-request', `${part}${path === null ? '' : ` “${path}”`}: ${issue.message}`, {
    pointer: `/${part}${path === null ? '' : `/${path.replaceAll('.', '/')}`}`,
  });
}

function isSchema(part: v.GenericSchema | { readonly mediaType: string }): part is v.GenericSchema {
  return 'kind' in part;
}

function send(reply: FastifyReply, route: Route, body: BytesResponse): FastifyReply {
  const declared = isSchema(route.response) ? 'application/json' : route.response.mediaType;
  void reply.type(body.mediaType ?? declared);
  if (body.etag === undefined) {
    // Also of what never changes: a logged disposal can end it, and a cache would outlive that.
    void reply.header('cache-control', 'no-store');
  } else {
    void reply.header('cache-control', 'no-cache').header('etag', body.etag);
    if (hasAlready(reply.request.headers['if-none-match'], body.etag)) return reply.status(304).send();
  }
  if (body.sizeBytes !== undefined) void reply.header('content-length', body.sizeBytes);
  if (body.part !== undefined) {
    const { start, wholeBytes } = body.part;
    const end = start + (body.sizeBytes ?? 0);
    void reply.status(206).header('content-range', `bytes ${start}-${end - 1}/${wholeBytes}`);
  }
  if (body.fileName !== undefined) {
    void reply.header(
      'content-disposition',
      `attachment; filename="${body.fileName.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_')}"; filename*=UTF-8''${encodeURIComponent(body.fileName)}`,
    );
  }
  if (reply.request.method === 'HEAD' && body.bytes instanceof Readable) {
    // fastify would read an object of gigabytes to its end to say nothing of it.
    body.bytes.destroy();
    return reply.send(Readable.from([]));
  }
  return reply.send(
    body.bytes instanceof Uint8Array
      ? Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.bytes.byteLength)
      : body.bytes,
  );
}

/** RFC 9110, section 13.1.2, by weak comparison. */
function hasAlready(ifNoneMatch: string | undefined, etag: string): boolean {
  return (ifNoneMatch ?? '')
    .split(',')
    .map((one) => one.trim().replace(/^W\//, ''))
    .some((one) => one === '*' || one === etag);
}

/** Creates the server; routes are added through its router before it listens. */
export async function createHttp(options: HttpOptions): Promise<Http> {
  const app = fastify({
    bodyLimit: jsonLimitBytes,
    logger: false,
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: 4096 },
    // A client that sends slowly or not at all must not hold a connection for ever; large uploads keep sending.
    connectionTimeout: 120_000,
    keepAliveTimeout: 72_000,
    // An upload that takes longer is cut off, and goes on from where it stood.
    requestTimeout: 3_600_000,
    forceCloseConnections: 'idle',
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, JSON.parse(String(body)));
    } catch (cause) {
      done(
        new CentreError(
          'invalid-request',
          `The body is not JSON: ${cause instanceof Error ? cause.message : ''}`,
          { pointer: '/body' },
        ),
      );
    }
  });
  for (const mediaType of ['application/octet-stream', OBJECT_STREAM_TYPE]) {
    app.addContentTypeParser(mediaType, (_request, payload, done) => done(null, payload));
  }
  app.setErrorHandler((error, request, reply) => reportError(options.logger, error, request, reply));
  app.addHook('onSend', async (_request, reply) => {
    void reply.header('x-content-type-options', 'nosniff');
    void reply.header('content-security-policy', contentSecurityPolicy);
    void reply.header('referrer-policy', 'no-referrer');
    void reply.header('cross-origin-opener-policy', 'same-origin');
    void reply.header('cross-origin-resource-policy', 'same-origin');
  });

  const index = options.webRoot === undefined ? undefined : join(options.webRoot, 'index.html');
  if (options.webRoot !== undefined && index !== undefined && existsSync(index)) {
    await app.register(fastifyStatic, {
      root: options.webRoot,
      index: 'index.html',
      cacheControl: false,
      setHeaders: (response, path) => {
        void response.header(
          'cache-control',
          path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        );
      },
    });
  }
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '/';
    const isPage =
      (request.method === 'GET' || request.method === 'HEAD') &&
      !/^\/(api|feeds|(logs|copies)\/[^/]+\/(checkpoint|tile)|assets)(\/|$)/.test(path);
    if (isPage && index !== undefined && existsSync(index)) {
      return reply.header('cache-control', 'no-cache').sendFile('index.html');
    }
    return sendProblem(
      reply,
      problem(
        'not-found',
        `There is nothing at ${request.method} ${path}. GET /api/openapi.json lists what there is.`,
      ),
    );
  });

  const document = JSON.stringify(openApiDocument(options.version));
  app.get('/api/openapi.json', async (_request, reply) => reply.type('application/json').send(document));

  const offered = new Set<string>();
  const callers = new WeakMap<FastifyRequest, string>();
  const underWay = new Set<Promise<unknown>>();
  const router: Router = {
    on(name, handler) {
      const route: Route = routes[name];
      offered.add(name);
      app.route({
        method: route.method,
        url: route.path,
        bodyLimit: largeJsonBytes[name] ?? jsonLimitBytes,
        // Before the body: who may not send one makes nobody read it.
        onRequest: (request, _reply, done) => {
          if (route.session) callers.set(request, options.authenticate(request.headers.authorization));
          done();
        },
        handler: async (request, reply) => {
          const abort = new AbortController();
          reply.raw.once('close', () => {
            if (!reply.raw.writableFinished) abort.abort();
          });
          const input = {
            params: route.params === undefined ? undefined : parsed(route.params, request.params, 'path'),
            query: route.query === undefined ? undefined : parsed(route.query, request.query, 'query'),
            body: bodyOf(route, request),
            caller: callers.get(request),
            secret: route.secret === true ? bearerOf(request.headers.authorization) : undefined,
            from: request.ip,
            range: rangeOf(request.headers.range),
            signal: abort.signal,
            // The schemas of the route have just made these types true; TypeScript cannot see it through the table.
          } as unknown as RouteInput<typeof name>;
          const handling = handler(input);
          underWay.add(handling);
          const output = await handling.finally(() => underWay.delete(handling));
          if (!isSchema(route.response)) return send(reply, route, output as BytesResponse);
          return reply
            .status(route.status ?? 200)
            .header('cache-control', 'no-store')
            .type('application/json')
            .send(JSON.stringify(output));
        },
      });
    },
  };

  return {
    app,
    router,
    refuseRest(writer) {
      for (const [name, { method, path }] of Object.entries(routes)) {
        if (offered.has(name)) continue;
        app.route({
          method,
          url: path,
          handler: () => {
            throw new CentreError(
              'not-the-writer',
              `This centre follows the logs of another and does not write them. Send this to ${writer}.`,
            );
          },
        });
      }
    },
    listen: (host, port) => app.listen({ host, port }),
    async close() {
      await closeServer(app, CLOSE_WITHIN_MS);
      // Those whose connection was cut off let go of what they hold before it is closed under them.
      await Promise.race([Promise.allSettled(underWay), setTimeoutPromise(CLOSE_WITHIN_MS)]);
    },
  };
}

/** RFC 6750, section 2.1. */
function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/-]{1,512}=*)$/.exec(authorization ?? '')?.[1];
}

/** One range that begins somewhere. Others a server may ignore (RFC 9110, section 14.2). */
function rangeOf(header: string | undefined): RouteInput<RouteName>['range'] {
  const [, start, last] = /^bytes=([0-9]{1,15})-([0-9]{1,15})?$/.exec(header ?? '') ?? [];
  if (start === undefined) return undefined;
  return { start: Number(start), end: last === undefined ? undefined : Number(last) + 1 };
}

function bodyOf(route: Route, request: FastifyRequest): unknown {
  if (route.body === undefined) return undefined;
  if (isSchema(route.body)) return parsed(route.body, request.body, 'body');
  if (request.body instanceof Readable) return request.body;
  throw new CentreError('unsupported-media-type', `This address takes ${route.body.mediaType}.`);
}

/** Answers with a problem document. */
export function sendProblem(reply: FastifyReply, document: Problem): FastifyReply {
  if (document.retryAfterMs !== undefined)
    void reply.header('retry-after', Math.max(1, Math.ceil(document.retryAfterMs / 1000)));
  return (
    reply
      .status(document.status)
      .header('cache-control', 'no-store')
      .type('application/problem+json')
      // As bytes: to text fastify would add a charset, which this type does not have (RFC 9457, section 3).
      .send(Buffer.from(JSON.stringify(document)))
  );
}

/** Maps what a handler threw, and fastify's own refusals, to a problem document. */
export async function reportError(
  logger: Logger,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  await discardRest(request.raw);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return sendProblem(reply, problem('body-too-large', 'The body is larger than this address takes.'));
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return sendProblem(
      reply,
      problem(
        'unsupported-media-type',
        `This address does not take ${request.headers['content-type'] ?? 'a body without a content type'}.`,
      ),
    );
  }
  if (
    code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' ||
    code === 'FST_ERR_BAD_URL' ||
    code === 'FST_ERR_CTP_EMPTY_JSON_BODY'
  ) {
    return sendProblem(
      reply,
      problem('invalid-request', error instanceof Error ? error.message : 'The request is malformed.'),
    );
  }
  const document = problemOf(error);
  // A client that went away is no fault of the server.
  const wentAway = code === 'ECONNRESET' && request.raw.destroyed;
  if (document.status >= 500 && document.status !== 503 && !wentAway)
    // The route, not the address: that may hold the digest of a secret object.
    logger.error({ err: error, method: request.method, route: request.routeOptions.url }, 'request failed');
  return sendProblem(reply, document);
}

/** A refused body of more than this is cut off, as is one that takes longer. */
const DISCARD_MAX_BYTES = 64 * 1024 * 1024;
const DISCARD_MAX_MS = 10_000;

/** Reads and forgets what a client is still sending, within bounds: it would otherwise meet a reset connection instead of the answer. */
function discardRest(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    let discarded = 0;
    const done = (): void => {
      clearTimeout(timer);
      request.off('data', count);
      request.resume();
      resolve();
    };
    const count = (chunk: Buffer): void => {
      discarded += chunk.length;
      if (discarded > DISCARD_MAX_BYTES) done();
    };
    const timer = setTimeout(done, DISCARD_MAX_MS);
    request.on('data', count).once('end', done).once('close', done);
  });
}
