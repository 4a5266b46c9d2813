/** What is known of reviews at the time of a view. */
import type {
  EngagementDetail,
  EngagementList,
  OpinionDetail,
  OpinionList,
  OrganisationDetail,
  OrganisationList,
} from '@vitrine/api';
import type { EngagementState } from '@vitrine/reviews';
import {
  evidenceAnswer,
  evidenceRequest,
  managementStatement,
  procedure,
  reading,
} from '@vitrine/statements/intake';
import { snapshot } from '../projection/schema.ts';
import type { ReadDb, ReadTx } from '../projection/schema.ts';
import { viewOf } from '../projection/view.ts';
import {
  engagementOf,
  engagementSummary,
  opinionOf,
  organisationOf,
  organisationSummary,
  publicFindingOf,
} from './presented.ts';
import { storedEngagement, storedFinding, storedOpinion, storedOrganisation } from './stored.ts';

/** `after`: the position beyond which a page begins. */
export interface Part {
  readonly after?: number | undefined;
  readonly limit: number;
}

/** @param publishedMs when the checkpoint of the view was published; so of all here */
export function listOrganisations(
  read: ReadDb,
  publishedMs: number,
  { after = -1, limit }: Part,
): Promise<OrganisationList> {
  return snapshot(read, async (at) => {
    const { asOfMs, rootSize } = await viewOf(at, publishedMs);
    const { count } = await at
      .selectFrom('review_organisations')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    const rows = await at
      .selectFrom('review_organisations')
      .select(['position', 'state'])
      .where('position', '>', after)
      .orderBy('position')
      .limit(limit + 1)
      .execute();
    const { next, shown } = pageOf(rows, limit);
    const organisations = shown.map(({ state }) =>
      organisationSummary(storedOrganisation.parse(state), asOfMs),
    );
    return { rootSize, asOfMs, count, organisations, next };
  });
}

/** @returns undefined when there is none of this id; so of all here */
export function findOrganisation(
  read: ReadDb,
  publishedMs: number,
  id: string,
): Promise<OrganisationDetail | undefined> {
  return snapshot(read, async (at) => {
    const { asOfMs, rootSize } = await viewOf(at, publishedMs);
    const row = await at
      .selectFrom('review_organisations')
      .select('state')
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return { rootSize, asOfMs, organisation: organisationOf(storedOrganisation.parse(row.state), asOfMs) };
  });
}

export function listEngagements(
  read: ReadDb,
  publishedMs: number,
  { after = -1, limit, organisation }: Part & { readonly organisation?: string | undefined },
): Promise<EngagementList> {
  return snapshot(read, async (at) => {
    const { asOfMs, rootSize } = await viewOf(at, publishedMs);
    const states = await countStates(at, asOfMs, organisation);
    let query = at
      .selectFrom('review_engagements')
      .select(['position', 'state'])
      .where('position', '>', after);
    if (organisation !== undefined) query = query.where('organisation', '=', organisation);
    const rows = await query
      .orderBy('position')
      .limit(limit + 1)
      .execute();
    const { next, shown } = pageOf(rows, limit);
    return {
      rootSize,
      asOfMs,
      count: Object.values(states).reduce((sum, some) => sum + some, 0),
      states,
      engagements: shown.map(({ state }) => engagementSummary(storedEngagement.parse(state), asOfMs)),
      next,
    };
  });
}

type States = Record<EngagementState, number>;

async function countStates(at: ReadTx, asOfMs: number, organisation: string | undefined): Promise<States> {
  let query = at
    .selectFrom('review_engagements')
    .select(({ eb, fn }) => [
      eb
        .case()
        .when('from_ms', '>', asOfMs)
        .then(eb.ref('before'))
        .when('until_ms', '>', asOfMs)
        .then(eb.ref('during'))
        .else(eb.ref('after'))
        .end()
        .as('standing'),
      fn.countAll<number>().as('count'),
    ]);
  if (organisation !== undefined) query = query.where('organisation', '=', organisation);
  const states: States = {
    requested: 0,
    granted: 0,
    denied: 0,
    accepted: 0,
    open: 0,
    over: 0,
    finished: 0,
    withdrawn: 0,
    revoked: 0,
  };
  for (const { count, standing } of await query.groupBy('standing').execute()) states[standing] = count;
  return states;
}

/** @param part of the findings that everybody may know; `after`: a number */
export function findEngagement(
  read: ReadDb,
  publishedMs: number,
  id: string,
  part: Part,
): Promise<EngagementDetail | undefined> {
  return snapshot(read, async (at) => {
    const { asOfMs, rootSize } = await viewOf(at, publishedMs);
    const row = await at
      .selectFrom('review_engagements')
      .select('state')
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const opinions = await at
      .selectFrom('review_opinions')
      .select('id')
      .where('engagement', '=', id)
      .orderBy('position')
      .execute();
    const engagement = engagementOf(storedEngagement.parse(row.state), asOfMs, {
      findings: await findingsOf(at, id, asOfMs, part),
      said: await saidIn(at, id),
      opinions: opinions.map((each) => each.id),
    });
    return { rootSize, asOfMs, engagement };
  });
}

