/** The tables of reviews: how they are made, and what each fact means there. */
import type { Fact, ReadTx } from '../projection/schema.ts';

export async function createReviewTables({ schema }: ReadTx): Promise<void> {
  await schema
    .createTable('review_statements')
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('entry_index', 'bigint', (column) => column.notNull())
    .addColumn('head_index', 'bigint', (column) => column.notNull())
    .addColumn('said_at', 'bigint', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('predicate_type', 'text', (column) => column.notNull())
    .addColumn('signer', 'text', (column) => column.notNull())
    .addColumn('refusal', 'text')
    .addPrimaryKeyConstraint('review_statements_key', ['origin', 'entry_index'])
    .execute();
  await schema.createIndex('review_statements_digest').on('review_statements').column('digest').execute();
  await schema
    .createTable('review_organisations')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull().unique())
    .addColumn('state', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('review_liaisons')
    .addColumn('keyid', 'text', (column) => column.notNull())
    .addColumn('organisation', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('review_liaisons_key', ['keyid', 'organisation'])
    .execute();
  await schema
    .createTable('review_accreditations')
    .addColumn('digest', 'text', (column) => column.primaryKey())
    .addColumn('organisation', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('review_engagements')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull().unique())
    .addColumn('organisation', 'text', (column) => column.notNull())
    .addColumn('from_ms', 'bigint', (column) => column.notNull())
    .addColumn('until_ms', 'bigint', (column) => column.notNull())
    .addColumn('before', 'text', (column) => column.notNull())
    .addColumn('during', 'text', (column) => column.notNull())
    .addColumn('after', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createIndex('review_engagements_organisation')
    .on('review_engagements')
    .columns(['organisation', 'position'])
    .execute();
  await schema
    .createTable('review_findings')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('engagement', 'text', (column) => column.notNull())
    .addColumn('number', 'bigint', (column) => column.notNull())
    .addColumn('grade', 'text', (column) => column.notNull())
    .addColumn('standing', 'text', (column) => column.notNull())
    .addColumn('public_from', 'bigint')
    .addColumn('state', 'text', (column) => column.notNull())
    .addUniqueConstraint('review_findings_number', ['engagement', 'number'])
    .execute();
  await schema
    .createTable('review_wordings')
    .addColumn('digest', 'text', (column) => column.primaryKey())
    .addColumn('finding', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('review_opinions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull().unique())
    .addColumn('engagement', 'text', (column) => column.notNull())
    .addColumn('organisation', 'text', (column) => column.notNull())
    .addColumn('product', 'text')
    .addColumn('accredited', 'integer', (column) => column.notNull())
    .addColumn('by_vendor', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createIndex('review_opinions_engagement')
    .on('review_opinions')
    .columns(['engagement', 'position'])
    .execute();
  await schema
    .createIndex('review_opinions_product')
    .on('review_opinions')
    .columns(['product', 'position'])
    .execute();
  await schema
    .createTable('review_opinion_releases')
    .addColumn('release', 'text', (column) => column.notNull())
    .addColumn('opinion', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('review_opinion_releases_key', ['release', 'opinion'])
    .execute();
  await schema
    .createTable('review_notes')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('engagement', 'text', (column) => column.notNull())
    .addColumn('predicate_type', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createIndex('review_notes_engagement')
    .on('review_notes')
    .columns(['engagement', 'predicate_type'])
    .execute();
}

export async function recordReview(tx: ReadTx, fact: Fact): Promise<void> {
  switch (fact.fact) {
    case 'review-said':
      await tx.insertInto('review_statements').values(fact.row).execute();
      break;
    case 'organisation-known':
      await tx
        .insertInto('review_organisations')
        .values(fact.row)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(fact.row))
        .execute();
      break;
    case 'liaison-named':
      await tx
        .insertInto('review_liaisons')
        .values(fact.row)
        .onConflict((conflict) => conflict.columns(['keyid', 'organisation']).doNothing())
        .execute();
      break;
    case 'accreditation-given':
      await tx.insertInto('review_accreditations').values(fact.row).execute();
      break;
    case 'engagement-known':
      await tx
        .insertInto('review_engagements')
        .values(fact.row)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(fact.row))
        .execute();
      break;
    case 'finding-known':
      await tx
        .insertInto('review_findings')
        .values(fact.row)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(fact.row))
        .execute();
      break;
    case 'finding-worded':
      await tx.insertInto('review_wordings').values(fact.row).execute();
      break;
    case 'opinion-known':
      await tx
        .insertInto('review_opinions')
        .values(fact.row)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(fact.row))
        .execute();
      break;
    case 'release-judged':
      await tx.insertInto('review_opinion_releases').values(fact.row).execute();
      break;
    case 'note-known':
      await tx.insertInto('review_notes').values(fact.row).execute();
      break;
    default:
  }
}
