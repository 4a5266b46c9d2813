/**
 * Copies to this centre the public bodies of what was said to the vendor or in a review at any centre: from the centre where it entered or, when that is
 * away or gives something else, from any other that has it. Each is asked for by a submission that the view shows, and kept only when its
 * digest is the one that its submitter signed. So every centre shows every body, and the loss of a centre loses none.
 *
 * A body has the size that an intake takes at most, there is one at most for each statement that was anchored, and some of the disk is kept free.
 * Each intake log is copied by itself: bodies that are not to be had keep nothing of another centre from coming.
 */
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { ApiError, MAX_SUBMISSION_BODY_BYTES } from '@vitrine/api';
import type { LocalDb } from '../local-state/schema.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Vault } from '../vault/vault.ts';
import { eachAtOnce } from './at-once.ts';
import { isOfOneThing } from './failures.ts';
import { Retries } from './retries.ts';
import { Room } from './room.ts';
import { Rounds } from './rounds.ts';
import { createWriterClient } from './writer-client.ts';

const AT_ONCE = 4;
const PAGE = 500;
/** Of one intake log; with more that cannot be had, no further are looked for. */
const MAX_FAILING = 1_000;
const KEEP_FREE_BYTES = 1024 ** 3;

export interface SubmissionBodiesOptions {
  /** Of this centre. */
  readonly name: string;
  readonly read: ReadDb;
  readonly local: LocalDb;
  readonly vault: Vault;
  /** How many bytes are free where the vault lies. */
  readonly freeBytes: () => Promise<number>;
  /** So many bytes are left free. Default 1 GiB. */
  readonly keepFreeBytes?: number;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

export interface SubmissionBodies {
  /** The read models have grown: looks for what they name anew. */
  wake(): void;
  stop(): Promise<void>;
}

/** Begins at once. */
export function copySubmissionBodies(options: SubmissionBodiesOptions): SubmissionBodies {
  const { freeBytes, keepFreeBytes = KEEP_FREE_BYTES, logger, nowMs, read } = options;
  const ending = new AbortController();
  const room = new Room(freeBytes, keepFreeBytes);
  const copying = new Map<string, Rounds>();

  async function begin(): Promise<void> {
    const heads = await read.selectFrom('intake_heads').select('origin').execute();
    for (const { origin } of heads) {
      if (ending.signal.aborted) return;
      const known = copying.get(origin);
      if (known !== undefined) known.wake();
      else {
        const bodies = new BodiesOfIntake(origin, { ...options, room, signal: ending.signal });
        copying.set(origin, new Rounds({ round: () => bodies.round(), logger, nowMs }));
      }
    }
  }
  function wake(): void {
    begin().catch((error: unknown) =>
      logger.warn({ err: error }, 'the bodies of submissions are not looked for'),
    );
  }
  wake();
  return {
    wake,
    async stop() {
      ending.abort();
      await Promise.all([...copying.values()].map((rounds) => rounds.stop()));
    },
  };
}

interface Wanted {
  readonly submission: string;
  readonly body: string;
}

/** Whom a body is asked for, the best first; those that do not answer are left out for the rest of a round. */
interface Sources {
  readonly urls: readonly string[];
  readonly away: Set<string>;
}

type CopyingOptions = SubmissionBodiesOptions & { readonly room: Room; readonly signal: AbortSignal };

/** The bodies of what entered at one centre. */
class BodiesOfIntake {
  readonly #origin: string;
  readonly #options: CopyingOptions;
  readonly #failing: Retries;
  readonly #wanted = new Map<string, Wanted>();
  /** The bodies of all entries below are here, disposed of, or failing. */
  #doneBelow = 0;

  constructor(origin: string, options: CopyingOptions) {
    this.#origin = origin;
    this.#options = options;
    this.#failing = new Retries(options.nowMs);
  }

