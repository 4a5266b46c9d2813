// What is known of a commitment: plain data that a server keeps and serves, and from which anyone computes its state at any time.

import {
  calendarPeriod,
  commitmentAcceptance,
  commitmentDue,
  commitmentId,
  count,
  logOrigin,
  positive,
  productName,
  sha256Hex,
} from '@vitrine/statements';
import * as v from 'valibot';

const entry = v.strictObject({ origin: logOrigin, leafIndex: count });
/** Milliseconds since 1970. Calendar bounds may lie before. */
const timeMs = v.pipe(v.number(), v.safeInteger());
const bounds = v.strictObject({ startMs: timeMs, endMs: timeMs });

const piece = v.strictObject({
  type: v.string(),
  /** When the log has it since. */
  atMs: timeMs,
  /** Since when it shows what it shows: for an event of the world the day on which it happened, else `atMs`. */
  fromMs: timeMs,
  happened: v.exactOptional(calendarPeriod),
  expiresAtMs: v.exactOptional(timeMs),
  /** The value in which it must differ from others, as canonical JSON. */
  value: v.exactOptional(v.string()),
  keyids: v.array(sha256Hex),
  vendor: v.boolean(),
  entry,
  /** Of evidence that expires: where it was last renewed. */
  renewed: v.exactOptional(v.strictObject({ atMs: timeMs, entry })),
  restsOn: v.array(v.string()),
  /** That what it rests on no longer stands. */
  ended: v.exactOptional(v.strictObject({ atMs: timeMs, entry })),
  /** Whether it ended because a key that signed it was revoked as compromised. */
  voided: v.exactOptional(v.literal(true)),
});

const version = v.strictObject({
  version: positive,
  /** Payload digest of the statement. */
  digest: sha256Hex,
  body: sha256Hex,
  reason: v.exactOptional(sha256Hex),
  atMs: timeMs,
  entry,
  signers: v.array(sha256Hex),
  due: commitmentDue,
  dueBounds: v.exactOptional(bounds),
  acceptance: v.exactOptional(commitmentAcceptance),
  /** For each requirement of the acceptance, in its order, the pieces of evidence that count. */
  evidence: v.array(v.array(piece)),
});

export const commitmentFacts = v.strictObject({
  id: commitmentId,
  /** Payload digest of the first version: what amendments and withdrawals name. */
  digest: sha256Hex,
  product: v.exactOptional(productName),
  announced: v.exactOptional(v.strictObject({ period: calendarPeriod, startMs: timeMs })),
  /** The first is version 1, the last is in force. */
  versions: v.pipe(v.array(version), v.minLength(1)),
  withdrawal: v.exactOptional(
    v.strictObject({
      digest: sha256Hex,
      reason: sha256Hex,
      atMs: timeMs,
      entry,
      signers: v.array(sha256Hex),
    }),
  ),
});

export type CommitmentFacts = Readonly<v.InferOutput<typeof commitmentFacts>>;
export type CommitmentVersion = Readonly<CommitmentFacts['versions'][number]>;
export type EvidencePiece = Readonly<v.InferOutput<typeof piece>>;

/** The version in force. */
export function inForce({ versions }: CommitmentFacts): CommitmentVersion {
  const last = versions.at(-1);
  if (last === undefined) throw new TypeError('a commitment has a version');
  return last;
}

/** From when on evidence is evidence for it, unless it may be of before: the promise in the world, when that was earlier. */
export function promisedAtMs({ announced, versions }: CommitmentFacts): number {
  return announced?.startMs ?? versions[0]?.atMs ?? 0;
}
