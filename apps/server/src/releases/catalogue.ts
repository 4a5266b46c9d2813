/** What lists and search are made from: every product with its newest release, how many there are, and the words of each. */
import { NOTHING } from '../projection/projection.ts';
import type { Projection } from '../projection/projection.ts';
import type { WordIndex } from '../projection/word-index.ts';

export function catalogueProjection(words: WordIndex): Projection {
  return {
    name: 'catalogue',
    async createTables(tx) {
      await tx.schema
        .createTable('products')
        .addColumn('product', 'text', (column) => column.primaryKey())
        .addColumn('releases', 'bigint', (column) => column.notNull())
        .addColumn('latest', 'bigint', (column) => column.notNull())
        .execute();
      await tx.schema
        .createTable('totals')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('products', 'bigint', (column) => column.notNull())
        .addColumn('releases', 'bigint', (column) => column.notNull())
        .addColumn('artifacts', 'bigint', (column) => column.notNull())
        .execute();
      await tx.insertInto('totals').values({ id: 1, products: 0, releases: 0, artifacts: 0 }).execute();
      await words.createTables(tx);
    },
    fold: () => Promise.resolve(NOTHING),
    async record(tx, fact) {
      if (fact.fact === 'released') {
        const { leaf_index: latest, product, version } = fact.row;
        const { releases } = await tx
          .insertInto('products')
          .values({ product, releases: 1, latest })
          .onConflict((conflict) =>
            conflict
              .column('product')
              .doUpdateSet((build) => ({ releases: build('products.releases', '+', 1), latest })),
          )
          .returning('releases')
          .executeTakeFirstOrThrow();
        await tx
          .updateTable('totals')
          .set((build) => ({
            products: build('products', '+', releases === 1 ? 1 : 0),
            releases: build('releases', '+', 1),
          }))
          .execute();
        await words.add(tx, latest, { product, version, name: null });
      } else if (fact.fact === 'artifact-released') {
        const { leaf_index: leafIndex, product, version, name } = fact.row;
        await tx
          .updateTable('totals')
          .set((build) => ({ artifacts: build('artifacts', '+', 1) }))
          .execute();
        await words.add(tx, leafIndex, { product, version, name });
      }
    },
  };
}
