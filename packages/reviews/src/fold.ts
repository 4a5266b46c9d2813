// One statement after another: what each changes in what is known. A server keeps what is known in tables, a verifier in memory;
// both take this step.

import {
  accreditation,
  accreditationEnd,
  engagementAcceptance,
  engagementDecision,
  engagementEnd,
  engagementRequest,
  evidenceAnswer,
  evidenceRequest,
  finding,
  findingResponse,
  findingRetest,
  managementStatement,
  member,
  memberEnd,
  opinion,
  opinionWithdrawal,
  organisation,
  organisationKey,
  procedure,
  reading,
} from '@vitrine/statements/intake';
import { type Engagement, requestEngagement, sayOfEngagement } from './engagements.ts';
import { type Finding, sayFinding, sayOfFinding } from './findings.ts';
import type { Known, ReviewSaying } from './known.ts';
import { type Note, sayNote } from './notes.ts';
import { type Opinion, sayOpinion, withdrawOpinion } from './opinions.ts';
import { hasLiaison, type Organisation, sayOfOrganisation } from './organisations.ts';
import { type Capacity, type Outcome, refused, type Said, type Told } from './told.ts';

/** What a statement changed: the whole state of the one thing that it is about. */
export type Change =
  | { readonly of: 'organisation'; readonly state: Organisation }
  | { readonly of: 'engagement'; readonly state: Engagement }
  | { readonly of: 'finding'; readonly state: Finding }
  | { readonly of: 'opinion'; readonly state: Opinion }
  | { readonly of: 'note'; readonly state: Note };

/** What changes, or why the statement counts for nothing. Reads no clock. */
export async function sayOfReviews(
  known: Known,
  told: Told<ReviewSaying>,
  capacity: Capacity,
): Promise<Outcome<Change>> {
  const { statement } = told;
  if (await known.hasCounted(told.digest)) return refused('already-said', 'it has counted already');
  switch (statement.predicateType) {
    case organisation.predicateType:
    case organisationKey.predicateType:
    case member.predicateType:
    case memberEnd.predicateType:
    case accreditation.predicateType:
      return changed(
        'organisation',
        sayOfOrganisation(await known.organisation(statement.predicate.organisation), { ...told, statement }),
      );
    case accreditationEnd.predicateType:
      return changed(
        'organisation',
        sayOfOrganisation(await known.accredited(statement.predicate.accreditation), { ...told, statement }),
      );
    case engagementRequest.predicateType:
      return changed(
        'engagement',
        requestEngagement(await known.organisation(statement.predicate.organisation), { ...told, statement }),
      );
    default:
      return sayInEngagement(known, { ...told, statement }, capacity);
  }
}

type EngagedSaying = Exclude<
  ReviewSaying,
  Said<
    | typeof accreditation.predicateType
    | typeof accreditationEnd.predicateType
    | typeof engagementRequest.predicateType
    | typeof member.predicateType
    | typeof memberEnd.predicateType
    | typeof organisation.predicateType
    | typeof organisationKey.predicateType
  >
>;

async function sayInEngagement(
  known: Known,
  told: Told<EngagedSaying>,
  capacity: Capacity,
): Promise<Outcome<Change>> {
  const { statement } = told;
  const given =
    statement.predicateType === opinionWithdrawal.predicateType
      ? await known.opinion(statement.predicate.opinion)
      : undefined;
  if (statement.predicateType === opinionWithdrawal.predicateType && given === undefined)
    return refused('unknown-opinion', 'there is no such opinion');
  const id = 'engagement' in statement.predicate ? statement.predicate.engagement : given?.said.engagement;
  const engagement = id === undefined ? undefined : await known.engagement(id);
  if (engagement === undefined) return refused('unknown-engagement', 'there is no such engagement');
  const reviewing = await known.organisation(engagement.request.organisation);
  if (reviewing === undefined) return refused('not-founded', 'there is no such organisation');
  const parties = { engagement, organisation: reviewing };
  switch (statement.predicateType) {
    case engagementAcceptance.predicateType:
    case engagementDecision.predicateType:
    case engagementEnd.predicateType:
      return changed('engagement', sayOfEngagement(engagement, reviewing, { ...told, statement }, capacity));
    case finding.predicateType: {
      const { number, rewords } = statement.predicate;
      const before =
        rewords === undefined
          ? await known.findingNumbered(engagement.id, number)
          : await findingOf(known, engagement, rewords);
      return changed('finding', sayFinding(before, parties, { ...told, statement }));
    }
    case findingResponse.predicateType:
    case findingRetest.predicateType: {
      const before = await findingOf(known, engagement, statement.predicate.finding);
      if (before === undefined)
        return refused('unknown-finding', 'there is no such finding in this engagement');
      return changed('finding', sayOfFinding(before, parties, { ...told, statement }, capacity));
    }
    case opinion.predicateType: {
      const { findings } = statement.predicate;
      const theirs = await Promise.all(findings.map((digest) => findingOf(known, engagement, digest)));
      const ours = new Set(findings.filter((_, i) => theirs[i] !== undefined));
      return changed(
        'opinion',
        sayOpinion(parties, { ...told, statement }, (digest) => ours.has(digest)),
      );
    }
    case opinionWithdrawal.predicateType:
      return given === undefined
        ? refused('unknown-opinion', 'there is no such opinion')
        : changed('opinion', withdrawOpinion(given, reviewing, { ...told, statement }));
    case evidenceAnswer.predicateType:
    case evidenceRequest.predicateType:
    case managementStatement.predicateType:
    case procedure.predicateType:
    case reading.predicateType:
      return changed('note', sayNote(parties, { ...told, statement }, capacity));
  }
}

