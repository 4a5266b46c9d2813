/** A connection to a centre: patient with a server that restarts or is busy, signed in again when its session ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, createApiClient } from '@vitrine/api';
import type { ApiClient } from '@vitrine/api';
import { formatCanonicalJson, formatEnvelope, signEnvelope } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { couldNotRun, refused } from './failure.ts';

const SESSION_PAYLOAD_TYPE = 'application/vnd.vitrine.session+json';
/** How long one request is tried again while the server is away, busy or restarting. */
const PATIENCE_MS = 60_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;

/** @throws Failure when it is not an http(s) address */
export function connect(server: string): ApiClient {
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw couldNotRun(`${server} is not an http or https address`);
  return createApiClient(server);
}

/** Whether the same request may succeed later. */
export function isTransient(thrown: unknown): thrown is ApiError {
  return thrown instanceof ApiError && maySucceedLater(thrown);
}

function maySucceedLater({ code, problem, cause }: ApiError): boolean {
  if (code === 'problem') return problem?.status === 503 || problem?.status === 429;
  return code === 'unreachable' || cause !== undefined;
}

export function hasProblem(thrown: unknown, ...codes: string[]): thrown is ApiError {
  return thrown instanceof ApiError && thrown.problem !== undefined && codes.includes(thrown.problem.code);
}

/**
 * Tries again with growing pauses, or with those that the server asks for. Every request of ours may be repeated.
 * @param patience whether a server that does not answer is waited for like one that is busy; not so at the first contact
 */
export async function patiently<T>(
  work: () => Promise<T>,
  onWait: (reason: string) => void,
  patience: 'busy' | 'busy or away' = 'busy or away',
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      return await work();
    } catch (thrown) {
      if (!isTransient(thrown) || (patience === 'busy' && thrown.code !== 'problem')) throw thrown;
      const pauseMs = Math.min(Math.max(thrown.problem?.retryAfterMs ?? waitMs, 50), 30_000);
      if (performance.now() + pauseMs > deadline) throw thrown;
      onWait(deepMessage(thrown));
      await sleep(pauseMs);
    }
  }
}

/** What is thrown at the user when a centre's answer is final. */
export function explain(thrown: unknown): unknown {
  if (!(thrown instanceof ApiError)) return thrown;
  if (thrown.code !== 'problem' || maySucceedLater(thrown)) return couldNotRun(deepMessage(thrown), thrown);
  const { code = '', pointer, status = 0 } = thrown.problem ?? {};
  const message = `${thrown.message} (${code}${pointer === undefined ? '' : ` at ${pointer}`})`;
  return status >= 500 ? couldNotRun(message, thrown) : refused(message, thrown);
}

/** The origin of the centre's root log. */
export async function statementsOrigin(client: ApiClient): Promise<string> {
  const { logs } = await client.call('centre');
  const log = logs.find(({ kind }) => kind === 'statements');
  if (log === undefined) throw couldNotRun('the centre has no log of statements');
  return log.origin;
}

/** fetch says "fetch failed", and why in the cause of the cause. */
export function deepMessage(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const reasons = [thrown.message];
  for (let cause = thrown.cause; cause instanceof Error; cause = cause.cause)
    if (cause.message !== '' && !reasons.some((reason) => reason.includes(cause.message)))
      reasons.push(cause.message);
  return reasons.join(': ');
}

/** A session of one key at one centre. */
export class CentreSession {
  readonly client: ApiClient;
  readonly #origin: string;
  readonly #signer: Signer;
  readonly #onWait: (reason: string) => void;
  #token: Promise<string> | undefined;

  /** @param origin of the root log: a challenge for another centre is not signed, so that nobody relays one */
  constructor(client: ApiClient, origin: string, signer: Signer, onWait: (reason: string) => void) {
    this.client = client;
    this.#origin = origin;
    this.#signer = signer;
    this.#onWait = onWait;
  }

  /** Runs a request with a session token; a session that the server no longer knows is opened anew, once. */
  async run<T>(request: (token: string) => Promise<T>): Promise<T> {
    return patiently(async () => {
      const token = await this.#signedIn();
      try {
        return await request(token);
      } catch (thrown) {
        if (!hasProblem(thrown, 'unauthenticated', 'session-expired')) throw thrown;
        return request(await this.#signedIn(token));
      }
    }, this.#onWait);
  }

  /** Runs a request whose body can be read once: it is not repeated here, but the next one signs in again if it must. */
  async once<T>(request: (token: string) => Promise<T>): Promise<T> {
    return request(await patiently(() => this.#signedIn(), this.#onWait));
  }

  /** The token in force. Of several requests that hold a `stale` one the first renews it for all. */
  async #signedIn(stale?: string): Promise<string> {
    const token = this.#token;
    if (token !== undefined && (await token) !== stale) return token;
    if (this.#token === token) {
      const renewed = this.#signIn();
      this.#token = renewed;
      renewed.catch(() => {
        if (this.#token === renewed) this.#token = undefined;
      });
    }
    return this.#signedIn(stale);
  }

  async #signIn(): Promise<string> {
    const { challenge, origin } = await this.client.call('challenge', { body: {} });
    if (origin !== this.#origin)
      throw refused(
        `the server asks for a signature for ${origin}, but this publication is for ${this.#origin}`,
      );
    const payload = formatCanonicalJson({ challenge, origin });
    const envelope = await signEnvelope(SESSION_PAYLOAD_TYPE, payload, [this.#signer]);
    const text = new TextDecoder().decode(formatEnvelope(envelope));
    return (await this.client.call('session', { body: { envelope: text } })).token;
  }
}
