/** The monitor of a centre, wired to what this centre holds and shows. */
import type { Logger } from 'pino';
import type { Closings } from '../closings/closings.ts';
import type { Config } from '../config.ts';
import { readViewDigest } from '../explorer/view-digest.ts';
import type { LocalDb } from '../local-state/schema.ts';
import type { LogsOfCentre } from './logs-of-centre.ts';
import { type Policy, verifyCheckpoint } from '@vitrine/tlog';
import type { AnchoredIntake } from '../monitor/monitor.ts';
import { Monitor } from '../monitor/monitor.ts';
import type { WatchedCentre } from '../monitor/centre-watch.ts';
import type { ForkAlarm } from '../monitor/fork-alarm.ts';
import type { ForkRegister } from '../monitor/fork-register.ts';
import type { ReadDb } from '../projection/schema.ts';

export interface MonitoringOptions {
  readonly config: Config;
  /** The verification policy. */
  readonly policy: Policy;
  readonly logs: LogsOfCentre;
  readonly forks: ForkRegister;
  readonly alarm: ForkAlarm;
  readonly closings: Pick<Closings, 'of'>;
  readonly read: ReadDb;
  readonly local: LocalDb;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

export async function openMonitor({
  config,
  policy,
  logs,
  forks,
  alarm,
  closings,
  read,
  local,
  nowMs,
  logger,
}: MonitoringOptions): Promise<Monitor> {
  const monitor = await Monitor.open({
    logs: () => logs.held(),
    keys: logs.keys,
    forks,
    local,
    centres: () => othersOf(config, read),
    viewDigest: (rootSize) => readViewDigest(read, rootSize),
    checkpointAtMs: (note) => {
      const verdict = verifyCheckpoint(note, policy);
      return verdict.ok && verdict.timeSeconds !== undefined ? verdict.timeSeconds * 1000 : null;
    },
    // Nothing more is anchored of a log that has ended.
    anchored: async () =>
      (await anchoredIntakes(read)).filter(({ origin }) => closings.of(origin) === undefined),
    onResolved: (origin) => logs.resume(origin),
    nowMs,
    monotonicMs: () => performance.now(),
    logger,
    limits: { lookIntervalMs: config.watchIntervalMs },
  });
  alarm.handTo((finding) => void monitor.found(finding));
  return monitor;
}

/** The announced centres that are at work, and whom the operator wants watched besides. */
async function othersOf({ name, watch }: Config, read: ReadDb): Promise<readonly WatchedCentre[]> {
  const announced = await read
    .selectFrom('centres')
    .select(['name', 'url'])
    .where('working', '=', 1)
    .orderBy('name')
    .execute();
  const urls = new Set(announced.map(({ url }) => url));
  return [
    ...announced.filter((centre) => centre.name !== name),
    ...watch.filter((url) => !urls.has(url)).map((url) => ({ name: new URL(url).host, url })),
  ];
}

async function anchoredIntakes(read: ReadDb): Promise<readonly AnchoredIntake[]> {
  const rows = await read
    .selectFrom('centres')
    .leftJoin('intake_heads', 'intake_heads.origin', 'centres.intake_origin')
    .select(['centres.intake_origin as origin', 'intake_heads.size as size'])
    .where('centres.working', '=', 1)
    .execute();
  return rows.map(({ origin, size }) => ({ origin, size: size ?? 0 }));
}
