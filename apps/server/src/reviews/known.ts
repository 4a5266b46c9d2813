/** What a fold of reviews reads, from the tables. */
import { type Finding, hasLiaison, type Known, type Organisation } from '@vitrine/reviews';
import type { ReadTx } from '../projection/schema.ts';
import { storedEngagement, storedFinding, storedOpinion, storedOrganisation } from './stored.ts';

export function knownIn(tx: ReadTx): Known {
  async function organisation(id: string): Promise<Organisation | undefined> {
    const row = await tx
      .selectFrom('review_organisations')
      .select('state')
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : storedOrganisation.parse(row.state);
  }

  function findingOf(row: { readonly state: string } | undefined): Finding | undefined {
    return row === undefined ? undefined : storedFinding.parse(row.state);
  }

  return {
    organisation,
    async hasCounted(digest) {
      const row = await tx
        .selectFrom('review_statements')
        .select('digest')
        .where('digest', '=', digest)
        .where('refusal', 'is', null)
        .executeTakeFirst();
      return row !== undefined;
    },
    async liaisonOf(keyid) {
      const rows = await tx
        .selectFrom('review_liaisons')
        .innerJoin('review_organisations', 'review_organisations.id', 'review_liaisons.organisation')
        .select('state')
        .where('keyid', '=', keyid)
        .orderBy('position')
        .execute();
      return rows
        .map(({ state }) => storedOrganisation.parse(state))
        .filter((known) => hasLiaison(known, keyid));
    },
    async accredited(accreditation) {
      const row = await tx
        .selectFrom('review_accreditations')
        .select('organisation')
        .where('digest', '=', accreditation)
        .executeTakeFirst();
      return row === undefined ? undefined : organisation(row.organisation);
    },
    async engagement(id) {
      const row = await tx
        .selectFrom('review_engagements')
        .select('state')
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? undefined : storedEngagement.parse(row.state);
    },
    async finding(digest) {
      return findingOf(
        await tx
          .selectFrom('review_wordings')
          .innerJoin('review_findings', 'review_findings.id', 'review_wordings.finding')
          .select('state')
          .where('digest', '=', digest)
          .executeTakeFirst(),
      );
    },
    async findingNumbered(engagement, number) {
      return findingOf(
        await tx
          .selectFrom('review_findings')
          .select('state')
          .where('engagement', '=', engagement)
          .where('number', '=', number)
          .executeTakeFirst(),
      );
    },
    async opinion(id) {
      const row = await tx
        .selectFrom('review_opinions')
        .select('state')
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? undefined : storedOpinion.parse(row.state);
    },
  };
}
