/**
 * The door of a centre's intake log: whoever has a key may say something to the vendor here, and is answered by a signed acceptance.
 * Neither the vendor nor its registration policy is asked.
 */
import { createHash } from 'node:crypto';
import { MAX_SUBMISSION_BODY_BYTES } from '@vitrine/api';
import type { AcceptedStatement } from '@vitrine/api';
import { admitSubmission, parseStatementEnvelope, StatementError } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { CentreError } from '../error.ts';
import { verifyWithNode } from '../identity/verify.ts';
import type { LocalDb } from '../local-state/schema.ts';
import type { Log } from '../log/log.ts';
import { acceptedStatement } from '../registration/accepted-statement.ts';
import type { Vault } from '../vault/vault.ts';

export interface IntakeOptions {
  /** The intake log of this centre. */
  readonly log: Log;
  /** The origin of the vendor's root log: to whom everything here is addressed. */
  readonly addressee: string;
  /** With the key of the intake log. */
  readonly signer: Signer;
  readonly vault: Vault;
  readonly local: LocalDb;
  readonly publishByMs: number;
  readonly nowMs: () => number;
}

export interface Intake {
  /**
   * @param body standard base64
   * @throws CentreError `malformed-envelope`, `statement-refused`, `digest-mismatch`, `body-too-large`; LogError
   */
  submit(envelope: string, body: string): Promise<AcceptedStatement>;
  /** The public body of a submission that entered here, or at another centre from which it was copied. @throws CentreError `not-found` */
  body(submission: string): Promise<Uint8Array>;
}

export function createIntake({
  log,
  addressee,
  signer,
  vault,
  local,
  publishByMs,
  nowMs,
}: IntakeOptions): Intake {
  return {
    async submit(envelopeText, bodyText) {
      const envelope = new TextEncoder().encode(envelopeText);
      requireStatement(envelope);
      const verdict = admitSubmission({ origin: log.origin, addressee, envelope }, verifyWithNode);
      if (!verdict.admitted)
        throw new CentreError('statement-refused', `${verdict.reason} (${verdict.code})`, {
          pointer: '/envelope',
        });
      const { body } = verdict.statement.predicate;
      if (body.access !== 'public')
        throw new CentreError(
          'statement-refused',
          'This centre takes public bodies only: what is for the vendor alone has no room here yet. Nothing was stored.',
          { pointer: '/envelope' },
        );
      const bytes = decodeBody(bodyText);
      if (createHash('sha256').update(bytes).digest('hex') !== body.digest)
        throw new CentreError(
          'digest-mismatch',
          `The body is not the one that the submission names, ${body.digest}.`,
          {
            pointer: '/body',
          },
        );
      await vault.store(bytes);
      await local
        .insertInto('submission_bodies')
        .values({ submission: verdict.payloadDigest, body: body.digest })
        .onConflict((conflict) => conflict.column('submission').doNothing())
        .execute();
      const [appended] = await log.append([envelope]);
      if (appended === undefined) throw new TypeError('the log answered fewer entries than it was given');
      return acceptedStatement({
        origin: log.origin,
        payloadDigest: verdict.payloadDigest,
        appended,
        signer,
        nowMs: nowMs(),
        publishByMs,
      });
    },

    async body(submission) {
      const row = await local
        .selectFrom('submission_bodies')
        .select('body')
        .where('submission', '=', submission)
        .executeTakeFirst();
      if (row === undefined)
        throw new CentreError(
          'not-found',
          `No public body of a submission ${submission} is here, or not yet: bodies come from the centre where a submission entered. GET /api/submissions says where each did.`,
        );
      return vault.getBytes(row.body, { maxBytes: MAX_SUBMISSION_BODY_BYTES });
    },
  };
}

/** So that what is no statement at all is told from one that is not admitted. */
function requireStatement(envelope: Uint8Array): void {
  try {
    parseStatementEnvelope(envelope);
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw new CentreError('malformed-envelope', `${cause.message} (${cause.code})`, {
      cause,
      pointer: '/envelope',
    });
  }
}

function decodeBody(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text)
    throw new CentreError('invalid-request', 'The body must be standard base64 with padding.', {
      pointer: '/body',
    });
  if (bytes.length > MAX_SUBMISSION_BODY_BYTES)
    throw new CentreError('body-too-large', `A body has at most ${MAX_SUBMISSION_BODY_BYTES} bytes.`, {
      pointer: '/body',
    });
  return bytes;
}
