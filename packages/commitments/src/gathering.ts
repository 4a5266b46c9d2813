// The evidence for one requirement of a commitment, gathered document by document: which of them count, and when there is enough.

import { counts, type Requirement, valueAt } from './acceptance.ts';
import { boundsOfPeriod, DAY_MS } from './calendar.ts';
import type { EvidenceDocument, EvidenceEnd } from './evidence.ts';
import type { CommitmentVersion, EvidencePiece } from './facts.ts';

/** A requirement needs no more pieces that stand than this, or than twice its count: more would only fill memory. */
const ENOUGH_PIECES = 16;
/** Of pieces with one and the same value only so many. */
const ENOUGH_OF_ONE_VALUE = 2;

/** What of a commitment decides whether a document about it is evidence. */
export interface Terms {
  readonly promisedAtMs: number;
  /** The distance from UTC at which it counts its days. */
  readonly utcOffset: string;
}

/** Whether a piece shows anything then: it began, did not expire, and what it rests on stands. */
export function standsAt({ ended, expiresAtMs = Infinity, fromMs }: EvidencePiece, atMs: number): boolean {
  return fromMs <= atMs && atMs < Math.min(expiresAtMs, ended?.atMs ?? Infinity);
}

export class Gathering {
  readonly #requirement: Requirement;
  readonly #terms: Terms;
  #pieces: EvidencePiece[] = [];
  /** How many pieces there are with each value, so that of a million documents most are told to be too many without a look at each piece. */
  readonly #withValue = new Map<string | undefined, number>();
  /** From then on all pieces stand; Infinity when one of them stands for a time only. */
  #allStandFromMs = -Infinity;

  /** @param evidence what the version in force has for each of its requirements */
  constructor(requirement: Requirement, terms: Terms, evidence: CommitmentVersion['evidence']) {
    this.#requirement = requirement;
    this.#terms = terms;
    this.restart(evidence);
  }

  /** The place of its requirement in the acceptance. */
  get index(): number {
    return this.#requirement.index;
  }

  /** In the order in which they were told. A copy. */
  get pieces(): EvidencePiece[] {
    return [...this.#pieces];
  }

  /** Goes on from this evidence: some of it has ended. */
  restart(evidence: CommitmentVersion['evidence']): void {
    const pieces = evidence[this.index];
    if (pieces === undefined) throw new TypeError(`the version in force has no requirement ${this.index}`);
    this.#pieces = [...pieces];
    this.#withValue.clear();
    this.#allStandFromMs = -Infinity;
    for (const piece of pieces) this.#count(piece);
  }

  /**
   * Takes a document for evidence, or leaves it: of other content, of before the promise, not yet happened, or one too many.
   *
   * @param ends what the log had ended already of what the document rests on, when it is looked at later
   * @returns whether it was taken
   */
  take(document: EvidenceDocument, ends?: readonly EvidenceEnd[]): boolean {
    return counts(document, this.#requirement) && this.takeCounting(document, ends);
  }

  /** Takes a document that is known to be of a sort that counts. */
  takeCounting(document: EvidenceDocument, ends: readonly EvidenceEnd[] = []): boolean {
    const { distinctBy, retroactive } = this.#requirement;
    const value = distinctBy === undefined ? undefined : valueAt(document, distinctBy);
    if (distinctBy !== undefined && value === undefined) return false;
    const isOneTooMany = this.#hasEnough(value, document);
    // What expires may make a piece longer.
    if (isOneTooMany && document.expiresAtMs === undefined) return false;
    const when = whenItShows(document, this.#terms.utcOffset);
    if (when === undefined) return false;
    if (!retroactive && when.untilMs < this.#terms.promisedAtMs) return false;
    if (document.voided === undefined && this.#renew(document, value)) return true;
    if (isOneTooMany) return false;
    const piece = pieceOf(document, when.fromMs, value, ends);
    this.#pieces.push(piece);
    this.#count(piece);
    return true;
  }

  #count({ ended, expiresAtMs, fromMs, value }: EvidencePiece): void {
    this.#withValue.set(value, (this.#withValue.get(value) ?? 0) + 1);
    const standsForGood = ended === undefined && expiresAtMs === undefined;
    this.#allStandFromMs = Math.max(this.#allStandFromMs, standsForGood ? fromMs : Infinity);
  }

  /** What a compromised key signed must not displace what stands: such pieces are enough for their like only. */
  #hasEnough(value: string | undefined, { atMs, voided }: EvidenceDocument): boolean {
    const standing =
      atMs >= this.#allStandFromMs ? this.#withValue : this.#standingAt(atMs, voided !== undefined);
    const enough = Math.max(2 * this.#requirement.count, ENOUGH_PIECES);
    const same = standing.get(value) ?? 0;
    if (value === undefined) return same >= enough;
    if (same > 0 || this.#pieces.length < enough) return same >= ENOUGH_OF_ONE_VALUE;
    return standing.size >= enough;
  }

  #standingAt(atMs: number, withVoided: boolean): ReadonlyMap<string | undefined, number> {
    const standing = new Map<string | undefined, number>();
    for (const piece of this.#pieces)
      if (standsAt(piece, atMs) && (withVoided || piece.voided === undefined))
        standing.set(piece.value, (standing.get(piece.value) ?? 0) + 1);
    return standing;
  }

  /** Evidence of the same thing by the same keys that goes on where an older piece would expire makes that longer. */
  #renew(
    { atMs, by, entry, expiresAtMs, restsOn, type }: EvidenceDocument,
    value: string | undefined,
  ): boolean {
    if (expiresAtMs === undefined) return false;
    const at = this.#pieces.findLastIndex(
      (piece) =>
        piece.expiresAtMs !== undefined &&
        piece.voided === undefined &&
        piece.value === value &&
        piece.type === type &&
        standsAt(piece, atMs - 1) &&
        isSame(piece.restsOn, restsOn) &&
        isSame(piece.keyids, by.keyids),
    );
    const piece = this.#pieces[at];
    if (piece === undefined) return false;
    this.#pieces[at] = {
      ...piece,
      expiresAtMs: Math.max(piece.expiresAtMs ?? 0, expiresAtMs),
      renewed: { atMs, entry },
    };
    return true;
  }
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
  { atMs, by, entry, expiresAtMs, happened, restsOn, type, voided }: EvidenceDocument,
  fromMs: number,
  value: string | undefined,
  ends: readonly EvidenceEnd[],
): EvidencePiece {
  const other = ends.find((one) => one.atMs >= atMs);
  const isVoided = voided !== undefined && voided.atMs <= (other?.atMs ?? Infinity);
  const end = isVoided ? voided : other;
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
    ...(voided === undefined ? {} : { voided: true }),
  };
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((one, i) => one === right[i]);
}
