/** What is known of reviews: the step of @vitrine/reviews, with what is known in tables. What has no standing is kept with the reason why it counts for nothing. */
import {
  accreditationsAt,
  type Capacity,
  capacityOf,
  type Change,
  type Engagement,
  engagementState,
  type Finding,
  findingState,
  grantOf,
  isOwnOpinion,
  isReviewSaying,
  type Known,
  type Opinion,
  publicFromMs,
  type ReviewSaying,
  type Surroundings,
  sayOfReviews,
  type Told,
  wordingOf,
} from '@vitrine/reviews';
import { holdsRole, LIAISON_ROLE } from '@vitrine/statements';
import { accreditation, finding, keyidOfSpeaker, member, opinion } from '@vitrine/statements/intake';
import type { Entered, Projection } from '../projection/projection.ts';
import { NOTHING } from '../projection/projection.ts';
import type { Fact, ReadTx } from '../projection/schema.ts';
import { knownIn } from './known.ts';
import { storedEngagement, storedFinding, storedNote, storedOpinion, storedOrganisation } from './stored.ts';
import { createReviewTables, recordReview } from './recording.ts';

export const reviewsProjection: Projection = {
  name: 'reviews',
  createTables: createReviewTables,
  fold: () => Promise.resolve(NOTHING),
  foldEntered,
  record: recordReview,
};

async function foldEntered(tx: ReadTx, entered: Entered): Promise<readonly Fact[]> {
  const { digest, entryIndex, head, origin, saidAt, signer, statement } = entered;
  if (!isReviewSaying(statement)) return [];
  const known = knownIn(tx);
  const surroundings = surroundingsOf(entered);
  const told: Told<ReviewSaying> = {
    statement,
    entry: { origin, leafIndex: entryIndex },
    atMs: head.registeredAt,
    saidAtMs: saidAt,
    digest,
    signer,
  };
  const capacity: Capacity = await capacityOf(known, told, surroundings);
  const outcome = await sayOfReviews(known, told, capacity);
  const { refusal } = outcome;
  const row = {
    origin,
    entry_index: entryIndex,
    head_index: head.leafIndex,
    said_at: saidAt,
    digest,
    predicate_type: statement.predicateType,
    signer,
    refusal: refusal === undefined ? null : `${refusal.reason} (${refusal.code})`,
  };
  const said: Fact = { fact: 'review-said', row };
  if (outcome.refusal !== undefined) return [said];
  const state = await factOf(tx, outcome.state, { known, surroundings, told });
  return [said, state, ...indexFacts(told, outcome.state)];
}

/** As of the head, and of the keys log as far as it is anchored then. */
function surroundingsOf({ head, intakeKey }: Entered): Surroundings {
  const { keys, leafIndex, registeredAt: atMs } = head;
  return {
    intakeKey,
    isLiaison: (keyid, product) =>
      holdsRole(keys, keyid, { role: LIAISON_ROLE, product }, { leafIndex, atMs }),
    isVendorKey: (keyid) => (keys.keys.get(keyid)?.addedAtMs ?? Infinity) <= atMs,
  };
}

interface Saying {
  readonly known: Known;
  readonly surroundings: Surroundings;
  readonly told: Told<ReviewSaying>;
}

async function factOf(tx: ReadTx, change: Change, saying: Saying): Promise<Fact> {
  switch (change.of) {
    case 'organisation': {
      const { state } = change;
      const position = await positionOf(tx, 'review_organisations', state.id);
      return {
        fact: 'organisation-known',
        row: { id: state.id, position, state: storedOrganisation.format(state) },
      };
    }
    case 'engagement':
      return {
        fact: 'engagement-known',
        row: engagementRow(change.state, await positionOf(tx, 'review_engagements', change.state.id)),
      };
    case 'finding':
      return { fact: 'finding-known', row: findingRow(change.state) };
    case 'opinion':
      return { fact: 'opinion-known', row: await opinionRow(tx, change.state, saying) };
    case 'note': {
      const { state } = change;
      return {
        fact: 'note-known',
        row: {
          id: state.id,
          engagement: state.engagement,
          predicate_type: state.statement.predicateType,
          state: storedNote.format(state),
        },
      };
    }
  }
}

/** By what the thing can be found from now on, besides its own name. */
function indexFacts({ digest, statement }: Told<ReviewSaying>, { state }: Change): readonly Fact[] {
  const { predicate, predicateType } = statement;
  switch (predicateType) {
    case member.predicateType:
      return predicate.roles.includes('liaison')
        ? [
            {
              fact: 'liaison-named',
              row: { keyid: keyidOfSpeaker(predicate.member), organisation: state.id },
            },
          ]
        : [];
    case accreditation.predicateType:
      return [{ fact: 'accreditation-given', row: { digest, organisation: state.id } }];
    case finding.predicateType:
      return [{ fact: 'finding-worded', row: { digest, finding: state.id } }];
    case opinion.predicateType:
      return predicate.releases.map((release) => ({
        fact: 'release-judged',
        row: { release, opinion: state.id },
      }));
    default:
      return [];
  }
}

/** Where it stands in the order in which they became known. */
async function positionOf(
  tx: ReadTx,
  table: 'review_engagements' | 'review_opinions' | 'review_organisations',
  id: string,
): Promise<number> {
  const known = await tx.selectFrom(table).select('position').where('id', '=', id).executeTakeFirst();
  if (known !== undefined) return known.position;
  const last = await tx
    .selectFrom(table)
    .select('position')
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  return (last?.position ?? -1) + 1;
}

function engagementRow(state: Engagement, position: number) {
  const { from, until } = grantOf(state)?.said.period ?? state.request.period;
  return {
    id: state.id,
    position,
    organisation: state.request.organisation,
    from_ms: from,
    until_ms: until,
    before: engagementState(state, from - 1),
    during: engagementState(state, from),
    after: engagementState(state, until),
    state: storedEngagement.format(state),
  };
}

function findingRow(state: Finding) {
  return {
    id: state.id,
    engagement: state.engagement,
    number: state.number,
    grade: wordingOf(state).said.grade,
    standing: findingState(state),
    public_from: publicFromMs(state) ?? null,
    state: storedFinding.format(state),
  };
}

/** What its organisation was when it gave it stays as it was, whatever is said of it later. */
async function opinionRow(tx: ReadTx, state: Opinion, { known, surroundings, told }: Saying) {
  const { id, said } = state;
  const before = await tx
    .selectFrom('review_opinions')
    .select(['accredited', 'by_vendor'])
    .where('id', '=', id)
    .executeTakeFirst();
  const organisation = await known.organisation(said.organisation);
  if (organisation === undefined) throw new TypeError('an opinion that counts is one of an organisation');
  const { statement } = told;
  const isOwn =
    statement.predicateType === opinion.predicateType &&
    (await isOwnOpinion(known, organisation, { ...told, statement }, surroundings));
  return {
    id,
    position: await positionOf(tx, 'review_opinions', id),
    engagement: said.engagement,
    organisation: said.organisation,
    product: said.product ?? null,
    accredited: before?.accredited ?? (accreditationsAt(organisation, state.atMs).length > 0 ? 1 : 0),
    by_vendor: before?.by_vendor ?? (isOwn ? 1 : 0),
    state: storedOpinion.format(state),
  };
}
