/** The watches of a centre, wired to what this centre shows. */
import type { Logger } from 'pino';
import { commitmentsInParts } from '../commitments/queries.ts';
import type { Config } from '../config.ts';
import type { LocalDb } from '../local-state/schema.ts';
import type { LogView } from '../log/log.ts';
import type { Projector } from '../projection/projector.ts';
import { snapshot } from '../projection/schema.ts';
import type { ReadDb } from '../projection/schema.ts';
import { viewOf } from '../projection/view.ts';
import { WatchCommands } from '../watches/commands.ts';
import { Courier } from '../watches/courier.ts';
import type { WatchMetrics } from '../watches/metrics.ts';
import { checkedLookup } from '../watches/names.ts';
import { NewsSource } from '../watches/news.ts';
import { createPost } from '../watches/posting.ts';
import { PromiseJournal } from '../watches/promise-journal.ts';
import { WatchRegister } from '../watches/register.ts';

/** So many promises are gone through between two turns of the event loop. */
const COMMITMENTS_AT_A_STRETCH = 50;

export interface WatchingOptions {
  readonly config: Config;
  readonly version: string;
  readonly root: LogView;
  readonly read: ReadDb;
  readonly local: LocalDb;
  readonly projector: Projector;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

export interface Watching {
  readonly commands: WatchCommands;
  metrics(): WatchMetrics;
  stop(): Promise<void>;
}

export async function openWatching({
  config,
  version,
  root,
  read,
  local,
  projector,
  nowMs,
  logger,
}: WatchingOptions): Promise<Watching> {
  const { allowPrivateAddresses: allowPrivate, dnsServers } = config.watches;
  const monotonicMs = (): number => performance.now();
  const teller = { name: config.name, url: config.place?.url, log: root };
  const register = await WatchRegister.open(local);
  const journal = await PromiseJournal.open({
    local,
    teller,
    commitments: () => commitmentsInParts(read, COMMITMENTS_AT_A_STRETCH),
    asOfMs: async () => (await snapshot(read, (at) => viewOf(at, root.published.cosignedAt * 1000))).asOfMs,
    monotonicMs,
  });
  const news = new NewsSource({ root, read, journal, teller });
  const post = createPost({
    lookup: checkedLookup({ allowPrivate, dnsServers }),
    allowPrivate,
    userAgent: `vitrine/${version}`,
  });
  const courier = new Courier({
    register,
    news: (watch) => news.next(watch),
    post,
    nowMs,
    monotonicMs,
    random: Math.random,
    logger,
  });
  projector.onFolded(() => courier.wake());
  const commands = new WatchCommands({
    config: config.watches,
    register,
    teller,
    post,
    positionNow: (watched) => news.positionNow(watched),
    onActive: () => courier.wake(),
    nowMs,
    logger,
  });
  return {
    commands,
    metrics() {
      const states = { unconfirmed: 0, active: 0, suspended: 0, ended: 0 };
      for (const { state } of register.all) states[state] += 1;
      const since = register.waitingSinceMs;
      return {
        ...courier.metrics,
        states,
        oldestLagMs: since === undefined ? 0 : Math.max(0, nowMs() - since),
      };
    },
    async stop() {
      await commands.stop();
      await courier.stop();
    },
  };
}
