/** Logs over HTTP: C2SP tlog-tiles for readers, and `/add`, `/add-batch` for logs that take entries from anyone. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { MAX_ENTRY_BYTES, parseBundlePath, parseEntries, parseTilePath, TlogError } from '@vitrine/tlog';
import { CentreError } from '../error.ts';
import { isWritten, type Log, type LogView, type LogViews } from '../log/log.ts';
import { HotTiles } from './hot-tiles.ts';
import { reportError } from './server.ts';

/** Largest body of `/add-batch`, in bytes, and the most entries in it. */
const BATCH_MAX_BYTES = 4 * 1024 * 1024;
const BATCH_MAX_ENTRIES = 8192;

interface LogParams {
  readonly Params: { readonly log: string; readonly '*': string };
}

function logOf(logs: LogViews, name: string): LogView {
  if (!logs.names.includes(name))
    throw new CentreError(
      'unknown-log',
      `There is no log “${name.slice(0, 64)}”. GET /api/centre lists the logs.`,
    );
  return logs.get(name);
}

function openLogOf(logs: LogViews, name: string): Log {
  const log = logOf(logs, name);
  if (log.kind !== 'open' || !isWritten(log))
    throw new CentreError(
      'log-not-open',
      `The log “${name}” takes signed statements only: POST /api/statements.`,
    );
  return log;
}

/** Adds the routes under /logs/. In a scope of its own: bodies are raw bytes whatever their content type, and no page headers are needed. */
export async function addLogRoutes(app: FastifyInstance, logs: LogViews, logger: Logger): Promise<void> {
  const hot = new HotTiles();
  await app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.setErrorHandler((error, request, reply) => reportError(logger, error, request, reply));

    scope.get<LogParams>('/logs/:log/checkpoint', async (request, reply) =>
      reply
        .header('cache-control', 'no-cache')
        .type('text/plain; charset=utf-8')
        .send(logOf(logs, request.params.log).published.note),
    );
    scope.get<LogParams>('/logs/:log/tile/*', async (request, reply) =>
      sendTile(hot, logOf(logs, request.params.log), `tile/${request.params['*']}`, reply),
    );

    scope.post<LogParams>('/logs/:log/add', { bodyLimit: MAX_ENTRY_BYTES }, async (request, reply) => {
      const log = openLogOf(logs, request.params.log);
      const [appended] = await log.append([bodyBytes(request.body)]);
      return reply.type('text/plain; charset=utf-8').send(String(appended?.leafIndex));
    });
    scope.post<LogParams>('/logs/:log/add-batch', { bodyLimit: BATCH_MAX_BYTES }, async (request, reply) => {
      const log = openLogOf(logs, request.params.log);
      const appended = await log.append(entriesOf(bodyBytes(request.body)));
      return reply
        .type('text/plain; charset=utf-8')
        .send(appended.map(({ leafIndex }) => `${leafIndex}\n`).join(''));
    });
    done();
  });
}

function bodyBytes(body: unknown): Uint8Array {
  if (body === undefined)
    throw new CentreError(
      'invalid-request',
      'The body is missing: it is the entry itself, as raw bytes with a content type.',
    );
  if (!Buffer.isBuffer(body)) throw new CentreError('invalid-request', 'The body must be raw bytes.');
  return body;
}

function entriesOf(body: Uint8Array): Uint8Array[] {
  let entries: Uint8Array[];
  try {
    entries = parseEntries(body, BATCH_MAX_ENTRIES);
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new CentreError(
      'malformed-bundle',
      `${cause.message} Each entry is its length (u16, big-endian) and its bytes; at most ${BATCH_MAX_ENTRIES} entries.`,
      { cause },
    );
  }
  if (entries.length === 0) throw new CentreError('malformed-bundle', 'The batch holds no entry.');
  return entries;
}

async function sendTile(
  hot: HotTiles,
  log: LogView,
  path: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  let tile = hot.get(log.origin, path);
  if (tile === undefined) {
    tile = await readTile(log.name, log, path);
    hot.keep(log.origin, path, tile);
  }
  return reply
    .header('cache-control', 'public, max-age=31536000, immutable')
    .header('x-content-type-options', 'nosniff')
    .type('application/octet-stream')
    .send(tile);
}

/** A tile or bundle by its URL path. @throws CentreError `invalid-request`, `not-found` */
export async function readTile(
  name: string,
  log: Pick<LogView, 'readTile' | 'readBundle'>,
  path: string,
): Promise<Buffer> {
  let bytes: Uint8Array | null;
  try {
    bytes = path.startsWith('tile/entries/')
      ? await log.readBundle(parseBundlePath(path))
      : await log.readTile(parseTilePath(path));
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw new CentreError(
      'invalid-request',
      `“${path.slice(0, 100)}” is not a tile path of tlog-tiles: ${cause.message}`,
      { cause },
    );
  }
  if (bytes === null)
    throw new CentreError('not-found', `The log “${name}” has no ${path} at its published size.`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
