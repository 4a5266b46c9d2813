/** Receivers of webhooks as others run them: real HTTP servers that a test can make slow, broken or hostile. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import * as v from 'valibot';

const NotificationSchema = v.variant('type', [
  v.looseObject({ type: v.literal('challenge'), challenge: v.string() }),
  v.looseObject({
    type: v.literal('statements'),
    entries: v.array(
      v.looseObject({
        leafIndex: v.number(),
        leafHash: v.string(),
        statement: v.string(),
        keyids: v.array(v.string()),
        product: v.nullable(v.string()),
        predicateType: v.string(),
        evidence: v.string(),
      }),
    ),
  }),
  v.looseObject({
    type: v.literal('promises'),
    changes: v.array(v.looseObject({ kind: v.string(), promise: v.string(), state: v.string() })),
  }),
]);

export interface Received {
  /** The webhook-id. */
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly told: v.InferOutput<typeof NotificationSchema>;
}

/** How a receiver answers what is no challenge. */
export type Manner = (received: Received, response: ServerResponse) => void;

export interface Receiver {
  readonly url: string;
  readonly port: number;
  /** Everything that came but challenges, in order, repeated or not. */
  readonly received: readonly Received[];
  readonly challenges: readonly Received[];
  /** Indices of entries that came, each once, in order. */
  readonly entries: readonly number[];
  manner: Manner;
  answersChallenges: boolean;
  close(): Promise<void>;
  /** Listens again, on the same port. */
  open(): Promise<void>;
}

export const takes: Manner = (_received, response) => void response.end();

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const challenges: Received[] = [];
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await buffer(request)).toString();
    const told = v.parse(NotificationSchema, JSON.parse(body));
    const one = { id: String(request.headers['webhook-id']), headers: request.headers, body, told };
    if (told.type !== 'challenge') {
      received.push(one);
      receiver.manner(one, response);
      return;
    }
    challenges.push(one);
    response.end(receiver.answersChallenges ? told.challenge : 'no');
  }
  const make = () =>
    createServer((request, response) => {
      handle(request, response).catch(() => response.destroy());
    });
  let server = make().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    received,
    challenges,
    get entries() {
      const indices = received.flatMap(({ told }) =>
        told.type === 'statements' ? told.entries.map(({ leafIndex }) => leafIndex) : [],
      );
      return [...new Set(indices)];
    },
    manner: takes,
    answersChallenges: true,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
    async open() {
      server = make().listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
  };
  return receiver;
}
