/** Which disposals the log orders. */
import { DISPOSAL_TYPE } from '@vitrine/statements';
import type { Projection } from '../projection/projection.ts';

export const disposalsProjection: Projection = {
  async fold(tx, { leafIndex, statement }) {
    if (statement.predicateType !== DISPOSAL_TYPE) return null;
    const { objects, reason } = statement.predicate;
    await tx
      .insertInto('disposals')
      .values({ leaf_index: leafIndex, list_digest: objects.list, reason_digest: reason.digest })
      .execute();
    await tx
      .insertInto('public_bodies')
      .values({ digest: reason.digest, leaf_index: leafIndex })
      .onConflict((conflict) => conflict.column('digest').doNothing())
      .execute();
    return null;
  },
};
