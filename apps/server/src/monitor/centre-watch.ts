/**
 * Looks at what the other centres publish: the checkpoints of every log that is held here as well, and the digest of their view. It
 * tells a stale view, which is older and of the same history, from another history.
 */
import { FsckError, locateSource, openSource, type SourceLocation } from '@vitrine/fsck';
import { type SeenCentre, ViewDigestSchema } from '@vitrine/api';
import * as v from 'valibot';
import type { EngineLogger } from '../log/engine-logger.ts';
import { type Gossip, MAX_GOSSIP_BYTES } from './gossip.ts';
import { type HeldLog, publishedSize } from './held-log.ts';
import { claimedSize } from './log-checkpoint.ts';

const REQUEST_TIMEOUT_MS = 5_000;
const MAX_DIGEST_BYTES = 4_096;

/** Another centre. */
export interface WatchedCentre {
  readonly name: string;
  /** Without a slash at its end. */
  readonly url: string;
}

/** A view of one semantics at one root size. `digest`: hex. */
export type ViewDigest = v.InferOutput<typeof ViewDigestSchema>;

type SeenLog = SeenCentre['verified'][number];

export interface CentreWatchOptions {
  readonly logs: () => readonly HeldLog[];
  readonly gossip: Gossip;
  /** The digest of what is shown here, at a root size or at the newest; undefined if it is not kept. */
  readonly viewDigest: (rootSize?: number) => Promise<ViewDigest | undefined>;
  /** The time of a checkpoint under the verification policy; null if the policy does not accept it or name its log. */
  readonly checkpointAtMs: (note: string) => number | null;
  readonly nowMs: () => number;
  readonly logger: EngineLogger;
}

interface Watched {
  seen: SeenCentre;
  /** By origin: what was held here at the look before. */
  readonly heldBefore: Map<string, number>;
}

export class CentreWatch {
  readonly #options: CentreWatchOptions;
  /** By URL. */
  readonly #watched = new Map<string, Watched>();

  constructor(options: CentreWatchOptions) {
    this.#options = options;
  }

  /** What is known of the centres that were looked at last, by name. */
  get seen(): readonly SeenCentre[] {
    return [...this.#watched.values()].map(({ seen }) => seen).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Looks once at each of these, and forgets others. Never rejects. */
  async look(centres: readonly WatchedCentre[]): Promise<void> {
    const urls = new Set(centres.map(({ url }) => url));
    for (const url of this.#watched.keys()) if (!urls.has(url)) this.#watched.delete(url);
    await Promise.all(centres.map((centre) => this.#lookAt(centre)));
  }

  async #lookAt(centre: WatchedCentre): Promise<void> {
    const { logger, nowMs } = this.#options;
    const watched = this.#watchedOf(centre);
    try {
      const verified: SeenLog[] = [];
      for (const log of this.#options.logs()) {
        const seen = await this.#compareLog(centre, log, watched);
        if (seen !== undefined) verified.push(seen);
      }
      const otherView = await this.#compareView(centre, watched.seen.otherView);
      watched.seen = {
        ...watched.seen,
        verified,
        otherView,
        answeredAtMs: nowMs(),
        unreachableSinceMs: null,
      };
    } catch (error) {
      if (!(error instanceof FsckError))
        logger.error({ centre: centre.name, err: error }, 'a centre could not be looked at');
      watched.seen = { ...watched.seen, unreachableSinceMs: watched.seen.unreachableSinceMs ?? nowMs() };
    }
  }

  /** @throws FsckError `unreachable` */
  async #compareLog(centre: WatchedCentre, log: HeldLog, watched: Watched): Promise<SeenLog | undefined> {
    const { gossip, logger, nowMs } = this.#options;
    const path = pathOf(log, centre);
    if (path === undefined) return undefined;
    const tiles = httpLocation(`${centre.url}/logs/${path}/`);
    const content = await openSource(tiles).read('checkpoint', MAX_GOSSIP_BYTES);
    // Not every centre has every log, and one that is called the same may be another.
    if ('fault' in content) return undefined;
    const note = Buffer.from(content.bytes).toString('utf8');
    const heldSize = publishedSize(log);
    const heard = await gossip.hear(note, { from: `what ${centre.name} serves`, tiles });
    const before = watched.seen.verified.find(({ origin }) => origin === log.origin);
    if (heard.outcome !== 'consistent' && heard.outcome !== 'newer') {
      if (heard.outcome !== 'unknown-origin')
        logger.warn({ centre: centre.name, ...heard }, 'a centre serves what does not hold');
      return before;
    }
    if (heard.origin !== log.origin) return undefined;
    const size = claimedSize(note);
    const isBehind = size < (watched.heldBefore.get(log.origin) ?? 0);
    watched.heldBefore.set(log.origin, heldSize);
    const staleSinceMs = isBehind ? (before?.staleSinceMs ?? nowMs()) : null;
    return {
      origin: log.origin,
      size,
      checkpointAtMs: this.#options.checkpointAtMs(note),
      atMs: nowMs(),
      staleSinceMs,
    };
  }

  /** @throws FsckError `unreachable` */
  async #compareView(
    centre: WatchedCentre,
    before: SeenCentre['otherView'],
  ): Promise<SeenCentre['otherView']> {
    const own = await this.#options.viewDigest();
    if (own === undefined) return before;
    const theirs = await readDigest(centre, '');
    if (theirs === undefined || theirs.semantics !== own.semantics) return null;
    // Whoever is further is asked for what it showed before.
    const mine = theirs.rootSize <= own.rootSize ? await this.#options.viewDigest(theirs.rootSize) : own;
    const compared =
      theirs.rootSize <= own.rootSize ? theirs : await readDigest(centre, `?rootSize=${own.rootSize}`);
    if (mine === undefined || compared?.rootSize !== mine.rootSize || compared.semantics !== mine.semantics)
      return before;
    if (compared.digest === mine.digest) return null;
    const { rootSize, digest } = compared;
    return { rootSize, digest, sinceMs: before?.sinceMs ?? this.#options.nowMs() };
  }

  #watchedOf(centre: WatchedCentre): Watched {
    const known = this.#watched.get(centre.url);
    if (known !== undefined) {
      known.seen = { ...known.seen, ...centre };
      return known;
    }
    const watched: Watched = {
      seen: { ...centre, answeredAtMs: null, unreachableSinceMs: null, verified: [], otherView: null },
      heldBefore: new Map(),
    };
    this.#watched.set(centre.url, watched);
    return watched;
  }
}

/** Under which name a centre serves a log: of intake logs it serves its own. */
function pathOf({ origin }: HeldLog, centre: WatchedCentre): string | undefined {
  const end = origin.lastIndexOf('/');
  const name = origin.slice(end + 1);
  return name === 'intake' && origin.slice(0, end) !== centre.name ? undefined : name;
}

/** @throws FsckError `unreachable` */
async function readDigest({ url }: WatchedCentre, query: string): Promise<ViewDigest | undefined> {
  const content = await openSource(httpLocation(`${url}/api/`)).read(`view-digest${query}`, MAX_DIGEST_BYTES);
  if ('fault' in content) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(content.bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(ViewDigestSchema, value);
  return parsed.success ? parsed.output : undefined;
}

/** Redirects are refused: what a centre shows it shows itself. @throws FsckError `bad-source` */
export function httpLocation(url: string): SourceLocation {
  const location = locateSource(url, REQUEST_TIMEOUT_MS);
  if (location.kind !== 'http') throw new FsckError('bad-source', `${url} is not an http(s) URL`);
  return { ...location, refuseRedirects: true, attempts: 1 };
}
