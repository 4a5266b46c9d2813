// One commitment, step by step: made, amended, withdrawn, shown by evidence that may end. Pure; each step gives new facts or the reason why
// a statement, although admitted, counts for nothing.

import {
  COMMITMENT_AMENDMENT_TYPE,
  COMMITMENT_TYPE,
  COMMITMENT_WITHDRAWAL_TYPE,
  type CommitmentAmendmentStatement,
  type CommitmentStatement,
  type CommitmentWithdrawalStatement,
  type CommitmentAcceptance,
  type Statement,
} from '@vitrine/statements';
import { parseAcceptance, type Requirement } from './acceptance.ts';
import { type Bounds, boundsOfDue, boundsOfPeriod, offsetOf } from './calendar.ts';
import { CommitmentError } from './error.ts';
import type { EvidenceDocument, EvidenceEnd, Told } from './evidence.ts';
import {
  type CommitmentFacts,
  type CommitmentVersion,
  type EvidencePiece,
  inForce,
  promisedAtMs,
} from './facts.ts';
import { Gathering } from './gathering.ts';
import { canonical } from './json-schema.ts';

/** Why a statement about a commitment counts for nothing although it is admitted. */
export type CommitmentRefusalCode =
  | 'id-taken'
  | 'due-before-made'
  | 'announced-later'
  | 'malformed-due'
  | 'malformed-acceptance'
  | 'impossible-acceptance'
  | 'unknown-commitment'
  | 'other-product'
  | 'wrong-version'
  | 'already-withdrawn';

export interface CommitmentRefusal {
  readonly code: CommitmentRefusalCode;
  readonly reason: string;
}

export type CommitmentSaying =
  | CommitmentStatement
  | CommitmentAmendmentStatement
  | CommitmentWithdrawalStatement;

type ToldAs<Statement> = Omit<Told, 'statement'> & { readonly statement: Statement };

/** Whether a statement is about a commitment. */
export function isCommitmentSaying(statement: Statement): statement is CommitmentSaying {
  const { predicateType } = statement;
  return (
    predicateType === COMMITMENT_TYPE ||
    predicateType === COMMITMENT_AMENDMENT_TYPE ||
    predicateType === COMMITMENT_WITHDRAWAL_TYPE
  );
}

/** A commitment after a statement about it, or why that counts for nothing. */
export type Said =
  | {
      readonly facts: CommitmentFacts;
      /** Requirements for which evidence that the log already has must be looked through: all that is told from now on is not enough. */
      readonly lookBack: readonly Requirement[];
      readonly refusal?: undefined;
    }
  | { readonly refusal: CommitmentRefusal };

/** @param known what is known of the commitment with this id, undefined when there is none */
export function sayOfCommitment(known: CommitmentFacts | undefined, told: ToldAs<CommitmentSaying>): Said {
  const { statement } = told;
  try {
    if (statement.predicateType === COMMITMENT_TYPE)
      return known === undefined
        ? made({ ...told, statement })
        : refuse('id-taken', `there is a commitment ${known.id} already: amend it, or take another id`);
    const { commitment, id, product } = statement.predicate;
    if (known?.digest !== commitment)
      return refuse(
        'unknown-commitment',
        `no commitment ${id} with the digest ${commitment} was made before`,
      );
    if (known.product !== product)
      return refuse(
        'other-product',
        `the commitment is about ${known.product ?? 'no product'}, not about ${product ?? 'none'}`,
      );
    if (known.withdrawal !== undefined)
      return refuse('already-withdrawn', 'the commitment was withdrawn before');
    return statement.predicateType === COMMITMENT_AMENDMENT_TYPE
      ? amended(known, { ...told, statement })
      : withdrawn(known, { ...told, statement });
  } catch (error) {
    if (error instanceof CommitmentError && error.code !== 'malformed-body')
      return refuse(error.code, error.message);
    throw error;
  }
}

function made({
  entry,
  payloadDigest,
  registeredAtMs,
  signers,
  statement,
}: ToldAs<CommitmentStatement>): Said {
  const { acceptance, announced, body, due, id, product } = statement.predicate;
  const announcedMs = announced === undefined ? undefined : boundsOfPeriod(announced, offsetOf(due)).startMs;
  if (announcedMs !== undefined && announcedMs > registeredAtMs)
    return refuse('announced-later', `it says that it was announced ${announced ?? ''}, after it was logged`);
  const dueBounds = boundsOfDue(due);
  if (dueBounds !== undefined && dueBounds.endMs <= (announcedMs ?? registeredAtMs))
    return refuse('due-before-made', 'the date had passed when it was promised');
  const requirements = acceptance === undefined ? [] : parseAcceptance(acceptance);
  return {
    facts: {
      id,
      digest: payloadDigest,
      ...(product === undefined ? {} : { product }),
      ...(announced === undefined || announcedMs === undefined
        ? {}
        : { announced: { period: announced, startMs: announcedMs } }),
      versions: [
        {
          version: 1,
          digest: payloadDigest,
          body: body.digest,
          atMs: registeredAtMs,
          entry,
          signers: [...signers],
          ...terms(due, dueBounds, acceptance),
          evidence: requirements.map(() => []),
        },
      ],
    },
    lookBack:
      announcedMs === undefined ? requirements.filter(({ retroactive }) => retroactive) : requirements,
  };
}

