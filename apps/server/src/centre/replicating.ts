/** What only a follower does beside its logs: it copies the writer's public objects and, with its centre key, the writer's encrypted packs. */
import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { signerOf } from '../identity/signer.ts';
import type { DataFolder } from '../instance/data-folder.ts';
import { readKeyFile } from '../instance/key-files.ts';
import type { Projector } from '../projection/projector.ts';
import type { ReadDb } from '../projection/schema.ts';
import { startReplication } from '../replication/replication.ts';
import type { Replication } from '../replication/replication.ts';
import type { Vault, VaultCopy } from '../vault/vault.ts';

/** Where copies are kept. */
export interface CopyStorage {
  readonly copy: VaultCopy;
  readonly freeBytes: () => Promise<number>;
}

export interface ReplicatingOptions {
  readonly config: Config;
  readonly folder: DataFolder;
  /** Of the writer: its address, and the origin of its root log. */
  readonly writer: { readonly url: string; readonly origin: string };
  readonly storage: CopyStorage;
  readonly vault: Vault;
  readonly read: ReadDb;
  readonly projector: Projector;
  /** Draws the consequences of disposals. */
  readonly dispose: () => Promise<void>;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/** Starts replicating, and goes on until the replication is stopped. Its copies are then closed by the caller. */
export function replicate({
  config,
  folder,
  writer,
  storage,
  vault,
  read,
  projector,
  dispose,
  logger,
  nowMs,
}: ReplicatingOptions): Replication {
  const replication = startReplication({
    writer,
    centreKey: existsSync(folder.centreKey) ? signerOf(readKeyFile(folder.centreKey)) : undefined,
    read,
    vault,
    ...storage,
    dispose,
    maxBodyBytes: config.maxBodyBytes,
    logger,
    nowMs,
  });
  projector.onFolded(() => replication.wake());
  return replication;
}
