// Engagements: asked for by a reviewer's organisation, decided by the vendor, its terms accepted, ended. What stands is computed
// from what was said and the time of the view; nobody sets it, and access ends by itself.

import {
  type engagementAcceptance,
  engagementDecision,
  engagementEnd,
  engagementRequest,
} from '@vitrine/statements/intake';
import { memberOf, type Organisation, speaksAs } from './organisations.ts';
import {
  type Capacity,
  type EntryAddress,
  type Outcome,
  refused,
  type ReviewRefusal,
  type Said,
  type Told,
} from './told.ts';

type Request = Said<typeof engagementRequest.predicateType>['predicate'];
type DecisionSaid = Said<typeof engagementDecision.predicateType>['predicate']['decision'];

export interface Decision {
  readonly digest: string;
  readonly by: string;
  readonly entry: EntryAddress;
  readonly atMs: number;
  readonly said: DecisionSaid;
}

export type Grant = Decision & { readonly said: Extract<DecisionSaid, { readonly decision: 'granted' }> };

export interface Engagement {
  /** Payload digest of the request. */
  readonly id: string;
  readonly request: Request;
  readonly requestedBy: string;
  readonly entry: EntryAddress;
  readonly atMs: number;
  /** In the order in which they were said. */
  readonly decisions: readonly Decision[];
  readonly acceptance?: {
    readonly decision: string;
    readonly by: string;
    readonly entry: EntryAddress;
    readonly atMs: number;
  };
  readonly end?: {
    readonly outcome: Said<typeof engagementEnd.predicateType>['predicate']['outcome'];
    readonly by: string;
    readonly entry: EntryAddress;
    readonly atMs: number;
  };
}

/**
 * - `requested`: nobody has decided
 * - `granted`: its terms are not accepted yet
 * - `accepted`: its period has not begun
 * - `open`: what is in scope can be read
 * - `over`: its period has passed, and nobody has ended it
 */
export const ENGAGEMENT_STATES = [
  'requested',
  'granted',
  'denied',
  'accepted',
  'open',
  'over',
  'finished',
  'withdrawn',
  'revoked',
] as const;
export type EngagementState = (typeof ENGAGEMENT_STATES)[number];

/** How an engagement stands at a time. */
export function engagementState(engagement: Engagement, atMs: number): EngagementState {
  const { acceptance, decisions, end } = engagement;
  if (end !== undefined) return end.outcome.outcome;
  const last = decisions.at(-1);
  if (last === undefined) return 'requested';
  if (last.said.decision !== 'granted') return last.said.decision;
  if (acceptance?.decision !== last.digest) return 'granted';
  if (atMs < last.said.period.from) return 'accepted';
  return atMs < last.said.period.until ? 'open' : 'over';
}

/** The grant in force, where the last word of the vendor is one. */
export function grantOf({ decisions }: Engagement): Grant | undefined {
  const last = decisions.at(-1);
  if (last === undefined) return undefined;
  const { said } = last;
  return said.decision === 'granted' ? { ...last, said } : undefined;
}

/** What a key may open at a time: the releases of the grant, or nothing. */
export function mayOpen(
  engagement: Engagement,
  known: Organisation,
  keyid: string,
  atMs: number,
): readonly string[] {
  const grant = grantOf(engagement);
  if (grant === undefined || engagementState(engagement, atMs) !== 'open') return [];
  if (!grant.said.people.includes(keyid) || memberOf(known, keyid) === undefined) return [];
  return grant.said.releases;
}

/** Whether the key speaks for the reviewing side: the organisation itself, or one of the people that it named for this. */
export function isReviewer(engagement: Engagement, known: Organisation, keyid: string): boolean {
  if (keyid === known.key) return true;
  const isNamed =
    engagement.request.people.includes(keyid) || grantOf(engagement)?.said.people.includes(keyid) === true;
  return isNamed && memberOf(known, keyid) !== undefined;
}

