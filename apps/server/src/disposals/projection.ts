/** Which disposals the log orders. */
import { DISPOSAL_TYPE } from '@vitrine/statements';
import { keepSecret, publish } from '../projection/bodies.ts';
import type { Projection } from '../projection/projection.ts';

export const disposalsProjection: Projection = {
  async fold(tx, { leafIndex, statement }) {
    if (statement.predicateType !== DISPOSAL_TYPE) return null;
    const { objects, reason } = statement.predicate;
    await tx
      .insertInto('disposals')
      .values({ leaf_index: leafIndex, list_digest: objects.list, reason_digest: reason.digest })
      .execute();
    await publish(tx, reason.digest, leafIndex);
    await keepSecret(tx, objects.list, leafIndex);
    return null;
  },
};
