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
import { counts, parseAcceptance, type Requirement, valueAt } from './acceptance.ts';
import { type Bounds, boundsOfDue, boundsOfPeriod, DAY_MS, offsetOf } from './calendar.ts';
import { CommitmentError } from './error.ts';
import type { EvidenceDocument, EvidenceEnd, Told } from './evidence.ts';
import {
  type CommitmentFacts,
  type CommitmentVersion,
  type EvidencePiece,
  inForce,
  promisedAtMs,
} from './facts.ts';
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

/** A requirement needs no more pieces that stand than this, or than twice its count: more would only fill memory. */
const ENOUGH_PIECES = 16;
/** Of pieces with one and the same value only so many. */
const ENOUGH_OF_ONE_VALUE = 2;

/**
 * The commitment with a document as evidence for a requirement of the version in force; undefined when it is none: of another product, of
 * other content, of before the promise, not yet happened, or one too many.
 *
 * @param ends what the log had ended already of what the document rests on, when it is looked at later
 */
export function takeEvidence(
  facts: CommitmentFacts,
  requirement: Requirement,
  document: EvidenceDocument,
  ends: readonly EvidenceEnd[] = [],
): CommitmentFacts | undefined {
  if (facts.withdrawal !== undefined) return undefined;
  if (facts.product !== undefined && facts.product !== document.product) return undefined;
  const version = inForce(facts);
  const pieces = version.evidence[requirement.index];
  if (pieces === undefined)
    throw new TypeError(`version ${version.version} has no requirement ${requirement.index}`);
  const value = requirement.distinctBy === undefined ? undefined : valueAt(document, requirement.distinctBy);
  const isOneTooMany = hasEnough(pieces, requirement.count, document.atMs, value);
  // First, because it is quick; but what expires may make a piece longer.
  if (isOneTooMany && document.expiresAtMs === undefined) return undefined;
  if (!counts(document, requirement)) return undefined;
  const when = whenItShows(document, offsetOf(version.due));
  if (when === undefined) return undefined;
  if (!requirement.retroactive && when.untilMs < promisedAtMs(facts)) return undefined;
  const longer = renewed(pieces, document, value);
  if (longer !== undefined) return withPieces(facts, requirement.index, longer);
  if (isOneTooMany) return undefined;
  return withPieces(facts, requirement.index, [...pieces, pieceOf(document, when.fromMs, value, ends)]);
}

/** The commitment without, from then on, the evidence that rested on what ended; the same object when none did. */
export function endEvidence(facts: CommitmentFacts, { atMs, entry, name }: EvidenceEnd): CommitmentFacts {
  const version = inForce(facts);
  const isHit = ({ ended, restsOn }: EvidencePiece): boolean => ended === undefined && restsOn.includes(name);
  if (!version.evidence.flat().some(isHit)) return facts;
  const evidence = version.evidence.map((pieces) =>
    pieces.map((piece) => (isHit(piece) ? { ...piece, ended: { atMs, entry } } : piece)),
  );
  return { ...facts, versions: [...facts.versions.slice(0, -1), { ...version, evidence }] };
}

/** Whether a piece shows anything then: it began, did not expire, and what it rests on stands. */
export function standsAt({ ended, expiresAtMs = Infinity, fromMs }: EvidencePiece, atMs: number): boolean {
  return fromMs <= atMs && atMs < Math.min(expiresAtMs, ended?.atMs ?? Infinity);
}

/**
 * When a document shows what it shows. An event that is told to have happened in a month or a year is taken to have happened on its last
 * day, so that no doubt makes a promise kept in time. Undefined of an event that is told before it happened.
 */
function whenItShows(
  { atMs, happened }: EvidenceDocument,
  utcOffset: string,
): { readonly fromMs: number; readonly untilMs: number } | undefined {
  if (happened === undefined) return { fromMs: atMs, untilMs: atMs };
  const { endMs, startMs } = boundsOfPeriod(happened, utcOffset);
  if (startMs > atMs) return undefined;
  return { fromMs: Math.min(endMs - DAY_MS, atMs), untilMs: endMs - 1 };
}

function pieceOf(
  { atMs, by, entry, expiresAtMs, happened, restsOn, type }: EvidenceDocument,
  fromMs: number,
  value: string | undefined,
  ends: readonly EvidenceEnd[],
): EvidencePiece {
  const end = ends.find((one) => one.atMs >= atMs);
  return {
    type,
    atMs,
    fromMs,
    ...(happened === undefined ? {} : { happened }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(value === undefined ? {} : { value }),
    keyids: [...by.keyids],
    vendor: by.vendor,
    entry,
    restsOn: [...restsOn],
    ...(end === undefined ? {} : { ended: { atMs: end.atMs, entry: end.entry } }),
  };
}

/** Evidence of the same thing by the same keys that goes on where an older piece would expire makes that longer. */
function renewed(
  pieces: readonly EvidencePiece[],
  document: EvidenceDocument,
  value: string | undefined,
): EvidencePiece[] | undefined {
  const { atMs, entry, expiresAtMs } = document;
  if (expiresAtMs === undefined) return undefined;
  const at = pieces.findLastIndex(
    (piece) =>
      piece.expiresAtMs !== undefined &&
      piece.value === value &&
      piece.type === document.type &&
      standsAt(piece, atMs - 1) &&
      isSame(piece.restsOn, document.restsOn) &&
      isSame(piece.keyids, document.by.keyids),
  );
  const piece = pieces[at];
  if (piece === undefined) return undefined;
  return pieces.with(at, {
    ...piece,
    expiresAtMs: Math.max(piece.expiresAtMs ?? 0, expiresAtMs),
    renewed: { atMs, entry },
  });
}

function hasEnough(
  pieces: readonly EvidencePiece[],
  count: number,
  atMs: number,
  value: string | undefined,
): boolean {
  const enough = Math.max(2 * count, ENOUGH_PIECES);
  let same = 0;
  for (const piece of pieces) if (piece.value === value && standsAt(piece, atMs)) same += 1;
  if (value === undefined) return same >= enough;
  if (same > 0 || pieces.length < enough) return same >= ENOUGH_OF_ONE_VALUE;
  const values = new Set(pieces.filter((piece) => standsAt(piece, atMs)).map((piece) => piece.value));
  return values.size >= enough;
}

function withPieces(facts: CommitmentFacts, index: number, pieces: EvidencePiece[]): CommitmentFacts {
  const version = inForce(facts);
  const evidence = version.evidence.with(index, pieces);
  return { ...facts, versions: [...facts.versions.slice(0, -1), { ...version, evidence }] };
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((one, i) => one === right[i]);
}
