/** What is known of releases: judges release, artifact and withdrawal statements that the registration policy admitted. */
import {
  ARTIFACT_TYPE,
  RELEASE_TYPE,
  whyNoArtifact,
  whyNoRelease,
  whyNoWithdrawal,
  WITHDRAWAL_TYPE,
} from '@vitrine/statements';
import { NOTHING } from '../projection/projection.ts';
import type { Projection } from '../projection/projection.ts';
import type { Fact, ReadTx } from '../projection/schema.ts';

/**
 * A second release of a product's version, an artifact whose release is not there or says something else, a withdrawal
 * of what is not there: each counts for nothing although its signature is good. `fold` says why.
 */
export const releasesProjection: Projection = {
  name: 'releases',
  createTables,
  async fold(tx, { leafIndex, registeredAt, digest, signers, statement }) {
    switch (statement.predicateType) {
      case RELEASE_TYPE: {
        const { product, version, source, artifacts, sbom, provenance, notes, supersedes } =
          statement.predicate;
        const earlier = await tx
          .selectFrom('releases')
          .select('leaf_index as leafIndex')
          .where('product', '=', product)
          .where('version', '=', version)
          .executeTakeFirst();
        const refusal = whyNoRelease(statement.predicate, earlier);
        if (refusal !== undefined) return { refusal };
        const bodies = [artifacts.list, sbom?.digest, provenance?.digest, notes?.digest].filter(
          (body) => body !== undefined,
        );
        return {
          facts: [
            {
              fact: 'released',
              row: {
                leaf_index: leafIndex,
                digest,
                registered_at: registeredAt,
                product,
                version,
                source_root: source.root,
                source_files: source.files,
                artifact_count: artifacts.count,
                artifact_list: artifacts.list,
                sbom_format: sbom?.format ?? null,
                sbom_digest: sbom?.digest ?? null,
                provenance_digest: provenance?.digest ?? null,
                notes_digest: notes?.digest ?? null,
                supersedes: supersedes ?? null,
                signers: signers.join(' '),
              },
            },
            ...bodies.map((body): Fact => published(body, leafIndex)),
            { fact: 'body-kept-secret', row: { digest: source.manifest, leaf_index: leafIndex } },
          ],
        };
      }
      case ARTIFACT_TYPE: {
        const { product, version, release, sizeBytes } = statement.predicate;
        const [subject] = statement.subject;
        const named = await tx
          .selectFrom('releases')
          .select([
            'product',
            'version',
            'artifact_count as artifactCount',
            'artifacts_shown as artifactsShown',
          ])
          .where('digest', '=', release)
          .executeTakeFirst();
        const earlier = await tx
          .selectFrom('artifacts')
          .select('leaf_index as leafIndex')
          .where('release_digest', '=', release)
          .where('name', '=', subject.name)
          .executeTakeFirst();
        const refusal = whyNoArtifact(statement.predicate, named, earlier);
        if (refusal !== undefined) return { refusal };
        return {
          facts: [
            {
              fact: 'artifact-released',
              row: {
                leaf_index: leafIndex,
                digest,
                registered_at: registeredAt,
                release_digest: release,
                product,
                version,
                name: subject.name,
                sha256: subject.digest.sha256,
                size_bytes: sizeBytes,
              },
            },
          ],
        };
      }
      case WITHDRAWAL_TYPE: {
        const { release, reason } = statement.predicate;
        const named = await tx
          .selectFrom('releases')
          .select(['product', 'version'])
          .where('digest', '=', release)
          .executeTakeFirst();
        const refusal = whyNoWithdrawal(statement.predicate, named);
        if (refusal !== undefined) return { refusal };
        return {
          facts: [
            {
              fact: 'withdrawn',
              row: {
                leaf_index: leafIndex,
                digest,
                registered_at: registeredAt,
                release_digest: release,
                reason_digest: reason.digest,
                signers: signers.join(' '),
              },
            },
            published(reason.digest, leafIndex),
          ],
        };
      }
      default:
        return NOTHING;
    }
  },

  async record(tx, fact) {
    switch (fact.fact) {
      case 'released':
        await tx
          .insertInto('releases')
          .values({ ...fact.row, artifacts_shown: 0 })
          .execute();
        break;
      case 'artifact-released':
        await tx.insertInto('artifacts').values(fact.row).execute();
        await tx
          .updateTable('releases')
          .set((build) => ({ artifacts_shown: build('artifacts_shown', '+', 1) }))
          .where('digest', '=', fact.row.release_digest)
          .execute();
        break;
      case 'withdrawn':
        await tx.insertInto('withdrawals').values(fact.row).execute();
        break;
    }
  },
};

function published(digest: string, leafIndex: number): Fact {
  return { fact: 'body-published', row: { digest, leaf_index: leafIndex } };
}

async function createTables({ schema }: ReadTx): Promise<void> {
  await schema
    .createTable('releases')
    .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull().unique())
    .addColumn('registered_at', 'bigint', (column) => column.notNull())
    .addColumn('product', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('source_root', 'text', (column) => column.notNull())
    .addColumn('source_files', 'bigint', (column) => column.notNull())
    .addColumn('artifact_count', 'bigint', (column) => column.notNull())
    .addColumn('artifacts_shown', 'bigint', (column) => column.notNull())
    .addColumn('artifact_list', 'text', (column) => column.notNull())
    .addColumn('sbom_format', 'text')
    .addColumn('sbom_digest', 'text')
    .addColumn('provenance_digest', 'text')
    .addColumn('notes_digest', 'text')
    .addColumn('supersedes', 'text')
    .addColumn('signers', 'text', (column) => column.notNull())
    .addUniqueConstraint('releases_product_version', ['product', 'version'])
    .execute();
  await schema
    .createIndex('releases_product_leaf_index')
    .on('releases')
    .columns(['product', 'leaf_index'])
    .execute();
  await schema
    .createIndex('releases_product_supersedes')
    .on('releases')
    .columns(['product', 'supersedes'])
    .execute();
  await schema.createIndex('releases_source_root').on('releases').column('source_root').execute();
  await schema
    .createTable('artifacts')
    .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull().unique())
    .addColumn('registered_at', 'bigint', (column) => column.notNull())
    .addColumn('release_digest', 'text', (column) => column.notNull())
    .addColumn('product', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('sha256', 'text', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('artifacts_release_name', ['release_digest', 'name'])
    .execute();
  await schema.createIndex('artifacts_sha256').on('artifacts').columns(['sha256', 'leaf_index']).execute();
  await schema
    .createTable('withdrawals')
    .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('registered_at', 'bigint', (column) => column.notNull())
    .addColumn('release_digest', 'text', (column) => column.notNull())
    .addColumn('reason_digest', 'text', (column) => column.notNull())
    .addColumn('signers', 'text', (column) => column.notNull())
    .execute();
  await schema.createIndex('withdrawals_release').on('withdrawals').column('release_digest').execute();
}