async function findingsOf(
  at: ReadTx,
  engagement: string,
  asOfMs: number,
  { after = 0, limit }: Part,
): Promise<EngagementDetail['engagement']['findings']> {
  const counted = await at
    .selectFrom('review_findings')
    .select(({ fn }) => ['grade', 'standing', fn.countAll<number>().as('count')])
    .where('engagement', '=', engagement)
    .groupBy(['grade', 'standing'])
    .orderBy('grade')
    .orderBy('standing')
    .execute();
  const rows = await at
    .selectFrom('review_findings')
    .select(['number as position', 'public_from', 'state'])
    .where('engagement', '=', engagement)
    .where('public_from', '<=', asOfMs)
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit + 1)
    .execute();
  const { next, shown } = pageOf(rows, limit);
  return {
    count: counted.reduce((sum, { count }) => sum + count, 0),
    counts: counted.map(({ count, grade, standing: state }) => ({ grade, state, count })),
    public: shown.map(({ public_from: from, state }) =>
      publicFindingOf(storedFinding.parse(state), from ?? 0),
    ),
    next,
  };
}

async function saidIn(at: ReadTx, engagement: string): Promise<EngagementDetail['engagement']['said']> {
  const rows = await at
    .selectFrom('review_notes')
    .select(({ fn }) => ['predicate_type', fn.countAll<number>().as('count')])
    .where('engagement', '=', engagement)
    .groupBy('predicate_type')
    .execute();
  const counts = new Map(rows.map(({ count, predicate_type: type }) => [type, count]));
  const of = ({ predicateType }: { readonly predicateType: string }): number =>
    counts.get(predicateType) ?? 0;
  return {
    evidenceRequests: of(evidenceRequest),
    evidenceAnswers: of(evidenceAnswer),
    procedures: of(procedure),
    managementStatements: of(managementStatement),
    readings: of(reading),
  };
}

export interface OpinionQuery extends Part {
  readonly product?: string | undefined;
  /** Payload digest of a release. */
  readonly release?: string | undefined;
}

export function listOpinions(
  read: ReadDb,
  publishedMs: number,
  { after = -1, limit, ...about }: OpinionQuery,
): Promise<OpinionList> {
  return snapshot(read, async (at) => {
    const { asOfMs, rootSize } = await viewOf(at, publishedMs);
    const { count } = await opinionsAbout(at, about)
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    const rows = await opinionsAbout(at, about)
      .select(OPINION_COLUMNS)
      .where('review_opinions.position', '>', after)
      .orderBy('review_opinions.position')
      .limit(limit + 1)
      .execute();
    const { next, shown } = pageOf(rows, limit);
    return { rootSize, asOfMs, count, opinions: shown.map((row) => presentedOpinion(row, asOfMs)), next };
  });
}

export function findOpinion(
  read: ReadDb,
  publishedMs: number,
  id: string,
): Promise<OpinionDetail | undefined> {
  return snapshot(read, async (at) => {
    const { asOfMs, rootSize } = await viewOf(at, publishedMs);
    const row = await opinionsAbout(at, {})
      .select(OPINION_COLUMNS)
      .where('review_opinions.id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : { rootSize, asOfMs, opinion: presentedOpinion(row, asOfMs) };
  });
}

const OPINION_COLUMNS = [
  'review_opinions.position',
  'review_opinions.accredited',
  'review_opinions.by_vendor',
  'review_opinions.state',
  'review_organisations.state as organisation',
] as const;

function opinionsAbout(at: ReadTx, { product, release }: Pick<OpinionQuery, 'product' | 'release'>) {
  let query = at
    .selectFrom('review_opinions')
    .innerJoin('review_organisations', 'review_organisations.id', 'review_opinions.organisation');
  if (product !== undefined) query = query.where('review_opinions.product', '=', product);
  if (release !== undefined)
    query = query.where('review_opinions.id', 'in', (from) =>
      from.selectFrom('review_opinion_releases').select('opinion').where('release', '=', release),
    );
  return query;
}

function presentedOpinion(
  row: {
    readonly accredited: number;
    readonly by_vendor: number;
    readonly organisation: string;
    readonly state: string;
  },
  asOfMs: number,
) {
  return opinionOf(
    {
      opinion: storedOpinion.parse(row.state),
      organisation: storedOrganisation.parse(row.organisation),
      accredited: row.accredited === 1,
      byVendor: row.by_vendor === 1,
    },
    asOfMs,
  );
}

/** @returns of one row more than fits on a page, those that do, and where the next page begins */
function pageOf<Row extends { readonly position: number }>(
  rows: readonly Row[],
  limit: number,
): { readonly shown: readonly Row[]; readonly next: number | null } {
  const shown = rows.slice(0, limit);
  return { shown, next: rows.length > limit ? (shown.at(-1)?.position ?? null) : null };
}
