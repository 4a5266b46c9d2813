/** Opens the logs that a centre writes, wired: of the writer, root and keys published as a pair, every other log anchored in the root log by `head` statements. */
import type { Logger } from 'pino';
import { headStatement, signStatement } from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import { signerOf } from '../identity/signer.ts';
import type { Config } from '../config.ts';
import type { Clock } from '../log/clock.ts';
import type { Cosigners } from '../log/cosigners.ts';
import type { Head, Logs } from '../log/log.ts';
import type { LogStorage } from '../log/log-store.ts';
import { openLogs } from '../log/open-logs.ts';
import type { DataFolder } from './data-folder.ts';
import { readKeyFile } from './key-files.ts';
import { cosignerOf, KEYS_LOG, logSpecs, ROOT_LOG } from './log-specs.ts';

/** @throws ConfigError, LogError */
export function openInstanceLogs(
  config: Config,
  folder: DataFolder,
  storage: LogStorage,
  {
    clock,
    logger,
    others,
    isFrozen,
    whyClosed,
  }: {
    readonly clock?: Clock;
    readonly logger?: Logger;
    readonly others?: Cosigners;
    readonly isFrozen?: (origin: string) => boolean;
    readonly whyClosed?: (origin: string) => string | null;
  } = {},
): Promise<Logs> {
  const common = {
    storage,
    logs: logSpecs(config, folder),
    cosigner: cosignerOf(config, folder),
    limits: { publishIntervalMs: config.publishIntervalMs, anchorIntervalMs: config.anchorIntervalMs },
    ...(clock === undefined ? {} : { clock }),
    ...(logger === undefined ? {} : { logger }),
    ...(others === undefined ? {} : { others }),
    ...(isFrozen === undefined ? {} : { isFrozen }),
    ...(whyClosed === undefined ? {} : { whyClosed }),
  };
  // What a follower writes is anchored by the writer, which follows it.
  if (config.follow !== undefined) return openLogs(common);
  const anchor = signerOf(readKeyFile(folder.anchorKey));
  return openLogs({
    ...common,
    publishTogether: [{ lead: ROOT_LOG, companions: [KEYS_LOG] }],
    anchor: {
      rootLog: ROOT_LOG,
      append: async (head: Head, logs: Logs) => {
        const root = logs.get(ROOT_LOG);
        // The head of a key statement is no earlier than the statement.
        root.registerFrom(logs.get(KEYS_LOG).newestRegisteredAt ?? 0);
        const statement = headStatement({
          log: root.origin,
          head: { origin: head.origin, root: encodeHex(head.root), treeSize: head.size },
        });
        await root.append([await signStatement(statement, [anchor])]);
      },
    },
  });
}
