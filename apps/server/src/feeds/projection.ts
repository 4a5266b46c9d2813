/** Notes under each key and product which statements mention it. */
import type { Projection } from '../projection/projection.ts';

export const mentionsProjection: Projection = {
  name: 'mentions',
  async createTables({ schema }) {
    await schema
      .createTable('mentions')
      .addColumn('mentioned', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('leaf_index', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('mentions_key', ['mentioned', 'name', 'leaf_index'])
      .execute();
  },
  fold(_tx, { leafIndex, signers, statement }) {
    const product = 'product' in statement.predicate ? statement.predicate.product : undefined;
    const mentions = [
      ...signers.map((name) => ({ mentioned: 'key' as const, name })),
      ...(product === undefined ? [] : [{ mentioned: 'product' as const, name: product }]),
    ];
    return Promise.resolve({
      facts: mentions.map((mention) => ({
        fact: 'mentioned' as const,
        row: { ...mention, leaf_index: leafIndex },
      })),
    });
  },
  async record(tx, fact) {
    if (fact.fact === 'mentioned') await tx.insertInto('mentions').values(fact.row).execute();
  },
};
