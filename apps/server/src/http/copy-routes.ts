/**
 * Copies of the logs that others write, each whole, under `/copies/<hex SHA-256 of the origin>/` in the layout of
 * tlog-tiles: also what a mirror has cosigned and the writer has not published. Whoever lost a log brings it back from here.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { CentreError } from '../error.ts';
import type { FollowedLog } from '../witnessing/followed-log.ts';
import { readTile } from './log-routes.ts';
import { reportError } from './server.ts';

interface CopyParams {
  readonly Params: { readonly originHash: string; readonly '*': string };
}

export async function addCopyRoutes(
  app: FastifyInstance,
  { copies, logger }: { readonly copies: () => readonly FollowedLog[]; readonly logger: Logger },
): Promise<void> {
  function copyOf(originHash: string): FollowedLog {
    const found = copies().find(
      ({ origin }) => createHash('sha256').update(origin).digest('hex') === originHash,
    );
    if (found !== undefined) return found;
    throw new CentreError(
      'unknown-log',
      'No log of that origin is followed here. The address is /copies/<hex SHA-256 of the origin>/checkpoint.',
    );
  }
  await app.register((scope, _options, done) => {
    scope.setErrorHandler((error, request, reply) => reportError(logger, error, request, reply));
    scope.get<CopyParams>('/copies/:originHash/checkpoint', async (request, reply) => {
      const { held } = copyOf(request.params.originHash);
      if (held === null) throw new CentreError('not-found', 'Nothing of this log is held yet.');
      return reply.header('cache-control', 'no-cache').type('text/plain; charset=utf-8').send(held.note);
    });
    scope.get<CopyParams>('/copies/:originHash/tile/*', async (request, reply) => {
      const { name, heldTree } = copyOf(request.params.originHash);
      const bytes = await readTile(name, heldTree, `tile/${request.params['*']}`);
      return reply
        .header('cache-control', 'public, max-age=31536000, immutable')
        .type('application/octet-stream')
        .send(bytes);
    });
    done();
  });
}
