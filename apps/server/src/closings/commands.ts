/**
 * Ends a log: seals it, looks whether it is at the very size and root that the root keys have signed, and appends their statement to
 * the root log. Whoever appends meanwhile is told to try again, and afterwards that the log is closed.
 */
import { setTimeout } from 'node:timers/promises';
import type { ClosedStatement } from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import { CentreError } from '../error.ts';
import type { EngineLogger } from '../log/engine-logger.ts';
import { isWritten } from '../log/log.ts';
import type { Appended, Log, LogView, Seal } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import type { Closings } from './closings.ts';
import { closingOf } from './closing.ts';

const PUBLISHED_WITHIN_MS = 5_000;
const LOOK_AGAIN_MS = 200;

export interface ClosingOptions {
  readonly root: Log;
  /** Every log that is held here. */
  readonly held: () => readonly LogView[];
  readonly closings: Closings;
  readonly logger: EngineLogger;
}

/** A statement that was admitted, as it came. `identity`: hex. */
export interface ClosingSubmission {
  readonly bytes: Uint8Array;
  readonly identity: string;
  readonly pointer: string;
}

export type CloseLog = (statement: ClosedStatement, submission: ClosingSubmission) => Promise<Appended>;

export function createCloseLog({ closings, held, logger, root }: ClosingOptions): CloseLog {
  /** @throws CentreError `log-moved`, `not-published-yet` */
  async function requireAsSigned(
    log: LogView,
    { predicate: { closed } }: ClosedStatement,
    pointer: string,
  ): Promise<void> {
    const moved = (what: string) =>
      new CentreError(
        'log-moved',
        `${log.origin} ${what}. Nothing is closed; make the statement again for what the log is now.`,
        { pointer },
      );
    // Of a log that another centre writes the end may lie behind what is held here, never before it.
    if (isWritten(log) ? log.size !== closed.treeSize : log.size < closed.treeSize)
      throw moved(`has ${log.size} entries, and the statement closes it at ${closed.treeSize}`);
    if (isWritten(log) && log.published.size < log.size) await publishedWithin(log);
    if (encodeHex(await log.rootAt(closed.treeSize)) !== closed.root)
      throw moved(`has another root at ${closed.treeSize} entries than the statement says`);
  }

  /** After a write of unknown outcome: what the log says is durable decides, so the log stays sealed until it has said so. */
  async function settle(seal: Seal, statement: ClosedStatement, identity: string): Promise<void> {
    while (root.state !== 'open' && root.state !== 'closed')
      await setTimeout(LOOK_AGAIN_MS, undefined, { ref: false });
    const leafIndex = await root.find(Buffer.from(identity, 'hex'));
    if (leafIndex !== null) {
      const { registeredAt } = await root.readEntry(leafIndex);
      closings.add(closingOf(statement, { leafIndex, registeredAtMs: registeredAt ?? 0 }));
    }
    seal.release();
  }

  return async (statement, { bytes, identity, pointer }) => {
    const { origin } = statement.predicate.closed;
    const log = held().find((each) => each.origin === origin);
    if (log === undefined)
      throw new CentreError('statement-refused', `${origin} is no log that this centre holds`, { pointer });
    const why = closings.whyClosed(origin);
    if (why !== null) throw new LogError('log-closed', why);
    const refusal = closings.whyRefused(statement);
    if (refusal !== undefined) throw new CentreError('statement-refused', refusal, { pointer });
    const seal = isWritten(log) ? await log.seal() : undefined;
    try {
      await requireAsSigned(log, statement, pointer);
      const appended =
        log === root && seal !== undefined ? await seal.append(bytes) : (await root.append([bytes]))[0];
      if (appended === undefined) throw new TypeError('the log answered fewer entries than it was given');
      const { leafIndex, registeredAt } = appended;
      closings.add(closingOf(statement, { leafIndex, registeredAtMs: registeredAt ?? 0 }));
      logger.warn({ log: origin, leafIndex }, 'a log has been closed');
      seal?.release();
      return appended;
    } catch (error) {
      if (seal !== undefined && root.state !== 'open')
        settle(seal, statement, identity).catch((err: unknown) =>
          logger.error({ log: origin, err }, 'whether the log is closed is not known before a restart'),
        );
      else seal?.release();
      throw error;
    }
  };
}

/** @throws CentreError `not-published-yet` */
async function publishedWithin(log: Log): Promise<void> {
  const published = log.whenPublished(log.size - 1).then(() => true);
  published.catch(() => undefined);
  if (await Promise.race([published, setTimeout(PUBLISHED_WITHIN_MS, false, { ref: false })])) return;
  throw new CentreError(
    'not-published-yet',
    `The newest entries of ${log.origin} are not published yet: a log is closed once they are.`,
    { retryAfterMs: 1000 },
  );
}
