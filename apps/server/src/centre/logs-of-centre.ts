/**
 * The logs of a centre: those that it writes (the writer all of the instance's, every centre its own intake log) and those that it
 * follows (a follower the writer's, every centre the intake logs of the others).
 */
import type { CentreStatus, Notice } from '@vitrine/api';
import type { Logger } from 'pino';
import { headStatement, signStatement } from '@vitrine/statements';
import { encodeHex, type Policy } from '@vitrine/tlog';
import { parseVerificationPolicy } from '@vitrine/verifier';
import type { Closings } from '../closings/closings.ts';
import type { Config } from '../config.ts';
import { signerOf } from '../identity/signer.ts';
import type { DataFolder } from '../instance/data-folder.ts';
import { readKeyFile } from '../instance/key-files.ts';
import { INTAKE_LOG, KEYS_LOG, ROOT_LOG } from '../instance/log-specs.ts';
import { openInstanceLogs } from '../instance/open-instance-logs.ts';
import type { AnnouncedIntake } from '../intake/projection.ts';
import { Anchoring } from '../log/anchoring.ts';
import type { ForkAlarm } from '../monitor/fork-alarm.ts';
import type { Head, Logs, LogView, LogViews, PublishedCheckpoint } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import type { LogStorage } from '../log/log-store.ts';
import type { ReadDb } from '../projection/schema.ts';
import { followInstance, type FollowedInstance } from '../witnessing/followed-instance.ts';
import type { FollowedLog } from '../witnessing/followed-log.ts';
import { FollowedLogs, type FollowedStanding, type FollowRequest } from '../witnessing/followed-logs.ts';
import type { FollowedStore } from '../witnessing/followed-store.ts';
import type { MirroredLog } from '../witnessing/mirror.ts';
import { parseNativePolicy } from '../witnessing/native-policy.ts';
import { WitnessPool, type WitnessStanding } from '../witnessing/witness-pool.ts';
import { httpWitnessTransport } from '../witnessing/witness-transport.ts';

/** A fold that needs entries of an intake log waits so long for them before it is tried again. */
const HELD_WITHIN_MS = 5_000;

export interface LogsOfCentreOptions {
  readonly config: Config;
  readonly folder: DataFolder;
  /** The text of the verification policy. */
  readonly policy: string;
  readonly logStorage: LogStorage;
  readonly followedStore: (origin: string) => FollowedStore;
  readonly alarm: ForkAlarm;
  readonly closings: Closings;
  readonly logger: Logger;
}

/** Too few cosign the root log. */
type MissingQuorum = NonNullable<CentreStatus['quorumMissing']>;

/** By name: `statements`, `keys` and `intake` (this centre's own), and the open logs of the writer. */
export interface LogsOfCentre extends LogViews {
  /** The verification policy, judged by node:crypto. */
  readonly policy: Policy;
  readonly root: LogView;
  readonly keys: LogView;
  /** Those that this centre writes. */
  readonly written: Logs;
  /** Every log that is held here, also the followed intake logs. */
  held(): readonly LogView[];
  /** The logs that others write, with all that is held of them, shown or not. */
  copies(): readonly FollowedLog[];
  /** Goes on following a log of which a fork was resolved. */
  resume(origin: string): void;
  /** How a log comes to be held here; undefined for one that is not. */
  mirrored(origin: string): MirroredLog | undefined;
  /** Whether there is something to show already. */
  readonly isShown: boolean;
  /** The newest checkpoint of the root log: cosigned anew by the writer, looked for anew by a follower. */
  freshest(): Promise<PublishedCheckpoint>;
  /** The intake log of an announced centre, held up to `size`. @throws LogError `out-of-range` */
  intakeHeld(centre: AnnouncedIntake, size: number): Promise<LogView>;
  /** Follows the intake logs of all announced centres; the writer anchors them in the root log. */
  followIntakes(read: ReadDb): Promise<void>;
  /** Resolves once there is something to show: at once where the logs are written, or were held. */
  whenShown(): Promise<void>;
  /** Whom the writer asks for cosignatures, and how they answer; empty for a follower. */
  readonly witnesses: readonly WitnessStanding[];
  /** The logs that other centres write, and how following them goes. */
  readonly followed: readonly FollowedStanding[];
  /** Why the writer publishes nothing, if it is for want of cosignatures; null otherwise, and at a follower. */
  missingQuorum(): MissingQuorum | null;
  /** What everyone who reads here must know of the logs. */
  notices(): readonly Notice[];
  close(): Promise<void>;
}

