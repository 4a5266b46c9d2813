/** The ends of logs as this centre knows them: asked before anything is appended, and on every page. */
import type { LogClosing, Notice } from '@vitrine/api';
import { CLOSED_TYPE, parseStatementLeaf, StatementError, whyPastEnd } from '@vitrine/statements';
import type { ClosedStatement } from '@vitrine/statements';
import type { Log } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import type { ReadDb } from '../projection/schema.ts';
import { closingInWords, closingOf } from './closing.ts';
import { readClosings } from './projection.ts';

export class Closings {
  readonly #rootOrigin: string;
  readonly #keysOrigin: string;
  /** By origin. */
  readonly #closed = new Map<string, LogClosing>();

  constructor({ keysOrigin, rootOrigin }: { readonly rootOrigin: string; readonly keysOrigin: string }) {
    this.#rootOrigin = rootOrigin;
    this.#keysOrigin = keysOrigin;
  }

  /** The end of a log, which is that of the root log where that has ended: without it no log is anchored any more. */
  of(origin: string): LogClosing | undefined {
    return this.#closed.get(origin) ?? this.#closed.get(this.#rootOrigin);
  }

  /** Why a log takes no more entries, in words; null while it goes on. */
  whyClosed(origin: string): string | null {
    const closing = this.of(origin);
    if (closing === undefined) return null;
    const words = closingInWords(closing);
    return closing.origin === origin ? words : `${origin} has ended with its root log: ${words}`;
  }

  /** @throws LogError `log-closed` for a head that names more than the last size of a log */
  requireWithin(origin: string, size: number): void {
    const closing = this.#closed.get(origin);
    if (closing !== undefined && size > closing.size)
      throw new LogError('log-closed', `${closingInWords(closing)}, at ${closing.size} entries`);
  }

  /** Why a closing would count for nothing, wherever it stands, in words. */
  whyRefused(statement: ClosedStatement): string | undefined {
    const closed = new Map(
      [...this.#closed].map(([origin, { index: leafIndex, root, size: treeSize }]) => [
        origin,
        { leafIndex, root, treeSize },
      ]),
    );
    const { treeSize } = statement.predicate.closed;
    return whyPastEnd(statement, closed, {
      leafIndex: treeSize,
      origin: this.#rootOrigin,
      keysOrigin: this.#keysOrigin,
    });
  }

  add(closing: LogClosing): void {
    this.#closed.set(closing.origin, closing);
  }

  /** Takes what the view shows. */
  async read(read: ReadDb): Promise<void> {
    for (const closing of await readClosings(read)) this.add(closing);
  }

  /** Takes what is durable at the end of the root log and not published yet: nobody else would say so before it is. */
  async readTail(root: Log): Promise<void> {
    for await (const { leaf, leafIndex } of root.readEntries(root.published.size, root.size)) {
      try {
        const { registeredAtMs, statement } = parseStatementLeaf(leaf);
        // The door has asked who says so.
        if (statement.predicateType === CLOSED_TYPE)
          this.add(closingOf(statement, { leafIndex, registeredAtMs }));
      } catch (error) {
        if (!(error instanceof StatementError)) throw error;
      }
    }
  }

  /** The end of the root log concerns whoever reads anything here. */
  notices(): readonly Notice[] {
    const closing = this.#closed.get(this.#rootOrigin);
    if (closing === undefined) return [];
    const { closedAt: sinceMs, successor } = closing;
    const next =
      successor === null ? 'It has no successor.' : `It goes on in ${successor.origin}: ${successor.url}`;
    return [
      {
        kind: 'log-closed',
        sinceMs,
        text: `${closing.origin} has ended: nothing new is said here, and what was said stays. ${next}`,
      },
    ];
  }
}
