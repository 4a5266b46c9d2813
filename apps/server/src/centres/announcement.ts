/** Announcements of centres at the door: what the projection would refuse is refused before it stands in the log for ever. */
import { CENTRE_TYPE, whyNotAnnounced } from '@vitrine/statements';
import type { CentreInForce } from '@vitrine/statements';
import { CentreError } from '../error.ts';
import type { ReadDb, ReadTx } from '../projection/schema.ts';
import type { Door, Submission } from '../registration/registration.ts';

/** The newest announcement of each centre. */
export async function centresInForce(at: ReadDb | ReadTx): Promise<readonly CentreInForce[]> {
  const rows = await at
    .selectFrom('centres')
    .select(['name', 'version', 'witness', 'mirror', 'intake_vkey'])
    .orderBy('name')
    .execute();
  return rows.map(({ intake_vkey: vkey, mirror, name, version, witness }) => ({
    centre: { name },
    intake: { vkey },
    mirror,
    version,
    witness,
  }));
}

export interface CentreDoorOptions {
  readonly read: ReadDb;
  /** The read models show everything registered before this resolves. */
  readonly caughtUp: () => Promise<void>;
  readonly stands: (submission: Submission) => Promise<boolean>;
}

/** It names no body, and who may announce a centre the registration policy says; but not with the keys of another. */
export function centreDoor({ caughtUp, read, stands }: CentreDoorOptions): Door {
  return async (submission) => {
    const { pointer, statement } = submission;
    if (statement.predicateType !== CENTRE_TYPE)
      throw new TypeError('an announcement of a centre was expected');
    if (await stands(submission)) return;
    await caughtUp();
    const reason = whyNotAnnounced(statement.predicate, await centresInForce(read));
    if (reason !== undefined) throw new CentreError('statement-refused', reason, { pointer });
  };
}
