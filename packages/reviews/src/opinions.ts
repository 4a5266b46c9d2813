// Opinions: of the organisation that reviewed, on what it reviewed. What an opinion says never changes; what it is worth does:
// it expires, it is withdrawn, its organisation's accreditation ends.

import { keyidOfSpeaker, type opinion, type opinionWithdrawal } from '@vitrine/statements/intake';
import { type Engagement, grantOf } from './engagements.ts';
import { memberOf, type Organisation, speaksAs } from './organisations.ts';
import { type EntryAddress, type Outcome, refused, type Said, type Told } from './told.ts';

export type OpinionSaid = Said<typeof opinion.predicateType>['predicate'];

export interface Opinion {
  /** Its payload digest. */
  readonly id: string;
  readonly said: OpinionSaid;
  readonly entry: EntryAddress;
  readonly atMs: number;
  /** By the organisation's own key, or by a person's on the centre's page. */
  readonly signedBy: 'organisation' | 'person';
  /** What the vendor had decided then: an opinion counts whether access was granted or not. */
  readonly hadAccess: boolean;
  readonly withdrawal?: { readonly reason: string; readonly entry: EntryAddress; readonly atMs: number };
}

export type OpinionState = 'current' | 'expired' | 'withdrawn';

/** How an opinion stands at a time. */
export function opinionState({ said, withdrawal }: Opinion, atMs: number): OpinionState {
  if (withdrawal !== undefined && withdrawal.atMs <= atMs) return 'withdrawn';
  return atMs < said.expires ? 'current' : 'expired';
}

/** @param isFinding whether a payload digest is that of a finding of this engagement */
export function sayOpinion(
  { engagement, organisation }: { readonly engagement: Engagement; readonly organisation: Organisation },
  told: Told<Said<typeof opinion.predicateType>>,
  isFinding: (digest: string) => boolean,
): Outcome<Opinion> {
  const { signer, statement, digest, entry, atMs } = told;
  const { predicate: said } = statement;
  const { request } = engagement;
  if (said.organisation !== organisation.id || request.organisation !== organisation.id)
    return refused('no-standing', 'the engagement is another organisation’s');
  if (!speaksAs(organisation, signer, ['lead']))
    return refused('no-standing', 'an opinion is signed by the organisation, or by one of its leads');
  const partner = said.partner === undefined ? undefined : keyidOfSpeaker(said.partner);
  if (request.secondPartner && partner === undefined)
    return refused('no-standing', 'this engagement asks for a second partner’s signature');
  if (partner !== undefined && memberOf(organisation, partner)?.roles.includes('partner') !== true)
    return refused('no-standing', 'the second who signs is no partner of the organisation');
  if (said.kind !== request.kind)
    return refused('not-in-scope', `the engagement is one of kind ${request.kind}`);
  const release = said.releases.find((each) => !request.releases.includes(each));
  if (release !== undefined)
    return refused('not-in-scope', `release ${release} was not part of the engagement`);
  if (said.product !== request.product)
    return refused('not-in-scope', 'the engagement is about another product');
  const stranger = said.findings.find((each) => !isFinding(each));
  if (stranger !== undefined)
    return refused('unknown-finding', `${stranger} is no finding of this engagement`);
  return {
    state: {
      id: digest,
      said,
      entry,
      atMs,
      signedBy: signer === organisation.key ? 'organisation' : 'person',
      hadAccess: grantOf(engagement) !== undefined && engagement.acceptance !== undefined,
    },
  };
}

/** The organisation takes it back. */
export function withdrawOpinion(
  known: Opinion,
  organisation: Organisation,
  { atMs, entry, signer, statement }: Told<Said<typeof opinionWithdrawal.predicateType>>,
): Outcome<Opinion> {
  if (!speaksAs(organisation, signer, ['lead']))
    return refused('no-standing', 'an opinion is withdrawn by the organisation that gave it');
  if (known.withdrawal !== undefined) return refused('already-said', 'it is withdrawn already');
  return { state: { ...known, withdrawal: { reason: statement.predicate.reason.digest, entry, atMs } } };
}
