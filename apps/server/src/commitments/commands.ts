/** What statements about commitments, and events, must meet at the door beyond the registration policy: bodies that people can read. */
import {
  CommitmentError,
  isCommitmentSaying,
  parseCommitmentBody,
  parseEventBody,
  sayOfCommitment,
} from '@vitrine/commitments';
import { COMMITMENT_TYPE, COMMITMENT_WITHDRAWAL_TYPE, EVENT_TYPE } from '@vitrine/statements';
import { CentreError } from '../error.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Door, Submission } from '../registration/registration.ts';
import { parseFacts } from './stored.ts';

const REASON_MAX_BYTES = 1024 * 1024;

export interface CommitmentDoorOptions {
  readonly origin: string;
  readonly read: ReadDb;
  /** The read models show everything registered before this resolves. */
  readonly caughtUp: () => Promise<void>;
  readonly stands: (submission: Submission) => Promise<boolean>;
  readonly nowMs: () => number;
}

/** Of commitments, their amendments and withdrawals: refuses what would count for nothing, before it stands in the log for ever. */
export function commitmentDoor({ caughtUp, nowMs, origin, read, stands }: CommitmentDoorOptions): Door {
  return async (submission, bodies) => {
    const { payloadDigest, statement } = submission;
    if (!isCommitmentSaying(statement)) throw new TypeError('a statement about a commitment was expected');
    const { predicate, predicateType } = statement;
    if (predicateType !== COMMITMENT_WITHDRAWAL_TYPE)
      readable(bodyOf(bodies, predicate.body.digest, 'body'), parseCommitmentBody);
    if (predicateType !== COMMITMENT_TYPE) checkReason(bodyOf(bodies, predicate.reason.digest, 'reason'));
    if (await stands(submission)) return;
    await caughtUp();
    const row = await read
      .selectFrom('commitments')
      .select('facts')
      .where('id', '=', predicate.id)
      .executeTakeFirst();
    const { refusal } = sayOfCommitment(row === undefined ? undefined : parseFacts(row.facts), {
      statement,
      payloadDigest,
      registeredAtMs: nowMs(),
      signers: [],
      entry: { origin, leafIndex: 0 },
    });
    if (refusal !== undefined)
      throw new CentreError('statement-refused', `${refusal.reason} (${refusal.code})`);
  };
}

export const eventDoor: Door = ({ statement }, bodies) => {
  if (statement.predicateType !== EVENT_TYPE) throw new TypeError('an event was expected');
  readable(bodyOf(bodies, statement.predicate.body.digest, 'body'), parseEventBody);
  return Promise.resolve();
};

function bodyOf(bodies: ReadonlyMap<string, Uint8Array>, digest: string, what: string): Uint8Array {
  const bytes = bodies.get(digest);
  // Not even when the vault has it: a digest alone must not make public what somebody keeps there.
  if (bytes === undefined)
    throw new CentreError('body-missing', `The ${what} (${digest}) did not come with the statement.`);
  return bytes;
}

function readable(bytes: Uint8Array, parse: (bytes: Uint8Array) => unknown): void {
  try {
    parse(bytes);
  } catch (cause) {
    if (!(cause instanceof CommitmentError)) throw cause;
    throw new CentreError('statement-refused', `${cause.message} (${cause.code})`, { cause });
  }
}

function checkReason(bytes: Uint8Array): void {
  if (bytes.length > REASON_MAX_BYTES)
    throw new CentreError('body-too-large', `A reason has at most ${REASON_MAX_BYTES} bytes.`);
  try {
    if (new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim() !== '') return;
  } catch (cause) {
    throw new CentreError('statement-refused', 'The reason is not UTF-8 text.', { cause });
  }
  throw new CentreError('statement-refused', 'The reason is empty.');
}
