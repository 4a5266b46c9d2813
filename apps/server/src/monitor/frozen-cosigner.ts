/** A cosigner that signs nothing for a frozen log, whatever its own state would let it sign. */
import { parseAddCheckpoint, TlogError } from '@vitrine/tlog';
import { type CheckpointCosigner, MAX_SUBMISSION_BYTES } from '../witnessing/add-checkpoint.ts';
import type { ForkAlarm } from './fork-alarm.ts';

export function unlessFrozen(
  cosigner: CheckpointCosigner,
  forks: Pick<ForkAlarm, 'isFrozen' | 'anyFrozen'>,
): CheckpointCosigner {
  return {
    latest: (originHash) => cosigner.latest(originHash),
    addCheckpoint(body) {
      const origin = forks.anyFrozen ? originOf(body) : undefined;
      if (origin === undefined || !forks.isFrozen(origin)) return cosigner.addCheckpoint(body);
      return Promise.resolve({
        outcome: 'inconsistent',
        reason: `${origin} has signed two histories: nothing of it is cosigned before its root keys have said which one is kept (GET /api/notices)`,
      });
    },
  };
}

/** Undefined for what is no request: the cosigner says why. */
function originOf(body: Uint8Array): string | undefined {
  if (body.length > MAX_SUBMISSION_BYTES) return undefined;
  try {
    return parseAddCheckpoint(body).claimed.origin;
  } catch (error) {
    if (error instanceof TlogError) return undefined;
    throw error;
  }
}