/** A request for access, by the organisation or one of its leads, for people who are its own. */
export function requestEngagement(
  known: Organisation | undefined,
  told: Told<Said<typeof engagementRequest.predicateType>>,
): Outcome<Engagement> {
  const { atMs, digest, entry, signer, statement } = told;
  const { predicate: request } = statement;
  if (known === undefined) return refused('not-founded', 'there is no such organisation');
  if (!speaksAs(known, signer, ['lead']))
    return refused('no-standing', 'access is asked for by the organisation, or by one of its leads');
  const stranger = request.people.find((keyid) => memberOf(known, keyid) === undefined);
  if (stranger !== undefined)
    return refused('no-standing', `key ${stranger} speaks for nobody of the organisation`);
  return { state: { id: digest, request, requestedBy: signer, entry, atMs, decisions: [] } };
}

export type EngagementSaying = Said<
  | typeof engagementAcceptance.predicateType
  | typeof engagementDecision.predicateType
  | typeof engagementEnd.predicateType
>;

/** The engagement after what was said of it. */
export function sayOfEngagement(
  engagement: Engagement,
  known: Organisation,
  told: Told<EngagementSaying>,
  capacity: Capacity,
): Outcome<Engagement> {
  const { statement } = told;
  if (engagement.end !== undefined) return refused('ended', 'the organisation has ended it');
  switch (statement.predicateType) {
    case engagementDecision.predicateType:
      return decide(engagement, { ...told, statement }, capacity);
    case engagementEnd.predicateType:
      return end(engagement, known, { ...told, statement });
    default:
      return accept(engagement, known, { ...told, statement });
  }
}

function decide(
  engagement: Engagement,
  { atMs, digest, entry, signer, statement }: Told<Said<typeof engagementDecision.predicateType>>,
  { isVendor }: Capacity,
): Outcome<Engagement> {
  const { decision: said } = statement.predicate;
  if (!isVendor) return refused('no-standing', 'access is granted and denied by the vendor');
  if (said.decision === 'revoked' && grantOf(engagement) === undefined)
    return refused('wrong-version', 'nothing is granted that could be revoked');
  const tooMuch = said.decision === 'granted' ? beyond(engagement.request, said) : undefined;
  if (tooMuch !== undefined) return { refusal: tooMuch };
  const decision: Decision = { digest, by: signer, entry, atMs, said };
  return { state: { ...engagement, decisions: [...engagement.decisions, decision] } };
}

/** A grant may be narrower than what was asked for, not wider: the organisation signed for what it asked. */
function beyond({ people, releases }: Request, granted: Grant['said']): ReviewRefusal | undefined {
  const person = granted.people.find((keyid) => !people.includes(keyid));
  if (person !== undefined)
    return refused('not-in-scope', `nobody asked for access for key ${person}`).refusal;
  const release = granted.releases.find((digest) => !releases.includes(digest));
  return release === undefined
    ? undefined
    : refused('not-in-scope', `nobody asked for release ${release}`).refusal;
}

function accept(
  engagement: Engagement,
  known: Organisation,
  { atMs, entry, signer, statement }: Told<Said<typeof engagementAcceptance.predicateType>>,
): Outcome<Engagement> {
  const { decision, terms } = statement.predicate;
  if (!speaksAs(known, signer, ['lead']))
    return refused('no-standing', 'terms are accepted by the organisation, or by one of its leads');
  const grant = grantOf(engagement);
  if (grant?.digest !== decision) return refused('wrong-version', 'that is not the decision in force');
  if (grant.said.terms.digest !== terms)
    return refused('wrong-version', 'those are not the terms of the grant');
  if (engagement.acceptance?.decision === decision)
    return refused('already-said', 'they are accepted already');
  return { state: { ...engagement, acceptance: { decision, by: signer, entry, atMs } } };
}

function end(
  engagement: Engagement,
  known: Organisation,
  { atMs, entry, signer, statement }: Told<Said<typeof engagementEnd.predicateType>>,
): Outcome<Engagement> {
  if (!speaksAs(known, signer, ['lead']))
    return refused('no-standing', 'an engagement is ended by the organisation, or by one of its leads');
  const { outcome } = statement.predicate;
  return { state: { ...engagement, end: { outcome, by: signer, entry, atMs } } };
}
