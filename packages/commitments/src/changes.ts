// The history of a commitment as a list of changes: what a feed tells, and what a timeline shows.

import type { EntryAddress } from './evidence.ts';
import type { CommitmentFacts, EvidencePiece } from './facts.ts';
import { type CommitmentState, type Standing, stateAt } from './state.ts';

/** `recorded`: evidence that did not change the state; `overdue`: its date passed, with no evidence or too little. */
export type ChangeKind = 'made' | 'amended' | 'withdrawn' | 'recorded' | 'kept' | 'overdue' | 'lapsed';

export interface Change {
  readonly kind: ChangeKind;
  /** Log time, in milliseconds. */
  readonly atMs: number;
  /** The entry that brought it; where a date passed, the entry that had set the date. */
  readonly entry: EntryAddress;
  /** How it stands from then on. */
  readonly standing: Standing;
}

/** Everything that happened to a commitment up to `asOfMs`, oldest first. Of one time there may be several changes. */
export function changesUntil(facts: CommitmentFacts, asOfMs: number): readonly Change[] {
  const changes: Change[] = [];
  let before: CommitmentState | undefined;
  for (const atMs of turningPoints(facts, asOfMs)) {
    const standing = stateAt(facts, atMs);
    if (standing === undefined) continue;
    const told = { atMs, standing };
    const said = saidAt(facts, atMs);
    changes.push(...said.map((one) => ({ ...one, ...told })));
    const pieces = piecesAt(facts, standing.version, atMs);
    const kind = before === standing.state ? undefined : kindOf(standing.state);
    if (kind !== undefined) {
      changes.push({ kind, entry: entryBehind(facts, standing, kind, pieces, atMs), ...told });
    } else if (said.length === 0) {
      changes.push(...pieces.map(({ entry }) => ({ kind: 'recorded' as const, entry, ...told })));
    }
    before = standing.state;
  }
  return changes;
}

/** When something may change: at what is said, at evidence and its end, at the end of the last day. */
function turningPoints({ versions, withdrawal }: CommitmentFacts, asOfMs: number): readonly number[] {
  const times = versions.flatMap(({ atMs, dueBounds, evidence }) => [
    atMs,
    dueBounds?.endMs,
    ...evidence.flat().flatMap((piece) => [piece.atMs, piece.expiresAtMs, piece.ended?.atMs]),
  ]);
  const known = [...times, withdrawal?.atMs].filter(
    (time): time is number => time !== undefined && time <= asOfMs,
  );
  return [...new Set(known)].sort((left, right) => left - right);
}

function saidAt(
  { versions, withdrawal }: CommitmentFacts,
  atMs: number,
): readonly Pick<Change, 'kind' | 'entry'>[] {
  return [
    ...versions
      .filter((version) => version.atMs === atMs)
      .map(({ entry, version }) => ({
        kind: version === 1 ? ('made' as const) : ('amended' as const),
        entry,
      })),
    ...(withdrawal?.atMs === atMs ? [{ kind: 'withdrawn' as const, entry: withdrawal.entry }] : []),
  ];
}

/** The evidence that came then, each entry once. */
function piecesAt({ versions }: CommitmentFacts, version: number, atMs: number): readonly EvidencePiece[] {
  const pieces = versions.find((one) => one.version === version)?.evidence.flat() ?? [];
  const came = pieces.filter((piece) => piece.atMs === atMs);
  return came.filter(
    ({ entry }, at) =>
      came.findIndex(
        (one) => one.entry.leafIndex === entry.leafIndex && one.entry.origin === entry.origin,
      ) === at,
  );
}

function kindOf(state: CommitmentState): 'kept' | 'overdue' | 'lapsed' | undefined {
  switch (state) {
    case 'kept':
    case 'kept-late':
      return 'kept';
    case 'late':
    case 'no-evidence':
      return 'overdue';
    case 'lapsed':
      return 'lapsed';
    case 'no-date':
    case 'not-yet-due':
    case 'due-soon':
    case 'withdrawn':
      return undefined;
  }
}

function entryBehind(
  { versions }: CommitmentFacts,
  standing: Standing,
  kind: 'kept' | 'overdue' | 'lapsed',
  pieces: readonly EvidencePiece[],
  atMs: number,
): EntryAddress {
  const version = versions.find((one) => one.version === standing.version);
  if (version === undefined) throw new TypeError(`there is no version ${standing.version}`);
  if (kind === 'kept') return pieces.at(-1)?.entry ?? version.entry;
  if (kind === 'overdue') return version.entry;
  const over = version.evidence.flat().find((piece) => (piece.ended?.atMs ?? piece.expiresAtMs) === atMs);
  return over?.ended?.entry ?? over?.renewed?.entry ?? over?.entry ?? version.entry;
}