function amended(
  known: CommitmentFacts,
  { entry, payloadDigest, registeredAtMs, signers, statement }: ToldAs<CommitmentAmendmentStatement>,
): Said {
  const { acceptance, body, due, reason, version } = statement.predicate;
  const before = inForce(known);
  if (version !== before.version + 1)
    return refuse('wrong-version', `it is version ${version}, and the one in force is ${before.version}`);
  const dueBounds = boundsOfDue(due);
  if (
    dueBounds !== undefined &&
    dueBounds.endMs !== before.dueBounds?.endMs &&
    dueBounds.endMs <= registeredAtMs
  )
    return refuse('due-before-made', 'it moves the date to one that had passed');
  const requirements = acceptance === undefined ? [] : parseAcceptance(acceptance);
  const keptPieces = requirements.map(({ index }) =>
    offsetOf(due) === offsetOf(before.due) ? piecesOfSame(before, acceptance?.all[index]) : undefined,
  );
  const next: CommitmentVersion = {
    version,
    digest: payloadDigest,
    body: body.digest,
    reason: reason.digest,
    atMs: registeredAtMs,
    entry,
    signers: [...signers],
    ...terms(due, dueBounds, acceptance),
    evidence: keptPieces.map((pieces) => [...(pieces ?? [])]),
  };
  return {
    facts: { ...known, versions: [...known.versions, next] },
    lookBack: requirements.filter(({ index }) => keptPieces[index] === undefined),
  };
}

function withdrawn(
  known: CommitmentFacts,
  { entry, payloadDigest, registeredAtMs, signers, statement }: ToldAs<CommitmentWithdrawalStatement>,
): Said {
  const withdrawal = {
    digest: payloadDigest,
    reason: statement.predicate.reason.digest,
    atMs: registeredAtMs,
    entry,
    signers: [...signers],
  };
  return { facts: { ...known, withdrawal }, lookBack: [] };
}

function terms(
  due: CommitmentVersion['due'],
  dueBounds: Bounds | undefined,
  acceptance: CommitmentVersion['acceptance'],
): Pick<CommitmentVersion, 'due' | 'dueBounds' | 'acceptance'> {
  return {
    due,
    ...(dueBounds === undefined ? {} : { dueBounds }),
    ...(acceptance === undefined ? {} : { acceptance }),
  };
}

/** The pieces of a requirement that says the very same in the version before. */
function piecesOfSame(
  { acceptance, evidence }: CommitmentVersion,
  requirement: CommitmentAcceptance['all'][number] | undefined,
): CommitmentVersion['evidence'][number] | undefined {
  if (acceptance === undefined || requirement === undefined) return undefined;
  const asked = canonical({ ...requirement, words: '' });
  const same = acceptance.all.findIndex((one) => canonical({ ...one, words: '' }) === asked);
  return evidence[same];
}

function refuse(code: CommitmentRefusalCode, reason: string): Said {
  return { refusal: { code, reason } };
}

/**
 * The commitment with a document as evidence for a requirement of the version in force; undefined when it is none: of another product, of
 * other content, of before the promise, not yet happened, or one too many.
 */
export function takeEvidence(
  facts: CommitmentFacts,
  requirement: Requirement,
  document: EvidenceDocument,
): CommitmentFacts | undefined {
  if (!isAbout(facts, document)) return undefined;
  const gathering = gatheringFor(facts, requirement);
  return gathering.take(document) ? withGathered(facts, [gathering]) : undefined;
}

/** Whether a document can be evidence for a commitment: that still stands, and about its product. */
export function isAbout({ product, withdrawal }: CommitmentFacts, document: EvidenceDocument): boolean {
  return withdrawal === undefined && (product === undefined || product === document.product);
}

/** The evidence that the version in force has for one of its requirements, to be gone on with. */
export function gatheringFor(facts: CommitmentFacts, requirement: Requirement): Gathering {
  const { due, evidence } = inForce(facts);
  const terms = { promisedAtMs: promisedAtMs(facts), utcOffset: offsetOf(due) };
  return new Gathering(requirement, terms, evidence);
}

/** The commitment without, from then on, the evidence that rested on what ended; the same object when none did. */
export function endEvidence(facts: CommitmentFacts, { atMs, entry, name }: EvidenceEnd): CommitmentFacts {
  const version = inForce(facts);
  // What ends by a compromised key later ends by this first.
  const isHit = ({ ended, restsOn }: EvidencePiece): boolean =>
    (ended?.atMs ?? Infinity) > atMs && restsOn.includes(name);
  if (!version.evidence.flat().some(isHit)) return facts;
  const evidence = version.evidence.map((pieces) =>
    pieces.map((piece) => (isHit(piece) ? { ...piece, ended: { atMs, entry } } : piece)),
  );
  return { ...facts, versions: [...facts.versions.slice(0, -1), { ...version, evidence }] };
}

/** The commitment with what was gathered for requirements of the version in force. */
export function withGathered(facts: CommitmentFacts, gatherings: readonly Gathering[]): CommitmentFacts {
  if (gatherings.length === 0) return facts;
  const version = inForce(facts);
  const evidence = [...version.evidence];
  for (const { index, pieces } of gatherings) evidence[index] = pieces;
  return { ...facts, versions: [...facts.versions.slice(0, -1), { ...version, evidence }] };
}
