/** `POST /gossip`: a signed checkpoint that somebody was shown, as it is; the answer says whether it is of the history known here. */
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { parseForkEvidence } from '@vitrine/verifier/fork';
import { type Gossip, MAX_GOSSIP_BYTES } from '../monitor/gossip.ts';
import { problem } from './problem.ts';
import { reportError, sendProblem } from './server.ts';

const REFUSALS = {
  malformed: 'malformed-checkpoint',
  'not-signed': 'checkpoint-not-signed',
  'unknown-origin': 'unknown-log',
  overloaded: 'overloaded',
} as const;

/** In a scope of its own: the body is raw bytes whatever its content type. */
export async function addGossipRoute(
  app: FastifyInstance,
  { gossip, logger }: { readonly gossip: Gossip; readonly logger: Logger },
): Promise<void> {
  await app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    scope.setErrorHandler((error, request, reply) => reportError(logger, error, request, reply));
    scope.route({
      method: 'POST',
      url: '/gossip',
      bodyLimit: MAX_GOSSIP_BYTES,
      handler: async (request, reply) => {
        const heard = await gossip.hearStranger(
          Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        );
        switch (heard.outcome) {
          case 'consistent':
          case 'newer':
            return reply
              .status(heard.outcome === 'newer' ? 202 : 200)
              .header('cache-control', 'no-store')
              .type('application/json')
              .send(JSON.stringify(heard));
          case 'fork': {
            const { checkpoints } = parseForkEvidence(heard.fork.evidence);
            return sendProblem(reply, {
              ...problem(
                'log-forked',
                `${heard.origin} has signed two histories: both checkpoints are in this answer, the proof is at /api/forks/${heard.fork.id}. Keep them.`,
              ),
              checkpoints: [...checkpoints],
              evidence: `/api/forks/${heard.fork.id}`,
            });
          }
          default:
            return sendProblem(
              reply,
              problem(
                REFUSALS[heard.outcome],
                heard.reason,
                heard.outcome === 'overloaded' ? { retryAfterMs: 1000 } : {},
              ),
            );
        }
      },
    });
    done();
  });
}
