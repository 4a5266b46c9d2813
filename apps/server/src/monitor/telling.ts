/** Tells the other centres of forks, by gossip: each is sent both checkpoints until it has answered. */
import { parseForkEvidence } from '@vitrine/verifier/fork';
import type { EngineLogger } from '../log/engine-logger.ts';
import type { WatchedCentre } from './centre-watch.ts';
import type { KnownFork } from './fork-register.ts';

const TIMEOUT_MS = 5_000;

export class Telling {
  readonly #logger: EngineLogger;
  /** Fork and URL of what has been told by this process. */
  readonly #told = new Set<string>();

  constructor(logger: EngineLogger) {
    this.#logger = logger;
  }

  /** Tells each centre of each fork that it was not told of yet. Never rejects. */
  async tell(forks: readonly KnownFork[], centres: readonly WatchedCentre[]): Promise<void> {
    await Promise.all(
      centres.map(async (centre) => {
        for (const fork of forks) await this.#tellOne(fork, centre);
      }),
    );
  }

  async #tellOne({ evidence, id, origin }: KnownFork, { name, url }: WatchedCentre): Promise<void> {
    const key = `${id} ${url}`;
    if (this.#told.has(key)) return;
    try {
      const { checkpoints } = parseForkEvidence(evidence);
      const statuses: number[] = [];
      for (const note of checkpoints) statuses.push(await post(`${url}/gossip`, note));
      // One that is busy or broken is told again; one that does not know the log never will.
      if (statuses.some((status) => status >= 500)) return;
      this.#told.add(key);
      this.#logger.warn({ centre: name, origin, fork: id, statuses }, 'a centre was told of a fork');
    } catch (err) {
      this.#logger.warn(
        { centre: name, origin, fork: id, err },
        'a centre could not be told of a fork; it is told again',
      );
    }
  }
}

async function post(url: string, body: string): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  return response.status;
}
