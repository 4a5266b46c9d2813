/** A cosigner over HTTP: c2sp.org/tlog-witness, submission and monitoring under one prefix. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { formatTreeSizeLine, TREE_SIZE_CONTENT_TYPE } from '@vitrine/tlog';
import {
  type AddCheckpointOutcome,
  type CheckpointCosigner,
  MAX_SUBMISSION_BYTES,
} from '../witnessing/add-checkpoint.ts';
import { reportError } from './server.ts';

/** A request's body has to be whole within this time of its head. */
const BODY_WITHIN_MS = 10_000;
/** What Node itself answers when a request takes too long. */
const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
const PLAIN_TEXT = 'text/plain; charset=utf-8';

const statuses: Record<AddCheckpointOutcome['outcome'], number> = {
  cosigned: 200,
  malformed: 400,
  'not-signed': 403,
  'unknown-origin': 404,
  'other-size': 409,
  inconsistent: 422,
};

export interface CosignerRoutes {
  /** Where `add-checkpoint` stands: a path that begins with `/` and does not end so; empty for the root. */
  readonly prefix: string;
  readonly cosigner: CheckpointCosigner;
  readonly logger: Logger;
}

interface OriginParams {
  readonly Params: { readonly originHash: string };
}

/** Adds `POST <prefix>/add-checkpoint` and `GET <prefix>/<hex SHA-256 of the origin>/checkpoint`. In a scope of its own: bodies are raw bytes whatever their content type. */
export async function addCosignerRoutes(
  app: FastifyInstance,
  { prefix, cosigner, logger }: CosignerRoutes,
): Promise<void> {
  await app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    scope.setErrorHandler((error, request, reply) => reportError(logger, error, request, reply));

    scope.route({
      method: 'POST',
      url: `${prefix}/add-checkpoint`,
      bodyLimit: MAX_SUBMISSION_BYTES,
      onRequest: (request, _reply, go) => {
        // The protocol names none; fastify would refuse one that is malformed.
        request.raw.headers['content-type'] = 'application/octet-stream';
        cutOffUnlessWhole(request.raw);
        go();
      },
      handler: async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const outcome = await cosigner.addCheckpoint(body);
        return (
          reply
            .status(statuses[outcome.outcome])
            .header('cache-control', 'no-store')
            .type(outcome.outcome === 'other-size' ? TREE_SIZE_CONTENT_TYPE : PLAIN_TEXT)
            // As bytes: to text fastify would add a charset, which the type of a size does not have.
            .send(Buffer.from(bodyOf(outcome)))
        );
      },
    });

    scope.get<OriginParams>(`${prefix}/:originHash/checkpoint`, async (request, reply) => {
      const note = cosigner.latest(request.params.originHash);
      return reply
        .status(note === undefined ? 404 : 200)
        .header('cache-control', note === undefined ? 'no-store' : 'no-cache')
        .type(PLAIN_TEXT)
        .send(
          note ??
            'No checkpoint of this log was cosigned here. The address is <hex SHA-256 of the origin>/checkpoint.\n',
        );
    });
    done();
  });
}

function bodyOf(outcome: AddCheckpointOutcome): string {
  if (outcome.outcome === 'cosigned') return outcome.signatureLines;
  if (outcome.outcome === 'other-size') return formatTreeSizeLine(outcome.heldSize);
  return `${outcome.reason}\n`;
}

/** Ends a request whose body comes too slowly; the server's own limit is an hour where it takes uploads. */
function cutOffUnlessWhole(request: IncomingMessage): void {
  const timer = setTimeout(() => {
    if (!request.complete) request.socket.end(TIMED_OUT, () => request.destroy());
  }, BODY_WITHIN_MS);
  request.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
}
