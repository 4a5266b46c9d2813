/** A centre, composed: logs, vault, registration, projections and capabilities behind one HTTP server. Concretes of storage come from main.ts. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { DISPOSAL_TYPE, WITHDRAWAL_TYPE } from '@vitrine/statements';
import type { Config } from './config.ts';
import { CentreError } from './error.ts';
import { createDisposer, disposalDoor } from './disposals/commands.ts';
import { disposalsProjection } from './disposals/projection.ts';
import { createEvidenceMaker } from './evidence/commands.ts';
import { addEvidenceRoutes } from './evidence/routes.ts';
import { addExplorerRoutes } from './explorer/routes.ts';
import { addLogRoutes } from './http/log-routes.ts';
import { addObservability } from './http/metrics.ts';
import { createHttp } from './http/server.ts';
import { addSessionRoutes } from './identity/routes.ts';
import { createSessions } from './identity/sessions.ts';
import { signerOf } from './identity/signer.ts';
import { cosignerVkey } from './instance/create-instance.ts';
import type { DataFolder } from './instance/data-folder.ts';
import { readKeyFile } from './instance/key-files.ts';
import { KEYS_LOG, ROOT_LOG } from './instance/log-specs.ts';
import { openInstanceLogs } from './instance/open-instance-logs.ts';
import { prepareLocalState } from './local-state/schema.ts';
import type { LocalDb } from './local-state/schema.ts';
import type { LogStorage } from './log/log-store.ts';
import { bodiesProjection } from './projection/bodies.ts';
import { startProjector } from './projection/projector.ts';
import type { ReadModelStore } from './projection/read-model-store.ts';
import type { WordIndex } from './projection/word-index.ts';
import { addRegistrationRoutes } from './registration/routes.ts';
import { createRegistration } from './registration/registration.ts';
import { catalogueProjection } from './releases/catalogue.ts';
import { createReleaseCommands } from './releases/commands.ts';
import { createHoldings } from './releases/holdings.ts';
import { recoverLocalState } from './releases/local-state-recovery.ts';
import { releasesProjection } from './releases/projection.ts';
import { addReleaseRoutes } from './releases/routes.ts';
import type { Vault } from './vault/vault.ts';

/** Longer than a publication takes on any machine that is well. */
const CATCH_UP_MS = 5_000;

export interface CentreOptions {
  readonly config: Config;
  readonly folder: DataFolder;
  readonly logStorage: LogStorage;
  readonly vault: Vault;
  /** 32 bytes, secret: names what has been received for whom in the local state. */
  readonly holdingsKey: Uint8Array;
  readonly readModels: ReadModelStore;
  readonly words: WordIndex;
  readonly local: LocalDb;
  readonly logger: Logger;
  readonly webRoot: string | undefined;
  readonly version: string;
}

export interface Centre {
  /** @returns the URL to open */
  listen(host: string, port: number): Promise<string>;
  /** Ends cleanly: answers what is under way, commits and publishes what is queued. */
  close(): Promise<void>;
}

export async function startCentre({
  config,
  folder,
  logStorage,
  vault,
  holdingsKey,
  readModels,
  words,
  local,
  logger,
  webRoot,
  version,
}: CentreOptions): Promise<Centre> {
  const nowMs = Date.now;
  const logs = await openInstanceLogs(config, folder, logStorage, logger.child({ part: 'log' }));
  const root = logs.get(ROOT_LOG);
  const keys = logs.get(KEYS_LOG);
  await prepareLocalState(local);
  const registration = await createRegistration({
    root,
    keys,
    anchor: signerOf(readKeyFile(folder.anchorKey)),
    publishByMs: config.publishByMs,
    nowMs,
  });
  const read = readModels.shown;
  const projector = await startProjector({
    store: readModels,
    root,
    keys,
    projections: [releasesProjection, disposalsProjection, bodiesProjection, catalogueProjection(words)],
    logger: logger.child({ part: 'projection' }),
  });
  const dispose = createDisposer({ read, vault, logger: logger.child({ part: 'disposals' }) });
  await dispose();
  projector.onFolded(() => void dispose());

  /** @throws CentreError `disk-full`, `not-published-yet` when it takes longer than anyone should wait */
  async function caughtUp(): Promise<void> {
    if (root.size === 0) return;
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

  const sessions = createSessions(root.origin, nowMs);
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
  const evidence = createEvidenceMaker({
    root,
    keys,
    db: read,
    projector,
    vault,
    maxAgeMs: config.evidenceMaxAgeMs,
    nowMs,
  });
  const http = await createHttp({
    logger: logger.child({ part: 'http' }),
    authenticate: (authorization) => sessions.authenticate(authorization),
    webRoot,
    version,
  });
  const { router } = http;
  const { leaf } = await keys.readEntry(0);
  addExplorerRoutes(router, {
    name: config.name,
    version,
    operators: [config.operator],
    cosigner: cosignerVkey(config, folder),
    entry0: createHash('sha256').update(leaf).digest('hex'),
    policy: readFileSync(folder.policy, 'utf8'),
    logs,
    read,
    projector,
  });
  addReleaseRoutes(router, { commands, read, words, vault });
  addEvidenceRoutes(router, evidence);
  addSessionRoutes(router, { sessions, keys: () => registration.keys(), nowMs });
  addRegistrationRoutes(router, {
    registration,
    vault,
    doors: {
      [WITHDRAWAL_TYPE]: commands.withdrawalDoor,
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
  await addLogRoutes(http.app, logs, logger.child({ part: 'http' }));
  addObservability(http.app, {
    logs,
    vaultMetrics: () => vault.metrics(),
    projectedSize: () => projector.size,
  });

  const refresh = setInterval(() => {
    for (const name of logs.names) {
      logs
        .get(name)
        .republish()
        .catch((error: unknown) =>
          logger.warn({ err: error, log: name }, 'the checkpoint could not be cosigned anew'),
        );
    }
  }, config.refreshIntervalMs);

  return {
    listen: (host, port) => http.listen(host, port),
    async close() {
      clearInterval(refresh);
      await http.close();
      await projector.close();
      await logs.close();
      await vault.close();
      await readModels.close();
      await local.destroy();
    },
  };
}
