/** Which logs have ended: past the end of a log nothing counts, whoever says it. */
import type { LogClosing } from '@vitrine/api';
import { CLOSED_TYPE, whyPastEnd } from '@vitrine/statements';
import type { ClosedLogs } from '@vitrine/statements';
import { NOTHING } from '../projection/projection.ts';
import type { Projection } from '../projection/projection.ts';
import type { ReadDb, ReadTx } from '../projection/schema.ts';
import { closingOf } from './closing.ts';

export interface ClosingsProjectionOptions {
  /** Of the root log. */
  readonly origin: string;
  readonly keysOrigin: string;
  /** The root of the root log at a size, hex. */
  readonly rootAt: (treeSize: number) => Promise<string>;
}

export function closingsProjection({ keysOrigin, origin, rootAt }: ClosingsProjectionOptions): Projection {
  return {
    name: 'closings',
    async createTables({ schema }) {
      await schema
        .createTable('closed_logs')
        .addColumn('origin', 'text', (column) => column.primaryKey())
        .addColumn('leaf_index', 'bigint', (column) => column.notNull())
        .addColumn('closed_at', 'bigint', (column) => column.notNull())
        .addColumn('tree_size', 'bigint', (column) => column.notNull())
        .addColumn('root', 'text', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('successor_origin', 'text')
        .addColumn('successor_url', 'text')
        .addColumn('successor_vkey', 'text')
        .addColumn('successor_entry0', 'text')
        .execute();
    },

    async fold(tx, { leafIndex, registeredAt, statement }) {
      const refusal = whyPastEnd(statement, await closedLogs(tx), { leafIndex, origin, keysOrigin });
      if (refusal !== undefined) return { refusal };
      if (statement.predicateType !== CLOSED_TYPE) return NOTHING;
      const closing = closingOf(statement, { leafIndex, registeredAtMs: registeredAt });
      if (closing.origin === origin && (await rootAt(leafIndex)) !== closing.root)
        return { refusal: `the root log has another root at ${leafIndex} entries than it says` };
      return {
        facts: [
          {
            fact: 'log-closed',
            row: {
              origin: closing.origin,
              leaf_index: leafIndex,
              closed_at: registeredAt,
              tree_size: closing.size,
              root: closing.root,
              reason: closing.reasonDigest,
              successor_origin: closing.successor?.origin ?? null,
              successor_url: closing.successor?.url ?? null,
              successor_vkey: closing.successor?.vkey ?? null,
              successor_entry0: closing.successor?.entry0 ?? null,
            },
          },
          { fact: 'body-published', row: { digest: closing.reasonDigest, leaf_index: leafIndex } },
        ],
      };
    },

    async record(tx, fact) {
      if (fact.fact === 'log-closed') await tx.insertInto('closed_logs').values(fact.row).execute();
    },
  };
}

/** The logs that have ended, as far as has been folded. */
export async function closedLogs(tx: ReadTx): Promise<ClosedLogs> {
  const rows = await tx
    .selectFrom('closed_logs')
    .select(['origin', 'leaf_index', 'tree_size', 'root'])
    .execute();
  return new Map(
    rows.map(({ leaf_index: leafIndex, origin, root, tree_size: treeSize }) => [
      origin,
      { leafIndex, root, treeSize },
    ]),
  );
}

/** The logs that have ended, as the view shows it, in the order in which that was said. */
export async function readClosings(read: ReadDb): Promise<readonly LogClosing[]> {
  const rows = await read.selectFrom('closed_logs').selectAll().orderBy('leaf_index').execute();
  return rows.map((row) => ({
    origin: row.origin,
    size: row.tree_size,
    root: row.root,
    index: row.leaf_index,
    closedAt: row.closed_at,
    reasonDigest: row.reason,
    successor:
      row.successor_origin === null || row.successor_url === null || row.successor_vkey === null
        ? null
        : {
            origin: row.successor_origin,
            url: row.successor_url,
            vkey: row.successor_vkey,
            entry0: row.successor_entry0,
          },
  }));
}
