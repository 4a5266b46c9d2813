/** A centre, composed: its logs or those that it follows, vault, projections and capabilities behind one HTTP server. Concretes of storage come from main.ts. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Notice, ReplicationStatus, SeenCentre } from '@vitrine/api';
import { encodeHex } from '@vitrine/tlog';
import { parseVerificationPolicy } from '@vitrine/verifier';
import { centresProjection } from '../centres/projection.ts';
import { addCentreRoutes } from '../centres/routes.ts';
import { Closings } from '../closings/closings.ts';
import { closedLogs, closingsProjection } from '../closings/projection.ts';
import { commitmentsProjection } from '../commitments/projection.ts';
import { everyCommitment } from '../commitments/queries.ts';
import { addCommitmentRoutes } from '../commitments/routes.ts';
import type { Config } from '../config.ts';
import { openCosigners } from './cosigning.ts';
import { createDisposer } from '../disposals/commands.ts';
import { disposalsProjection } from '../disposals/projection.ts';
import { createEvidenceMaker } from '../evidence/commands.ts';
import { addEvidenceRoutes } from '../evidence/routes.ts';
import { addExplorerRoutes } from '../explorer/routes.ts';
import { addStatusRoute } from '../explorer/status.ts';
import { addViewDigestRoute } from '../explorer/view-digest.ts';
import { eventsProjection } from '../events/projection.ts';
import { addEventRoutes } from '../events/routes.ts';
import { mentionsProjection } from '../feeds/projection.ts';
import { addFeedRoutes } from '../feeds/routes.ts';
import { addCopyRoutes } from '../http/copy-routes.ts';
import { addCosignerRoutes } from '../http/cosigner-routes.ts';
import { addGossipRoute } from '../http/gossip-route.ts';
import { addLogRoutes } from '../http/log-routes.ts';
import { addObservability } from '../http/metrics.ts';
import { createHttp } from '../http/server.ts';
import { openWaitingRoom } from '../http/waiting-room.ts';
import { createSessions } from '../identity/sessions.ts';
import { signerOf } from '../identity/signer.ts';
import { cosignerVkey } from '../instance/create-instance.ts';
import type { DataFolder } from '../instance/data-folder.ts';
import { readKeyFile } from '../instance/key-files.ts';
import { INTAKE_LOG } from '../instance/log-specs.ts';
import { createIntake } from '../intake/commands.ts';
import { intakeProjection } from '../intake/projection.ts';
import { addIntakeRoutes } from '../intake/routes.ts';
import { prepareLocalState } from '../local-state/schema.ts';
import type { LocalDb } from '../local-state/schema.ts';
import { isWritten } from '../log/log.ts';
import type { LogStorage } from '../log/log-store.ts';
import { openLogsOfCentre } from './logs-of-centre.ts';
import { ForkAlarm } from '../monitor/fork-alarm.ts';
import type { ForkFiles } from '../monitor/fork-files.ts';
import { ForkRegister } from '../monitor/fork-register.ts';
import { addMonitorRoutes } from '../monitor/routes.ts';
import { openMonitor } from './monitoring.ts';
import { bodiesProjection } from '../projection/bodies.ts';
import { startProjector } from '../projection/projector.ts';
import type { ReadModelStore } from '../projection/read-model-store.ts';
import type { WordIndex } from '../projection/word-index.ts';
import { catalogueProjection } from '../releases/catalogue.ts';
import { releasesProjection } from '../releases/projection.ts';
import { addReleaseRoutes } from '../releases/routes.ts';
import { reviewsProjection } from '../reviews/projection.ts';
import { addReviewRoutes } from '../reviews/routes.ts';
import { replicationStatus } from '../replication/replication.ts';
import { replicate } from './replicating.ts';
import type { CopyStorage } from './replicating.ts';
import { copySubmissionBodies } from '../replication/submission-bodies.ts';
import type { Vault } from '../vault/vault.ts';
import { addWatchRoutes } from '../watches/routes.ts';
import type { FollowedStore } from '../witnessing/followed-store.ts';
import type { WitnessState } from '../witnessing/witness-state.ts';
import { openWatching } from './watching.ts';
import { addWriting } from './writing.ts';

export interface CentreOptions {
  readonly config: Config;
  readonly folder: DataFolder;
  /** Port 0 lets the system choose. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly logStorage: LogStorage;
  /** Where a log that another centre writes is kept. */
  readonly followedStore: (origin: string) => FollowedStore;
  /** What the witness and the mirror of this centre have cosigned. */
  readonly witnessState: WitnessState;
  readonly mirrorState: WitnessState;
  readonly vault: Vault;
  /** Where a follower keeps copies of the writer's packs. */
  readonly copies: CopyStorage | undefined;
  /** How many bytes are free where the vault lies. */
  readonly freeBytes: () => Promise<number>;
  /** 32 bytes, secret: names what has been received for whom in the local state. */
  readonly holdingsKey: Uint8Array;
  readonly readModels: ReadModelStore;
  readonly words: WordIndex;
  readonly local: LocalDb;
  /** Where proofs of forks are kept. */
  readonly forkFiles: ForkFiles;
  readonly logger: Logger;
  readonly webRoot: string | undefined;
  readonly version: string;
}

