/** Which events of the world were recorded in the log, whether or not they are evidence for anything. */
import { EVENT_TYPE } from '@vitrine/statements';
import { NOTHING } from '../projection/projection.ts';
import type { Projection } from '../projection/projection.ts';

export const eventsProjection: Projection = {
  name: 'events',
  async createTables({ schema }) {
    await schema
      .createTable('events')
      .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
      .addColumn('registered_at', 'bigint', (column) => column.notNull())
      .addColumn('happened', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('product', 'text')
      .addColumn('body_digest', 'text', (column) => column.notNull())
      .execute();
  },
  fold(_tx, { leafIndex, registeredAt, statement }) {
    if (statement.predicateType !== EVENT_TYPE) return Promise.resolve(NOTHING);
    const { body, happened, kind, product } = statement.predicate;
    return Promise.resolve({
      facts: [
        {
          fact: 'event-recorded',
          row: {
            leaf_index: leafIndex,
            registered_at: registeredAt,
            happened,
            kind,
            product: product ?? null,
            body_digest: body.digest,
          },
        },
      ],
    });
  },
  async record(tx, fact) {
    if (fact.fact === 'event-recorded') await tx.insertInto('events').values(fact.row).execute();
  },
};