async function findingOf(known: Known, { id }: Engagement, digest: string): Promise<Finding | undefined> {
  const one = await known.finding(digest);
  return one?.engagement === id ? one : undefined;
}

function changed<Of extends Change['of'], State>(
  of: Of,
  outcome: Outcome<State>,
): Outcome<{ readonly of: Of; readonly state: State }> {
  return outcome.refusal === undefined ? { state: { of, state: outcome.state } } : outcome;
}

/** What is known, in memory. */
export class ReviewsFold implements Known {
  readonly organisations = new Map<string, Organisation>();
  readonly engagements = new Map<string, Engagement>();
  /** By the payload digest of the first wording. */
  readonly findings = new Map<string, Finding>();
  readonly opinions = new Map<string, Opinion>();
  readonly notes = new Map<string, Note>();
  readonly #counted = new Set<string>();
  readonly #accredited = new Map<string, string>();
  /** By keyid: which organisations ever named it as their liaison. */
  readonly #liaisons = new Map<string, Set<string>>();
  readonly #wordings = new Map<string, string>();
  readonly #numbers = new Map<string, string>();

  /** @returns why it counts for nothing, when it does not count */
  async say(told: Told<ReviewSaying>, capacity: Capacity): Promise<Outcome<Change>> {
    const outcome = await sayOfReviews(this, told, capacity);
    if (outcome.refusal !== undefined) return outcome;
    this.#counted.add(told.digest);
    this.#keep(outcome.state);
    return outcome;
  }

  hasCounted(digest: string): Promise<boolean> {
    return Promise.resolve(this.#counted.has(digest));
  }

  organisation(id: string): Promise<Organisation | undefined> {
    return Promise.resolve(this.organisations.get(id));
  }

  liaisonOf(keyid: string): Promise<readonly Organisation[]> {
    const named = [...(this.#liaisons.get(keyid) ?? [])].flatMap((id) => this.organisations.get(id) ?? []);
    return Promise.resolve(named.filter((organisation) => hasLiaison(organisation, keyid)));
  }

  accredited(digest: string): Promise<Organisation | undefined> {
    return Promise.resolve(this.organisations.get(this.#accredited.get(digest) ?? ''));
  }

  engagement(id: string): Promise<Engagement | undefined> {
    return Promise.resolve(this.engagements.get(id));
  }

  finding(digest: string): Promise<Finding | undefined> {
    return Promise.resolve(this.findings.get(this.#wordings.get(digest) ?? ''));
  }

  findingNumbered(engagement: string, number: number): Promise<Finding | undefined> {
    return Promise.resolve(this.findings.get(this.#numbers.get(`${engagement} ${number}`) ?? ''));
  }

  opinion(id: string): Promise<Opinion | undefined> {
    return Promise.resolve(this.opinions.get(id));
  }

  #keep({ of, state }: Change): void {
    switch (of) {
      case 'organisation':
        this.organisations.set(state.id, state);
        for (const { digest } of state.accreditations) this.#accredited.set(digest, state.id);
        for (const keyid of Object.keys(state.members))
          if (hasLiaison(state, keyid))
            this.#liaisons.set(keyid, (this.#liaisons.get(keyid) ?? new Set()).add(state.id));
        return;
      case 'engagement':
        this.engagements.set(state.id, state);
        return;
      case 'finding':
        this.findings.set(state.id, state);
        for (const { digest } of state.wordings) this.#wordings.set(digest, state.id);
        this.#numbers.set(`${state.engagement} ${state.number}`, state.id);
        return;
      case 'opinion':
        this.opinions.set(state.id, state);
        return;
      case 'note':
        this.notes.set(state.id, state);
        return;
    }
  }
}
