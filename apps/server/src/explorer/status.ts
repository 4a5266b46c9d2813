/** HTTP: how this centre is doing. Anyone may see it: what waits, who is missing and what is behind concerns whoever relies on it. */
import type { CentreStatus, Notice, ReplicationStatus, SeenCentre } from '@vitrine/api';
import type { Closings } from '../closings/closings.ts';
import type { Config } from '../config.ts';
import type { Log, Logs } from '../log/log.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Router } from '../router.ts';
import type { FollowedStanding } from '../witnessing/followed-logs.ts';
import type { WitnessStanding } from '../witnessing/witness-pool.ts';
import { summaryOf } from './log-summary.ts';
import { readViewDigest } from './view-digest.ts';

export interface StatusOptions {
  readonly config: Pick<Config, 'follow' | 'name' | 'operator' | 'roles'>;
  readonly version: string;
  readonly logs: {
    readonly written: Logs;
    readonly followed: readonly FollowedStanding[];
    readonly witnesses: readonly WitnessStanding[];
    missingQuorum(): CentreStatus['quorumMissing'];
  };
  readonly closings: Pick<Closings, 'of'>;
  readonly read: ReadDb;
  /** Null at the writer. */
  readonly replication: () => ReplicationStatus | null;
  /** The other centres, as this one last saw them. */
  readonly seen: () => readonly SeenCentre[];
  readonly notices: () => readonly Notice[];
}

export function addStatusRoute(
  router: Router,
  { closings, config, logs, notices, read, replication, seen, version }: StatusOptions,
): void {
  router.on('status', async (): Promise<CentreStatus> => {
    const { written } = logs;
    return {
      name: config.name,
      operator: config.operator,
      version,
      roles: [...config.roles],
      follows: config.follow?.url ?? null,
      written: written.names.map((each) => {
        const log = written.get(each);
        return { ...summaryOf(log, closings.of(log.origin)), waiting: waitingOf(log) };
      }),
      followed: logs.followed.map(({ verifiedAtMs, ...standing }) => ({
        ...standing,
        verifiedAt: verifiedAtMs,
        closed: closings.of(standing.origin) ?? null,
      })),
      witnesses: logs.witnesses.map(({ lastCosignedAt, ...standing }) => ({
        ...standing,
        lastCosignedAt: lastCosignedAt === null ? null : lastCosignedAt * 1000,
      })),
      quorumMissing: logs.missingQuorum(),
      replication: replication(),
      others: [...seen()],
      view: (await readViewDigest(read)) ?? null,
      notices: [...notices()],
    };
  });
}

function waitingOf({ publicationFailure }: Log): CentreStatus['written'][number]['waiting'] {
  return publicationFailure === null
    ? null
    : { code: publicationFailure.code, text: publicationFailure.message };
}
