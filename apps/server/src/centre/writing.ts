/** What only the writer does: registers statements, takes publications, opens sessions for those who publish. */
import type { Logger } from 'pino';
import {
  CENTRE_TYPE,
  CLOSED_TYPE,
  COMMITMENT_AMENDMENT_TYPE,
  COMMITMENT_TYPE,
  COMMITMENT_WITHDRAWAL_TYPE,
  DISPOSAL_TYPE,
  EVENT_TYPE,
  WITHDRAWAL_TYPE,
} from '@vitrine/statements';
import { centreDoor } from '../centres/announcement.ts';
import { recordCosignatures } from '../centres/recorder.ts';
import type { Closings } from '../closings/closings.ts';
import { createCloseLog } from '../closings/commands.ts';
import { closingDoor } from '../closings/door.ts';
import { commitmentDoor, eventDoor } from '../commitments/commands.ts';
import type { Config } from '../config.ts';
import { disposalDoor } from '../disposals/commands.ts';
import { CentreError } from '../error.ts';
import { addSessionRoutes } from '../identity/routes.ts';
import type { Sessions } from '../identity/sessions.ts';
import { signerOf } from '../identity/signer.ts';
import type { DataFolder } from '../instance/data-folder.ts';
import { readKeyFile } from '../instance/key-files.ts';
import { KEYS_LOG, ROOT_LOG } from '../instance/log-specs.ts';
import type { LocalDb } from '../local-state/schema.ts';
import type { Logs, LogView } from '../log/log.ts';
import type { Projector } from '../projection/projector.ts';
import type { ReadDb } from '../projection/schema.ts';
import { createRegistration } from '../registration/registration.ts';
import { addRegistrationRoutes } from '../registration/routes.ts';
import { createReleaseCommands } from '../releases/commands.ts';
import { createHoldings } from '../releases/holdings.ts';
import { recoverLocalState } from '../releases/local-state-recovery.ts';
import { addPublicationRoutes } from '../releases/routes.ts';
import { addReplicationRoutes } from '../replication/routes.ts';
import type { Router } from '../router.ts';
import type { Vault } from '../vault/vault.ts';

/** Longer than a publication takes on any machine that is well. */
const CATCH_UP_MS = 5_000;

export interface WritingOptions {
  readonly config: Config;
  readonly folder: DataFolder;
  readonly router: Router;
  readonly logs: Logs;
  /** Every log that is held here. */
  readonly held: () => readonly LogView[];
  readonly closings: Closings;
  readonly vault: Vault;
  /** 32 bytes, secret: names what has been received for whom in the local state. */
  readonly holdingsKey: Uint8Array;
  readonly read: ReadDb;
  readonly local: LocalDb;
  readonly projector: Projector;
  readonly sessions: Sessions;
  /** Draws the consequences of disposals. */
  readonly dispose: () => Promise<void>;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/** Adds the routes through which the logs are written. */
export async function addWriting({
  config,
  folder,
  router,
  logs,
  held,
  closings,
  vault,
  holdingsKey,
  read,
  local,
  projector,
  sessions,
  dispose,
  logger,
  nowMs,
}: WritingOptions): Promise<void> {
  const root = logs.get(ROOT_LOG);
  const registration = await createRegistration({
    root,
    keys: logs.get(KEYS_LOG),
    anchor: signerOf(readKeyFile(folder.anchorKey)),
    publishByMs: config.publishByMs,
    closeLog: createCloseLog({ root, held, closings, logger: logger.child({ part: 'closings' }) }),
    whyClosed: (origin) => closings.whyClosed(origin),
    nowMs,
  });

  /** @throws CentreError `disk-full`, `not-published-yet` when it takes longer than anyone should wait */
  async function caughtUp(): Promise<void> {
    if (root.size === 0) return;
    const failure = root.publicationFailure;
    // Cosigners may be away for hours: what waits for them is answered for at once.
    if (failure?.code === 'no-quorum' && root.size > root.published.size)
      throw new CentreError('not-published-yet', failure.message, { retryAfterMs: 1000 });
    const shown = root.whenPublished(root.size - 1).then(({ size }) => projector.whenFolded(size));
    // When the log closes while nobody waits for this any more.
    shown.catch(() => undefined);
    const patience = new Promise((resolve) => setTimeout(resolve, CATCH_UP_MS, 'late').unref());
    if ((await Promise.race([shown, patience])) !== 'late') return;
    throw logs.names.some((name) => logs.get(name).state === 'disk-full')
      ? new CentreError(
          'disk-full',
          'The disk of this centre is full: the newest entries are durable but cannot be published.',
        )
      : new CentreError('not-published-yet', 'The newest entries are durable but not published yet.', {
          retryAfterMs: 1000,
        });
  }
  /** After a registration: what was registered is answered for, whether or not it is shown yet. */
  async function caughtUpOrDurable(): Promise<void> {
    await caughtUp().catch((error: unknown) => {
      if (!(error instanceof CentreError)) throw error;
    });
  }

  const holdings = createHoldings(local, holdingsKey);
  const untold = await recoverLocalState({
    root,
    read,
    vault,
    local,
    holdings,
    nowMs,
    logger: logger.child({ part: 'local-state' }),
  });
  const commands = createReleaseCommands({
    vault,
    holdings,
    local,
    read,
    registration,
    caughtUp,
    caughtUpOrDurable,
    nowMs,
    maxBodyBytes: config.maxBodyBytes,
  });
  addPublicationRoutes(router, commands);
  addSessionRoutes(router, { sessions, keys: () => registration.keys(), nowMs });
  addReplicationRoutes(router, { vault, read, keys: () => registration.keys(), nowMs });
  recordCosignatures({
    root,
    read,
    onFolded: (listener) => projector.onFolded(listener),
    signer: signerOf(readKeyFile(folder.anchorKey)),
    logger: logger.child({ part: 'cosignatures' }),
  });
  const promiseDoor = commitmentDoor({
    origin: root.origin,
    read,
    caughtUp,
    stands: (submission) => registration.stands(submission),
    nowMs,
  });
  addRegistrationRoutes(router, {
    registration,
    vault,
    doors: {
      [WITHDRAWAL_TYPE]: commands.withdrawalDoor,
      [COMMITMENT_TYPE]: promiseDoor,
      [COMMITMENT_AMENDMENT_TYPE]: promiseDoor,
      [COMMITMENT_WITHDRAWAL_TYPE]: promiseDoor,
      [EVENT_TYPE]: eventDoor,
      [CLOSED_TYPE]: closingDoor,
      [CENTRE_TYPE]: centreDoor({ read, caughtUp, stands: (submission) => registration.stands(submission) }),
      [DISPOSAL_TYPE]: disposalDoor({
        read,
        keys: () => registration.keys(),
        nowMs,
        holders: (digests) => holdings.holders(digests),
        untold,
        caughtUp,
      }),
    },
    settled: async () => {
      await caughtUpOrDurable();
      await dispose();
    },
  });
}