  /** @returns when one that failed is due again, in ms @throws what keeps all of them from being kept */
  async round(): Promise<number> {
    const { nowMs, signal } = this.#options;
    const sources: Sources = { urls: await this.#urls(), away: new Set() };
    await this.#take(
      [...this.#wanted.values()].filter(({ submission }) => this.#failing.isDue(submission)),
      sources,
    );
    while (this.#failing.size < MAX_FAILING) {
      signal.throwIfAborted();
      const page = await this.#named();
      await this.#take(page.wanted, sources);
      this.#doneBelow = page.next;
      if (page.isLast) break;
    }
    return Math.max(0, this.#failing.nextAtMs - nowMs());
  }

  /** Where it entered, then all others. */
  async #urls(): Promise<readonly string[]> {
    const { name, read } = this.#options;
    const centres = await read
      .selectFrom('centres')
      .select(['name', 'url', 'intake_origin', 'working'])
      .where('name', '!=', name)
      .orderBy('name')
      .execute();
    const isHome = (centre: { readonly intake_origin: string }): boolean =>
      centre.intake_origin === this.#origin;
    return [
      ...centres.filter(isHome),
      ...centres.filter((centre) => !isHome(centre) && centre.working === 1),
    ].map(({ url }) => url);
  }

  async #named(): Promise<{ readonly wanted: Wanted[]; readonly next: number; readonly isLast: boolean }> {
    const { local, read } = this.#options;
    const rows = await read
      .selectFrom('entered_bodies')
      .select(['entry_index', 'statement as submission', 'body'])
      .where('origin', '=', this.#origin)
      .where('entry_index', '>=', this.#doneBelow)
      .where('access', '=', 'public')
      .orderBy('entry_index')
      .limit(PAGE)
      .execute();
    const held = await local
      .selectFrom('intake_bodies')
      .select('statement as submission')
      .where('access', '=', 'public')
      .where(
        'statement',
        'in',
        rows.map(({ submission }) => submission),
      )
      .execute();
    const here = new Set(held.map(({ submission }) => submission));
    const last = rows.at(-1)?.entry_index;
    return {
      wanted: rows.filter(({ submission }) => !here.has(submission)),
      next: last === undefined ? this.#doneBelow : last + 1,
      isLast: rows.length < PAGE,
    };
  }

  async #take(wanted: readonly Wanted[], sources: Sources): Promise<void> {
    await eachAtOnce(wanted, AT_ONCE, async (one) => {
      const problem = this.#options.vault.isDisposed(one.body) ? undefined : await this.#fetch(one, sources);
      if (problem === undefined) {
        this.#failing.settled(one.submission);
        this.#wanted.delete(one.submission);
        return;
      }
      this.#wanted.set(one.submission, one);
      if (this.#failing.failed(one.submission, problem))
        this.#options.logger.warn(
          { submission: one.submission, origin: this.#origin, problem },
          'the body of a submission cannot be had from any centre; it is tried again',
        );
    });
  }

  /** @returns why no centre gave it, undefined when one did */
  async #fetch({ body, submission }: Wanted, { away, urls }: Sources): Promise<string | undefined> {
    const { local, room, signal, vault } = this.#options;
    const problems: string[] = [];
    for (const url of urls) {
      if (away.has(url)) continue;
      let bytes: Uint8Array;
      try {
        bytes = await createWriterClient({
          url,
          origin: this.#origin,
          signer: undefined,
          signal,
        }).submissionBody(submission, MAX_SUBMISSION_BODY_BYTES);
        if (createHash('sha256').update(bytes).digest('hex') !== body)
          throw new ApiError('unexpected-response', `it is not the body that the submission names, ${body}`);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ApiError)) throw error;
        if (!isOfOneThing(error)) away.add(url);
        problems.push(`${url}: ${error.message}`);
        continue;
      }
      await room.during(bytes.length, () => vault.store(bytes, { sha256: body, sizeBytes: bytes.length }));
      // Only what came as this submission's body is ever served as one: the vault may hold the same digest as a secret.
      await local
        .insertInto('intake_bodies')
        .values({ statement: submission, body, access: 'public' })
        .onConflict((conflict) => conflict.columns(['statement', 'body']).doNothing())
        .execute();
      return undefined;
    }
    return problems.length === 0 ? 'no other centre is there to be asked' : problems.join('; ');
  }
}
