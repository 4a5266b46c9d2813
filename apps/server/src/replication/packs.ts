/**
 * Copies the writer's packs, encrypted as they are: new ones, grown ones, newer tables and grants. A copy gives up nothing because the
 * writer has it no more: only when a logged disposal may be the reason.
 */
import type { Logger } from 'pino';
import { ApiError } from '@vitrine/api';
import type { ReadDb } from '../projection/schema.ts';
import { CopyError } from '../vault/vault.ts';
import type { Vault, VaultCopy } from '../vault/vault.ts';
import { eachAtOnce } from './at-once.ts';
import { isOfOneThing } from './failures.ts';
import { Retries } from './retries.ts';
import type { Room } from './room.ts';
import type { WriterClient } from './writer-client.ts';

/** A disposal may be logged this long before the writer's pack is copied for the last time with what it ends. */
const DISPOSAL_SLACK_MS = 24 * 3_600_000;

export interface PacksOptions {
  readonly writer: WriterClient;
  readonly read: ReadDb;
  readonly vault: Vault;
  readonly copy: VaultCopy;
  /** Carries out the disposals that the log orders. */
  readonly dispose: () => Promise<void>;
  readonly room: Room;
  readonly atOnce: number;
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

export interface PacksState {
  /** Whether the writer knows this centre's key as one of the role centre; null before the first answer. */
  readonly isAdmitted: boolean | null;
  /** How many the writer listed last; null before the first list. */
  readonly listed: number | null;
  readonly copied: number;
  /** Of the copied, those with a grant for this centre. */
  readonly readable: number;
  readonly bytes: number;
  /** Copied, but gone at the writer without a disposal. */
  readonly goneAtWriter: number;
  /** By pack ID, why it could not be brought up to date. */
  readonly failing: ReadonlyMap<string, string>;
}

export class Packs {
  readonly #options: PacksOptions;
  readonly #failing: Retries;
  readonly #gone = new Set<string>();
  #listed: number | null = null;
  #isAdmitted: boolean | null = null;

  constructor(options: PacksOptions) {
    this.#options = options;
    this.#failing = new Retries(options.nowMs);
  }

  get state(): PacksState {
    const packs = [...this.#options.copy.packs.values()];
    return {
      isAdmitted: this.#isAdmitted,
      listed: this.#listed,
      copied: packs.length,
      readable: packs.filter(({ isReadable }) => isReadable).length,
      bytes: packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      goneAtWriter: this.#gone.size,
      failing: this.#failing.reasons,
    };
  }

  /** @returns in how many ms another round is worth it @throws what keeps all packs from coming */
  async round(signal: AbortSignal): Promise<number> {
    try {
      const pauseMs = await this.#takeAll(signal);
      this.#isAdmitted = true;
      return pauseMs;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (this.#isAdmitted !== false)
        this.#options.logger.warn(
          { err: error },
          'the writer does not know the key of this centre as one of the role centre: packs are not copied, and disposals end nothing here',
        );
      this.#isAdmitted = false;
      return this.#options.intervalMs;
    }
  }

  async #takeAll(signal: AbortSignal): Promise<number> {
    const { writer, copy, atOnce, intervalMs, nowMs } = this.#options;
    await this.#takeDisposalLists();
    const listed = new Map<string, string>();
    for await (const { packId, revision } of writer.packs()) listed.set(packId, revision);
    const changed = [...listed].filter(
      ([packId, revision]) => copy.packs.get(packId)?.revision !== revision && this.#failing.isDue(packId),
    );
    this.#listed = listed.size;
    await eachAtOnce(changed, atOnce, async ([packId]) => {
      signal.throwIfAborted();
      await this.#take(packId);
    });
    for (const packId of await copy.unfinished()) if (!listed.has(packId)) await copy.drop(packId);
    await this.#endGone(listed);
    return Math.max(0, Math.min(intervalMs, this.#failing.nextAtMs - nowMs()));
  }

  async #take(packId: string): Promise<void> {
    const { writer, copy, room, logger } = this.#options;
    try {
      const manifest = await writer.manifest(packId);
      await room.during(copy.missingBytes(manifest), () => copy.take(manifest, writer));
      this.#failing.settled(packId);
    } catch (error) {
      // A disposal has taken it away since it was listed.
      if (error instanceof CopyError && error.code === 'gone') return;
      if (!isOfOneThing(error)) throw error;
      if (this.#failing.failed(packId, error.message))
        logger.warn(
          { pack: packId, err: error },
          'a pack of the writer is not taken over; it is tried again',
        );
    }
  }

  /** So that disposals end what is copied here: the log names their lists by digest, and the lists are secret. */
  async #takeDisposalLists(): Promise<void> {
    const { writer, read, vault, dispose, logger } = this.#options;
    const rows = await read.selectFrom('disposals').select('list_digest').orderBy('leaf_index').execute();
    const missing = await vault.missing(rows.map(({ list_digest: digest }) => digest));
    for (const sha256 of missing) {
      if (vault.isDisposed(sha256) || !this.#failing.isDue(sha256)) continue;
      try {
        await vault.store(await writer.disposalList(sha256), { sha256 });
        this.#failing.settled(sha256);
      } catch (error) {
        if (!isOfOneThing(error)) throw error;
        if (this.#failing.failed(sha256, error.message))
          logger.warn({ object: sha256, err: error }, 'the list of a disposal cannot be had from the writer');
      }
    }
    if (missing.length > 0) await dispose();
  }

  async #endGone(listed: ReadonlyMap<string, string>): Promise<void> {
    const { copy, logger } = this.#options;
    const newest = await this.#newestDisposalAtMs();
    for (const { packId, copiedAtMs } of [...copy.packs.values()]) {
      if (listed.has(packId)) {
        this.#gone.delete(packId);
        continue;
      }
      if (newest >= copiedAtMs - DISPOSAL_SLACK_MS || (await copy.isEnded(packId))) {
        await copy.drop(packId);
        this.#gone.delete(packId);
        this.#failing.settled(packId);
        logger.info({ pack: packId }, 'a copied pack is gone at the writer after a disposal, and here too');
      } else if (!this.#gone.has(packId)) {
        this.#gone.add(packId);
        logger.error(
          { pack: packId },
          'a copied pack is gone at the writer, and no disposal is logged that could be why: the copy is kept',
        );
      }
    }
  }

  /** In the log's time; 0 when there is none. */
  async #newestDisposalAtMs(): Promise<number> {
    const row = await this.#options.read
      .selectFrom('disposals')
      .innerJoin('statements', 'statements.leaf_index', 'disposals.leaf_index')
      .select('statements.registered_at')
      .orderBy('disposals.leaf_index', 'desc')
      .executeTakeFirst();
    return row?.registered_at ?? 0;
  }
}

function isRefusal(error: unknown): boolean {
  const code = error instanceof ApiError ? error.problem?.code : undefined;
  return code === 'forbidden' || code === 'unauthenticated';
}
