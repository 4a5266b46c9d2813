/** Which disposals the log orders. */
import { DISPOSAL_TYPE } from '@vitrine/statements';
import { NOTHING } from '../projection/projection.ts';
import type { Projection } from '../projection/projection.ts';

export const disposalsProjection: Projection = {
  name: 'disposals',
  async createTables({ schema }) {
    await schema
      .createTable('disposals')
      .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
      .addColumn('list_digest', 'text', (column) => column.notNull())
      .addColumn('reason_digest', 'text', (column) => column.notNull())
      .execute();
  },
  fold(_tx, { leafIndex, statement }) {
    if (statement.predicateType !== DISPOSAL_TYPE) return Promise.resolve(NOTHING);
    const { objects, reason } = statement.predicate;
    return Promise.resolve({
      facts: [
        {
          fact: 'disposal-ordered',
          row: { leaf_index: leafIndex, list_digest: objects.list, reason_digest: reason.digest },
        },
        { fact: 'body-published', row: { digest: reason.digest, leaf_index: leafIndex } },
        { fact: 'body-kept-secret', row: { digest: objects.list, leaf_index: leafIndex } },
      ],
    });
  },
  async record(tx, fact) {
    if (fact.fact === 'disposal-ordered') await tx.insertInto('disposals').values(fact.row).execute();
  },
};
