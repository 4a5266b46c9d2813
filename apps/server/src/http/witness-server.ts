/** The HTTP server of a witness that stands alone: its routes at the root, and `/healthz`. */
import fastify from 'fastify';
import type { Logger } from 'pino';
import type { Witness } from '../witnessing/witness.ts';
import { closeServer } from './close-server.ts';
import { addCosignerRoutes } from './cosigner-routes.ts';
import { reportError } from './server.ts';

/** Head and body of a request have to be whole within this time; looked at every second. */
const REQUEST_WITHIN_MS = 15_000;
/** Requests under way when the server ends are given this long. */
const CLOSE_WITHIN_MS = 5_000;

export interface WitnessServer {
  /** Starts listening. @returns the URL under which `add-checkpoint` stands */
  listen(host: string, port: number): Promise<string>;
  /** Takes no new request, answers those under way, then closes the witness. */
  close(): Promise<void>;
}

export async function createWitnessServer(witness: Witness, logger: Logger): Promise<WitnessServer> {
  const app = fastify({
    logger: false,
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false },
    requestTimeout: REQUEST_WITHIN_MS,
    http: { connectionsCheckingInterval: 1_000 },
    connectionTimeout: 120_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
  });
  app.setErrorHandler((error, request, reply) => reportError(logger, error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    reply
      .status(404)
      .type('text/plain; charset=utf-8')
      .send(
        `There is nothing at ${request.method} ${request.url.split('?', 1)[0] ?? '/'}. This is a C2SP tlog-witness: POST /add-checkpoint, GET /<hex SHA-256 of the origin>/checkpoint.\n`,
      ),
  );
  app.get('/healthz', (_request, reply) =>
    reply
      .status(witness.isReady ? 200 : 503)
      .header('cache-control', 'no-store')
      .type('text/plain; charset=utf-8')
      .send(witness.isReady ? 'ok\n' : 'what was cosigned has to be read back from the disk\n'),
  );
  await addCosignerRoutes(app, { prefix: '', cosigner: witness, logger });
  return {
    listen: (host, port) => app.listen({ host, port }),
    async close() {
      await closeServer(app, CLOSE_WITHIN_MS);
      await witness.close();
    },
  };
}
