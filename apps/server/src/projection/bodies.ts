/** Which bodies the log makes public, and which it never does. */
import { NOTHING } from './projection.ts';
import type { Projection } from './projection.ts';
import type { ReadDb } from './schema.ts';

/** Who may write may not for that read: a body that was once kept secret stays so, even where a statement names it as public. */
export const bodiesProjection: Projection = {
  name: 'bodies',
  async createTables({ schema }) {
    for (const table of ['public_bodies', 'secret_bodies'] as const) {
      await schema
        .createTable(table)
        .addColumn('digest', 'text', (column) => column.primaryKey())
        .addColumn('leaf_index', 'bigint', (column) => column.notNull())
        .execute();
    }
  },
  fold: () => Promise.resolve(NOTHING),
  async record(tx, fact) {
    if (fact.fact !== 'body-published' && fact.fact !== 'body-kept-secret') return;
    await tx
      .insertInto(fact.fact === 'body-published' ? 'public_bodies' : 'secret_bodies')
      .values(fact.row)
      .onConflict((conflict) => conflict.column('digest').doNothing())
      .execute();
  },
};

/** Whether an object named in public must stay secret all the same. */
export async function isSecret(read: ReadDb, digest: string): Promise<boolean> {
  const row = await read
    .selectFrom('secret_bodies')
    .select('digest')
    .where('digest', '=', digest)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether anyone may read this body. */
export async function isPublic(read: ReadDb, digest: string): Promise<boolean> {
  const row = await read
    .selectFrom('public_bodies')
    .select('digest')
    .where('digest', '=', digest)
    .executeTakeFirst();
  return row !== undefined && !(await isSecret(read, digest));
}
