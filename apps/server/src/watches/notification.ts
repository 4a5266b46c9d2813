/** What is sent: docs/formats/webhooks.md. Times are milliseconds since 1970, but `timestamp`, which Standard Webhooks wants as a date. */
import { randomBytes } from 'node:crypto';
import type { Watched } from '@vitrine/api';
import { routeUrl } from '@vitrine/api';
import { encodeHex, hashLeaf } from '@vitrine/tlog';
import { describeLeaf } from '@vitrine/verifier/statement-in-words';
import type { PromiseChange } from '../feeds/queries.ts';
import { tagUri } from '../feeds/atom.ts';
import type { Entry } from '../log/log.ts';

/** Who tells. */
export interface Teller {
  /** Name of the centre. */
  readonly name: string;
  /** At which others reach it, without a slash at the end; where it is not known, addresses in notifications are paths. */
  readonly url: string | undefined;
  readonly log: { readonly origin: string; readonly vkey: string; readonly name: string };
}

export interface NotificationContext {
  readonly teller: Teller;
  readonly watch: { readonly id: string; readonly watched: Watched };
}

const VERIFY_STATEMENTS =
  'Believe the evidence, not this message: fetch `evidence` and run `vitrine evidence verify FILE --policy POLICY` with a policy that you did not take from this centre. docs/formats/webhooks.md';
const VERIFY_PROMISES =
  'Believe the log, not this message: run `vitrine commitments check --server URL`, which recomputes the state of every promise. docs/formats/webhooks.md';

/** ECMA-262, 21.4.1.1: a log chooses its times, and no date is further from 1970. */
const LAST_MS = Date.UTC(9999, 11, 31);

const dateOf = (timeMs: number): string => new Date(Math.min(timeMs, LAST_MS)).toISOString();

/** A webhook-id: random, without a full stop. */
export function newMessageId(): string {
  return `msg_${randomBytes(16).toString('hex')}`;
}

/** @param challenge to be answered with */
export function formatChallenge(
  { teller, watch }: NotificationContext,
  challenge: string,
  atMs: number,
): string {
  return JSON.stringify({
    type: 'challenge',
    timestamp: dateOf(atMs),
    challenge,
    centre: centreOf(teller),
    watch: { id: watch.id, ...watch.watched },
    answer:
      'Somebody asks this centre to tell this address what is published. If that is you, answer 200 with the challenge alone as the body; else answer anything else, and nothing more is sent.',
  });
}

/** @param entries that count, in the order of the log, at least one */
export function formatStatements({ teller, watch }: NotificationContext, entries: readonly Entry[]): string {
  const told = entries.map((entry) => toldEntry(teller, entry));
  return JSON.stringify({
    type: 'statements',
    timestamp: dateOf(told.at(-1)?.registeredAt ?? 0),
    centre: centreOf(teller),
    watch: { id: watch.id, ...watch.watched },
    log: { origin: teller.log.origin, vkey: teller.log.vkey },
    entries: told,
    verify: VERIFY_STATEMENTS,
  });
}

function toldEntry(teller: Teller, { leaf, leafIndex }: Entry) {
  const described = describeLeaf(leaf);
  if (!described.ok) throw new TypeError(`entry ${leafIndex} counts and cannot be read: ${described.reason}`);
  const { envelope, payloadDigest, registeredAtMs, statement } = described.leaf;
  const base = teller.url ?? '';
  return {
    origin: teller.log.origin,
    leafIndex,
    leafHash: encodeHex(hashLeaf(leaf)),
    registeredAt: registeredAtMs,
    predicateType: statement.predicateType,
    statement: payloadDigest,
    keyids: envelope.signatures.map(({ keyid }) => keyid),
    product: 'product' in statement.predicate ? (statement.predicate.product ?? null) : null,
    summary: described.words,
    page: `${base}/logs/${teller.log.name}/${leafIndex}`,
    evidence: routeUrl('statementEvidence', { params: { digest: payloadDigest } }, base),
  };
}

/** A change of a promise, as it is told. */
export type ToldChange = ReturnType<typeof toldChange>;

export function toldChange(teller: Teller, { atMs, entry, facts, kind, standing }: PromiseChange) {
  const base = teller.url ?? '';
  return {
    name: tagUri(entry.origin, `${entry.leafIndex}/${facts.id}/${kind}`),
    promise: facts.id,
    kind,
    at: atMs,
    state: standing.state,
    sentence: standing.sentence,
    origin: entry.origin,
    leafIndex: entry.leafIndex,
    page: `${base}/promises/${facts.id}`,
  };
}

/** @param changes JSON of each, in the order in which this centre found them, at least one */
export function formatPromises(
  { teller, watch }: NotificationContext,
  changes: readonly Pick<ToldChange, 'at'>[],
): string {
  return JSON.stringify({
    type: 'promises',
    timestamp: dateOf(Math.max(...changes.map(({ at }) => at))),
    centre: centreOf(teller),
    watch: { id: watch.id, ...watch.watched },
    log: { origin: teller.log.origin, vkey: teller.log.vkey },
    changes,
    verify: VERIFY_PROMISES,
  });
}

function centreOf({ name, url }: Teller): { name: string; url: string | null } {
  return { name, url: url ?? null };
}
