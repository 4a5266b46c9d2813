/**
 * What a follower serves before it has a checkpoint to show: its witness and its mirror, without which a young log would never
 * get the cosignatures that its first checkpoint needs.
 */
import fastify from 'fastify';
import type { Logger } from 'pino';
import type { CheckpointCosigner } from '../witnessing/add-checkpoint.ts';
import { addCosignerRoutes } from './cosigner-routes.ts';
import { problem } from './problem.ts';
import { reportError } from './server.ts';

const RETRY_AFTER_S = 2;

export interface WaitingRoom {
  /** The port that it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

export interface WaitingRoomOptions {
  readonly host: string;
  readonly port: number;
  readonly mounted: readonly { readonly prefix: string; readonly cosigner: CheckpointCosigner }[];
  /** Of the writer. */
  readonly url: string;
  readonly logger: Logger;
}

export async function openWaitingRoom({
  host,
  port,
  mounted,
  url,
  logger,
}: WaitingRoomOptions): Promise<WaitingRoom> {
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.setErrorHandler((error, request, reply) => reportError(logger, error, request, reply));
  app.setNotFoundHandler((_request, reply) =>
    reply
      .status(503)
      .header('retry-after', RETRY_AFTER_S)
      .type('application/problem+json')
      .send(
        JSON.stringify(
          problem(
            'not-published-yet',
            `This centre has nothing to show yet: ${url} has published no checkpoint that its policy accepts.`,
            { retryAfterMs: RETRY_AFTER_S * 1000 },
          ),
        ),
      ),
  );
  for (const { prefix, cosigner } of mounted) await addCosignerRoutes(app, { prefix, cosigner, logger });
  await app.listen({ host, port });
  const address = app.server.address();
  return { port: typeof address === 'object' ? (address?.port ?? port) : port, close: () => app.close() };
}
