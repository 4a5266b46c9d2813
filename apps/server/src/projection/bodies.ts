/** Which bodies the log makes public, and which it never does. */
import type { ReadDb, ReadTx } from './schema.ts';

/** Anyone may read this body from now on, unless it is a secret one. */
export function publish(tx: ReadTx, digest: string, leafIndex: number): Promise<void> {
  return note(tx, 'public_bodies', digest, leafIndex);
}

/** Nobody may read this body, even where a statement, by mistake or malice, names it as public: who may write may not for that read. */
export function keepSecret(tx: ReadTx, digest: string, leafIndex: number): Promise<void> {
  return note(tx, 'secret_bodies', digest, leafIndex);
}

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

async function note(
  tx: ReadTx,
  table: 'public_bodies' | 'secret_bodies',
  digest: string,
  leafIndex: number,
): Promise<void> {
  await tx
    .insertInto(table)
    .values({ digest, leaf_index: leafIndex })
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .execute();
}
