/** What everybody may know of reviews, in the shape of the HTTP contract, at the time of a view. */
import type {
  EngagementDetail,
  EngagementSummary,
  OpinionDetail,
  OrganisationDetail,
  OrganisationSummary,
  PublicFinding,
} from '@vitrine/api';
import {
  type Accreditation,
  accreditationsAt,
  type Decision,
  type Engagement,
  engagementState,
  type Finding,
  findingState,
  grantOf,
  type Opinion,
  opinionState,
  type Organisation,
} from '@vitrine/reviews';
import { keyidOfSpeaker } from '@vitrine/statements/intake';

type PresentedEngagement = EngagementDetail['engagement'];
type PresentedOpinion = OpinionDetail['opinion'];
type PresentedOrganisation = OrganisationDetail['organisation'];
type PresentedDecision = PresentedEngagement['decisions'][number];

export function organisationSummary(known: Organisation, atMs: number): OrganisationSummary {
  const { body, entry, id, members, version } = known;
  const schemes = new Set(accreditationsAt(known, atMs).map(({ scheme }) => scheme));
  return {
    id,
    version,
    body,
    atMs: known.atMs,
    entry,
    people: Object.values(members).filter(({ ended }) => ended === undefined).length,
    schemes: [...schemes].sort(),
  };
}

export function organisationOf(known: Organisation, atMs: number): PresentedOrganisation {
  const { accreditations, formerKeys, key, members } = known;
  const holding = new Set(accreditationsAt(known, atMs));
  return {
    ...organisationSummary(known, atMs),
    key,
    formerKeys: [...formerKeys],
    members: Object.entries(members).map(([keyid, { ended, fromMs, key: written, roles }]) => ({
      keyid,
      kind: typeof written === 'string' ? 'key' : 'passkey',
      roles: [...roles],
      fromMs,
      ended: ended === undefined ? null : { atMs: ended.atMs, reason: ended.reason, by: ended.by ?? null },
    })),
    accreditations: accreditations.map((each) => accreditationOf(each, holding.has(each))),
  };
}

function accreditationOf(
  { atMs, body, by, digest, ended, entry, period, scheme }: Accreditation,
  holds: boolean,
): PresentedOrganisation['accreditations'][number] {
  const end = ended === undefined ? null : { atMs: ended.atMs, reason: ended.reason };
  return { digest, by, entry, atMs, scheme, period, body, holds, ended: end };
}

export function engagementSummary(known: Engagement, atMs: number): EngagementSummary {
  const { decisions, end, entry, id, request, requestedBy } = known;
  const last = decisions.at(-1);
  return {
    id,
    by: requestedBy,
    entry,
    atMs: known.atMs,
    organisation: request.organisation,
    kind: request.kind,
    product: request.product ?? null,
    centre: request.centre,
    period: grantOf(known)?.said.period ?? request.period,
    releases: request.releases,
    state: engagementState(known, atMs),
    decision: last === undefined ? null : decisionOf(last),
    end:
      end === undefined
        ? null
        : {
            by: end.by,
            entry: end.entry,
            atMs: end.atMs,
            outcome: end.outcome.outcome,
            reason: end.outcome.outcome === 'withdrawn' ? end.outcome.reason.digest : null,
          },
  };
}

function decisionOf({ atMs, by, digest, entry, said }: Decision): PresentedDecision {
  const common = { digest, by, entry, atMs, decision: said.decision };
  if (said.decision !== 'granted') return { ...common, reason: said.reason.digest, grant: null };
  const { detail, people, period, releases, terms } = said;
  return { ...common, reason: null, grant: { detail, people, period, releases, terms: terms.digest } };
}

/** @param besides what is known of the engagement from other tables */
export function engagementOf(
  known: Engagement,
  atMs: number,
  besides: Pick<PresentedEngagement, 'findings' | 'opinions' | 'said'>,
): PresentedEngagement {
  const { acceptance, decisions, request } = known;
  return {
    ...engagementSummary(known, atMs),
    body: request.body,
    criteria: request.criteria,
    people: request.people,
    secondPartner: request.secondPartner,
    decisions: decisions.map(decisionOf),
    acceptance: acceptance ?? null,
    ...besides,
  };
}

/** A finding that everybody may know since `publicFromMs`. */
export function publicFindingOf(known: Finding, publicFromMs: number): PublicFinding {
  const { id, number, responses, retests, wordings } = known;
  return {
    id,
    number,
    state: findingState(known),
    publicFromMs,
    wordings: wordings.map(({ said: { body, cvss, grade, release }, ...words }) => ({
      ...words,
      grade,
      body,
      release: release ?? null,
      cvss: cvss ?? null,
    })),
    responses: responses.map(({ said: { body, due, release, status }, ...words }) => ({
      ...words,
      status,
      body,
      due: due ?? null,
      release: release ?? null,
    })),
    retests: retests.map(({ said: { body, release, result }, ...words }) => ({
      ...words,
      result,
      body,
      release: release ?? null,
    })),
  };
}

export interface GivenOpinion {
  readonly opinion: Opinion;
  readonly organisation: Organisation;
  readonly accredited: boolean;
  readonly byVendor: boolean;
}

export function opinionOf(given: GivenOpinion, atMs: number): PresentedOpinion {
  const { accredited, byVendor, opinion, organisation } = given;
  const { entry, hadAccess, id, said, signedBy, withdrawal } = opinion;
  return {
    id,
    by: keyidOfSpeaker(said.key),
    entry,
    atMs: opinion.atMs,
    engagement: said.engagement,
    organisation: said.organisation,
    state: opinionState(opinion, atMs),
    kind: said.kind,
    product: said.product ?? null,
    releases: said.releases,
    assurance: said.assurance,
    conclusion: said.conclusion,
    exceptions: said.exceptions,
    type: said.type ?? null,
    period: said.period,
    expires: said.expires,
    criteria: said.criteria,
    findings: said.findings,
    coverage: said.coverage ?? null,
    assertion: said.assertion ?? null,
    body: said.body.digest,
    annex: said.annex?.digest ?? null,
    partner: said.partner === undefined ? null : keyidOfSpeaker(said.partner),
    signedBy,
    hadAccess,
    accreditedThen: accredited,
    accreditedNow: accreditationsAt(organisation, atMs).length > 0,
    byVendor,
    withdrawal:
      withdrawal === undefined
        ? null
        : { atMs: withdrawal.atMs, reason: withdrawal.reason, entry: withdrawal.entry },
  };
}
