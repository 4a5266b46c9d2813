/**
 * The door of a centre's intake log: whoever has a key may say something to the vendor here, and is answered by a signed acceptance.
 * Neither the vendor nor its registration policy is asked. What standing the speaker has, the fold says.
 */
import { createHash } from 'node:crypto';
import { MAX_SUBMISSION_BODY_BYTES } from '@vitrine/api';
import type { AcceptedStatement } from '@vitrine/api';
import { parseStatementEnvelope, StatementError, SUBMISSION_TYPE } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { admitIntake, intakeTypes, namedBodies } from '@vitrine/statements/intake';
import type { AdmittedIntake, NamedBody } from '@vitrine/statements/intake';
import { CentreError } from '../error.ts';
import { verifySpeakerWithNode } from '../identity/verify.ts';
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

/** A statement with the bodies that it names, each in standard base64. `body` is one of them. */
export interface Submitted {
  readonly envelope: string;
  readonly body?: string | undefined;
  readonly bodies?: readonly string[] | undefined;
}

export interface Intake {
  /** @throws CentreError `malformed-envelope`, `statement-refused`, `digest-mismatch`, `body-missing`, `body-too-large`; LogError */
  submit(submitted: Submitted): Promise<AcceptedStatement>;
  /** The public body of a statement that entered here, or at another centre from which it was copied. @throws CentreError `not-found` */
  body(statement: string): Promise<Uint8Array>;
}

/** A body as it came. `pointer`: where it stood in the request. */
interface GivenBody {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly pointer: string;
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
  function admitted(envelope: Uint8Array): AdmittedIntake {
    requireStatement(envelope);
    const verdict = admitIntake({ origin: log.origin, addressee, envelope }, verifySpeakerWithNode);
    if (!verdict.admitted)
      throw new CentreError('statement-refused', `${verdict.reason} (${verdict.code})`, {
        pointer: '/envelope',
      });
    const { predicate, predicateType } = verdict.statement;
    if (predicateType === SUBMISSION_TYPE && predicate.body.access !== 'public')
      throw new CentreError(
        'statement-refused',
        'This centre takes no letters for the vendor alone: they have no room here yet. Nothing was stored.',
        { pointer: '/envelope' },
      );
    return verdict;
  }

  return {
    async submit({ bodies = [], body, envelope: envelopeText }) {
      const envelope = new TextEncoder().encode(envelopeText);
      const { payloadDigest, statement } = admitted(envelope);
      const given = [
        ...(body === undefined ? [] : [decodeBody(body, '/body')]),
        ...bodies.map((text, at) => decodeBody(text, `/bodies/${at}`)),
      ];
      for (const { access, bytes, digest } of pairedWith(given, namedBodies(statement))) {
        await vault.store(bytes);
        await local
          .insertInto('intake_bodies')
          .values({ statement: payloadDigest, body: digest, access })
          .onConflict((conflict) => conflict.columns(['statement', 'body']).doNothing())
          .execute();
      }
      const [appended] = await log.append([envelope]);
      if (appended === undefined) throw new TypeError('the log answered fewer entries than it was given');
      return acceptedStatement({
        origin: log.origin,
        payloadDigest,
        appended,
        signer,
        nowMs: nowMs(),
        publishByMs,
      });
    },

    async body(statement) {
      const row = await local
        .selectFrom('intake_bodies')
        .select('body')
        .where('statement', '=', statement)
        .where('access', '=', 'public')
        .executeTakeFirst();
      if (row === undefined)
        throw new CentreError(
          'not-found',
          `No public body of a statement ${statement} is here, or not yet: bodies come from the centre where a statement entered.`,
        );
      return vault.getBytes(row.body, { maxBytes: MAX_SUBMISSION_BODY_BYTES });
    },
  };
}

/** So that what is no statement at all is told from one that is not admitted. */
function requireStatement(envelope: Uint8Array): void {
  try {
    parseStatementEnvelope(envelope, intakeTypes);
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw new CentreError('malformed-envelope', `${cause.message} (${cause.code})`, {
      cause,
      pointer: '/envelope',
    });
  }
}

function decodeBody(text: string, pointer: string): GivenBody {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text)
    throw new CentreError('invalid-request', 'The body must be standard base64 with padding.', { pointer });
  if (bytes.length > MAX_SUBMISSION_BODY_BYTES)
    throw new CentreError('body-too-large', `A body has at most ${MAX_SUBMISSION_BODY_BYTES} bytes.`, {
      pointer,
    });
  return { bytes, digest: createHash('sha256').update(bytes).digest('hex'), pointer };
}

/** What was given, each as what the statement names it: all of that, and nothing else, so that nobody stores what nobody signed for. */
function pairedWith(
  given: readonly GivenBody[],
  named: readonly NamedBody[],
): readonly (GivenBody & NamedBody)[] {
  for (const { digest, pointer } of given)
    if (!named.some((each) => each.digest === digest))
      throw new CentreError(
        'digest-mismatch',
        named.length === 0
          ? 'The statement names no body.'
          : `The body is not one that the statement names, ${named.map((each) => each.digest).join(', ')}.`,
        { pointer },
      );
  return named.map((each) => {
    const body = given.find(({ digest }) => digest === each.digest);
    if (body === undefined)
      throw new CentreError('body-missing', `The body ${each.digest} did not come with the statement.`, {
        pointer: '/bodies',
      });
    return { ...body, ...each };
  });
}