export async function openLogsOfCentre({
  config,
  folder,
  policy,
  logStorage,
  followedStore,
  alarm,
  closings,
  logger,
}: LogsOfCentreOptions): Promise<LogsOfCentre> {
  const nativePolicy = parseNativePolicy(policy);
  const { rootOrigin, keysOrigin } = parseVerificationPolicy(policy);
  const pool =
    config.follow === undefined
      ? new WitnessPool({
          policy: nativePolicy,
          transport: httpWitnessTransport,
          logger: logger.child({ part: 'witnesses' }),
          onContradiction: (offending, witness) =>
            alarm.raise({ offending, from: `what the witness ${witness} holds` }),
        })
      : undefined;
  const written = await openInstanceLogs(config, folder, logStorage, {
    logger: logger.child({ part: 'log' }),
    isFrozen: (origin) => alarm.isFrozen(origin),
    whyClosed: (origin) => closings.whyClosed(origin),
    ...(pool === undefined ? {} : { others: pool }),
  });
  const followed = new FollowedLogs({
    store: followedStore,
    intervalMs: config.followIntervalMs,
    logger: logger.child({ part: 'follower' }),
    onFork: ({ held, offered }, url) =>
      alarm.raise({ held, offending: offered, from: `what ${url} serves`, url }),
  });
  const ending = new AbortController();
  const instance =
    config.follow === undefined
      ? undefined
      : await followInstance({
          followed,
          policy: nativePolicy,
          rootOrigin,
          keysOrigin,
          url: config.follow.url,
          logger: logger.child({ part: 'follower' }),
        });
  const root = instance?.root ?? written.get(ROOT_LOG);
  const keys = instance?.keys ?? written.get(KEYS_LOG);
  const ownIntake = written.get(INTAKE_LOG);
  const anchorings = new Map<string, Anchoring>();

  /** The writer carries the heads of followed intake logs into its root log. */
  function anchor(log: LogView): void {
    if (instance !== undefined || anchorings.has(log.origin)) return;
    const signer = signerOf(readKeyFile(folder.anchorKey));
    const anchoring = new Anchoring({
      log,
      intervalMs: config.anchorIntervalMs,
      logger: logger.child({ part: 'anchoring' }),
      append: async (head: Head) => {
        closings.requireWithin(head.origin, head.size);
        const statement = headStatement({
          log: root.origin,
          head: { origin: head.origin, root: encodeHex(head.root), treeSize: head.size },
        });
        await written.get(ROOT_LOG).append([await signStatement(statement, [signer])]);
      },
    });
    anchorings.set(log.origin, anchoring);
    log.onPublished((checkpoint) => anchoring.published(checkpoint));
    if (log.size > 0) anchoring.published(log.published);
  }

  function missingQuorum(): MissingQuorum | null {
    if (instance !== undefined) return null;
    const log = written.get(ROOT_LOG);
    if (log.publicationFailure?.code !== 'no-quorum') return null;
    return {
      waiting: log.size - log.published.size,
      missing: (pool?.standings ?? []).flatMap(({ name, problem }) =>
        problem === null ? [] : { name, problem },
      ),
      sinceMs: log.publicationFailingSinceMs ?? log.published.cosignedAt * 1000,
    };
  }

  const views = new Map<string, LogView>([
    [ROOT_LOG, root],
    [KEYS_LOG, keys],
    ...written.names.map((name): [string, LogView] => [name, written.get(name)]),
  ]);

  return {
    names: [...views.keys()],
    get(name) {
      const view = views.get(name);
      if (view === undefined)
        throw new LogError('log-missing', `there is no log named ${JSON.stringify(name)}`);
      return view;
    },
    policy: nativePolicy,
    root,
    keys,
    written,
    held: () => [...new Set<LogView>([...views.values(), ...followed.logs])],
    copies: () => followed.logs,
    resume: (origin) => followed.resume(origin),
    whenShown: () => instance?.whenShown(ending.signal) ?? Promise.resolve(),
    mirrored: (origin) => mirroredOf(instance, written, origin),
    get isShown() {
      return instance === undefined || instance.root.isPublished;
    },
    async freshest() {
      if (instance !== undefined) return instance.freshest();
      try {
        return await written.get(ROOT_LOG).republish();
      } catch (error) {
        // A full disk, a wrong clock or a witness that is away keeps nobody from evidence that is older than it could be.
        if (error instanceof LogError) return root.published;
        throw error;
      }
    },
    async intakeHeld(centre, size) {
      if (centre.intake_origin !== ownIntake.origin)
        return followed.held(intakeRequest(centre), size, HELD_WITHIN_MS);
      if (ownIntake.published.size < size)
        throw new LogError(
          'out-of-range',
          `${ownIntake.origin} has published ${ownIntake.published.size} entries, not ${size}`,
        );
      return ownIntake;
    },
    async followIntakes(read) {
      const centres = await read
        .selectFrom('centres')
        .select(['name', 'url', 'intake_origin', 'intake_vkey'])
        .where('working', '=', 1)
        .where('intake_origin', '!=', ownIntake.origin)
        .execute();
      for (const centre of centres) {
        try {
          anchor((await followed.follow(intakeRequest(centre))).log);
        } catch (error) {
          logger.warn({ err: error, centre: centre.name }, 'the intake log of a centre cannot be followed');
        }
      }
    },
    get witnesses() {
      return pool?.standings ?? [];
    },
    get followed() {
      return followed.standings;
    },
    notices() {
      const missing = missingQuorum();
      return missing === null
        ? []
        : [{ kind: 'quorum-missing', text: missingInWords(missing), sinceMs: missing.sinceMs }];
    },
    missingQuorum,
    async close() {
      ending.abort();
      await Promise.all([...anchorings.values()].map((anchoring) => anchoring.close()));
      await followed.close();
      await written.close();
    },
  };
}

function missingInWords({ missing, waiting }: MissingQuorum): string {
  const what =
    waiting === 0
      ? 'Nothing waits, but the newest checkpoint cannot be cosigned anew'
      : waiting === 1
        ? '1 entry is accepted and safe, and not published yet'
        : `${waiting} entries are accepted and safe, and not published yet`;
  // Why each does not is for its operator: the status of this centre has it.
  const who = missing.map(({ name }) => name).join(', ');
  return `${what}: too few cosign.${who === '' ? '' : ` Missing: ${who}.`} It goes on by itself.`;
}

function mirroredOf(
  instance: FollowedInstance | undefined,
  written: Logs,
  origin: string,
): MirroredLog | undefined {
  const follower = instance?.followers.get(origin);
  if (follower !== undefined) return { follower };
  const name = written.names.find((each) => written.get(each).origin === origin);
  return name === undefined ? undefined : { written: written.get(name) };
}

function intakeRequest(centre: AnnouncedIntake): FollowRequest {
  return {
    name: `intake of ${centre.name}`,
    origin: centre.intake_origin,
    vkey: centre.intake_vkey,
    url: `${centre.url}/logs/${INTAKE_LOG}`,
    kind: 'registered',
  };
}