export interface Centre {
  /** Starts answering. @returns the URL to open */
  listen(): Promise<string>;
  /** Ends cleanly: answers what is under way, commits and publishes what is queued. */
  close(): Promise<void>;
}

export async function startCentre({
  config,
  folder,
  listen,
  logStorage,
  followedStore,
  witnessState,
  mirrorState,
  vault,
  copies,
  freeBytes,
  holdingsKey,
  readModels,
  words,
  local,
  forkFiles,
  logger,
  webRoot,
  version,
}: CentreOptions): Promise<Centre> {
  const nowMs = Date.now;
  const policy = readFileSync(folder.policy, 'utf8');
  await prepareLocalState(local);
  const forks = await ForkRegister.open({
    local,
    files: forkFiles,
    nowMs,
    logger: logger.child({ part: 'monitor' }),
  });
  const alarm = new ForkAlarm(forks);
  const closings = new Closings(parseVerificationPolicy(policy));
  const logs = await openLogsOfCentre({
    config,
    folder,
    policy,
    logStorage,
    followedStore,
    alarm,
    closings,
    logger,
  });
  const { root, keys } = logs;
  const cosigners = await openCosigners({
    config,
    folder,
    logs,
    witnessState,
    mirrorState,
    alarm,
    logger: logger.child({ part: 'witness' }),
  });
  const room = logs.isShown
    ? undefined
    : await openWaitingRoom({
        ...listen,
        mounted: cosigners.mounted,
        url: config.follow?.url ?? '',
        logger: logger.child({ part: 'http' }),
      });
  await logs.whenShown();
  await room?.close();
  const read = readModels.shown;
  const projector = await startProjector({
    store: readModels,
    root,
    keys,
    projections: [
      closingsProjection({
        origin: root.origin,
        keysOrigin: keys.origin,
        rootAt: async (size) => encodeHex(await root.rootAt(size)),
      }),
      releasesProjection,
      disposalsProjection,
      bodiesProjection,
      catalogueProjection(words),
      centresProjection(async (size) => encodeHex(await root.rootAt(size))),
      intakeProjection({ held: (centre, size) => logs.intakeHeld(centre, size) }),
      reviewsProjection,
      commitmentsProjection({ origin: root.origin, rootAt: (size) => root.rootAt(size) }),
      eventsProjection,
      mentionsProjection,
    ],
    hasEnded: async (tx) => (await closedLogs(tx)).has(root.origin),
    logger: logger.child({ part: 'projection' }),
  });
  if (isWritten(root)) await closings.readTail(root);
  await closings.read(read);
  projector.onFolded(() => {
    closings
      .read(read)
      .catch((err: unknown) => logger.error({ err }, 'which logs are closed could not be read'));
  });
  const dispose = createDisposer({ read, vault, logger: logger.child({ part: 'disposals' }) });
  await dispose();
  projector.onFolded(() => void dispose());
  await logs.followIntakes(read);
  projector.onFolded(() => void logs.followIntakes(read));

  const sessions = createSessions(root.origin, nowMs);
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
    policy,
    logs,
    closings,
    read,
    projector,
  });
  addViewDigestRoute(router, { read });
  addReleaseRoutes(router, { read, words, vault });
  addEvidenceRoutes(
    router,
    createEvidenceMaker({
      root,
      keys,
      freshest: () => logs.freshest(),
      db: read,
      projector,
      vault,
      maxAgeMs: config.evidenceMaxAgeMs,
      nowMs,
    }),
  );
  const monitor = await openMonitor({
    config,
    policy: logs.policy,
    logs,
    forks,
    alarm,
    closings,
    read,
    local,
    nowMs,
    logger: logger.child({ part: 'monitor' }),
  });
  const notices = (): Notice[] => [...monitor.notices(), ...logs.notices(), ...closings.notices()];
  addMonitorRoutes(router, {
    monitor,
    notices,
    nowMs,
    vkeyOf: (origin) => logs.held().find((log) => log.origin === origin)?.vkey,
  });
  const seen = (): readonly SeenCentre[] => monitor.seen;
  const replicationNow = (): ReplicationStatus | null =>
    replication === undefined ? null : replicationStatus(replication.state);
  addCentreRoutes(router, { name: config.name, root, projector, read, seen, notices });
  addStatusRoute(router, {
    closings,
    config,
    version,
    logs,
    read,
    replication: replicationNow,
    seen,
    notices,
  });
  addCommitmentRoutes(router, { root, read });
  addReviewRoutes(router, { root, read });
  addEventRoutes(router, read);
  addFeedRoutes(router, {
    name: config.name,
    root,
    read,
    vault,
    commitments: () => everyCommitment(read),
    monotonicMs: () => performance.now(),
  });
  const watching = await openWatching({
    config,
    version,
    root,
    read,
    local,
    projector,
    nowMs,
    logger: logger.child({ part: 'watches' }),
  });
  addWatchRoutes(router, watching.commands);
  addIntakeRoutes(router, {
    read,
    intake: createIntake({
      log: logs.written.get(INTAKE_LOG),
      addressee: root.origin,
      signer: signerOf(readKeyFile(folder.logKey(INTAKE_LOG))),
      vault,
      local,
      publishByMs: config.publishByMs,
      nowMs,
    }),
  });
  if (config.follow === undefined)
    await addWriting({
      config,
      folder,
      router,
      logs: logs.written,
      held: () => logs.held(),
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
    });
  else http.refuseRest(config.follow.url);
  const replication =
    config.follow === undefined || copies === undefined
      ? undefined
      : replicate({
          config,
          folder,
          writer: { url: config.follow.url, origin: root.origin },
          storage: copies,
          vault,
          read,
          projector,
          dispose,
          logger: logger.child({ part: 'replication' }),
          nowMs,
        });
  const submissionBodies = copySubmissionBodies({
    name: config.name,
    read,
    local,
    vault,
    freeBytes,
    logger: logger.child({ part: 'submission-bodies' }),
    nowMs,
  });
  projector.onFolded(() => submissionBodies.wake());
  for (const { prefix, cosigner } of cosigners.mounted)
    await addCosignerRoutes(http.app, { prefix, cosigner, logger: logger.child({ part: 'http' }) });
  await addGossipRoute(http.app, { gossip: monitor.gossip, logger: logger.child({ part: 'http' }) });
  await addLogRoutes(http.app, logs, logger.child({ part: 'http' }));
  await addCopyRoutes(http.app, { copies: () => logs.copies(), logger: logger.child({ part: 'http' }) });
  addObservability(http.app, {
    logs: logs.written,
    followed: () => logs.followed,
    witnesses: () => logs.witnesses,
    vaultMetrics: () => vault.metrics(),
    projectedSize: () => projector.size,
    watchMetrics: () => watching.metrics(),
    forks,
    missingQuorum: () => logs.missingQuorum(),
    replication: replicationNow,
  });

  const refresh = setInterval(() => {
    for (const name of logs.written.names) {
      logs.written
        .get(name)
        .republish()
        .catch((error: unknown) =>
          logger.warn({ err: error, log: name }, 'the checkpoint could not be cosigned anew'),
        );
    }
  }, config.refreshIntervalMs);

  monitor.start();

  return {
    listen: () => http.listen(listen.host, room?.port ?? listen.port),
    async close() {
      clearInterval(refresh);
      await http.close();
      await watching.stop();
      await monitor.close();
      await cosigners.close();
      await replication?.stop();
      await submissionBodies.stop();
      await projector.close();
      await logs.close();
      await copies?.copy.close();
      await vault.close();
      await readModels.close();
      await local.destroy();
    },
  };
}
