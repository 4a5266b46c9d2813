/**
 * What a centre that follows another copies of it besides the logs: what the log names as public, so that every page stands without the
 * writer, and with a key that has the role centre the encrypted packs of its vault and the lists of its disposals. Goes on by
 * itself after whatever interrupts it. Rules: docs/formats/vault.md, "Copies at other centres".
 */
import type { Logger } from 'pino';
import type { ReplicationStatus } from '@vitrine/api';
import type { Signer } from '@vitrine/statements';
import type { ReadDb } from '../projection/schema.ts';
import type { Vault, VaultCopy } from '../vault/vault.ts';
import { Packs } from './packs.ts';
import type { PacksState } from './packs.ts';
import { PublicObjects } from './public-objects.ts';
import type { PublicObjectsState } from './public-objects.ts';
import { Room } from './room.ts';
import { Rounds } from './rounds.ts';
import type { RoundsState } from './rounds.ts';
import { createWriterClient } from './writer-client.ts';

export interface ReplicationOptions {
  readonly writer: {
    readonly url: string;
    /** Of its root log. */
    readonly origin: string;
  };
  /** A key of this centre that has the role centre in the writer's keys log. Without it only public objects are copied. */
  readonly centreKey: Signer | undefined;
  /** This centre's read models, of the followed logs. */
  readonly read: ReadDb;
  /** This centre's own vault: takes public objects and the lists of disposals. */
  readonly vault: Vault;
  /** Takes the writer's packs. Its caller closes it, after `stop`. */
  readonly copy: VaultCopy;
  /** Carries out the disposals that the log orders, in `vault`. */
  readonly dispose: () => Promise<void>;
  /** How many bytes are free where `vault` and `copy` lie. */
  readonly freeBytes: () => Promise<number>;
  /** So many bytes are left free. Default 1 GiB. */
  readonly keepFreeBytes?: number;
  /** Public bodies over this are not taken, in bytes. Default 64 MiB. */
  readonly maxBodyBytes?: number;
  /** Objects, and packs, that are fetched at once. Default 4. */
  readonly atOnce?: number;
  /** How often the writer is asked for its packs. Default 10 s. */
  readonly intervalMs?: number;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

export interface ReplicationState {
  readonly objects: PublicObjectsState & RoundsState;
  /** Null without a centre key. */
  readonly packs: (PacksState & RoundsState) | null;
}

export interface Replication {
  /** The read models have grown: looks for what they name anew. */
  wake(): void;
  readonly state: ReplicationState;
  /** Ends what is under way; what is half copied goes on at the next start. */
  stop(): Promise<void>;
}

/** Begins at once. */
export function startReplication(options: ReplicationOptions): Replication {
  const { read, vault, copy, dispose, logger, nowMs, atOnce = 4 } = options;
  const ending = new AbortController();
  const writer = createWriterClient({
    ...options.writer,
    signer: options.centreKey,
    signal: ending.signal,
  });
  const room = new Room(options.freeBytes, options.keepFreeBytes ?? 1024 ** 3);
  const publicObjects = new PublicObjects({
    writer,
    read,
    vault,
    room,
    maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 ** 2,
    atOnce,
    logger,
    nowMs,
  });
  const objectRounds = new Rounds({ round: (signal) => publicObjects.round(signal), logger, nowMs });
  const packs = writer.hasKey
    ? new Packs({
        writer,
        read,
        vault,
        copy,
        dispose,
        room,
        atOnce,
        intervalMs: options.intervalMs ?? 10_000,
        logger,
        nowMs,
      })
    : undefined;
  const packRounds =
    packs === undefined ? undefined : new Rounds({ round: (signal) => packs.round(signal), logger, nowMs });
  return {
    wake() {
      objectRounds.wake();
      packRounds?.wake();
    },
    get state() {
      return {
        objects: { ...publicObjects.state, ...objectRounds.state },
        packs:
          packs === undefined || packRounds === undefined ? null : { ...packs.state, ...packRounds.state },
      };
    },
    async stop() {
      ending.abort();
      await Promise.all([objectRounds.stop(), packRounds?.stop()]);
    },
  };
}

/** How it goes, in the shape of the HTTP contract. */
export function replicationStatus({ objects, packs }: ReplicationState): ReplicationStatus {
  return {
    objects: {
      copied: objects.objects,
      bytes: objects.bytes,
      failing: objects.failing,
      lastDoneAt: objects.lastDoneAtMs,
      problem: objects.failure,
    },
    packs:
      packs === null
        ? null
        : {
            admitted: packs.isAdmitted,
            listed: packs.listed,
            copied: packs.copied,
            readable: packs.readable,
            bytes: packs.bytes,
            failing: packs.failing.size,
            gone: packs.goneAtWriter,
            lastDoneAt: packs.lastDoneAtMs,
            problem: packs.failure,
          },
  };
}
