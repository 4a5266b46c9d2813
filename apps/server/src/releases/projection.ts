/** What is known of releases: folds release, artifact and withdrawal statements that the registration policy admitted. */
import { ARTIFACT_TYPE, RELEASE_TYPE, WITHDRAWAL_TYPE } from '@vitrine/statements';
import { keepSecret, publish } from '../projection/bodies.ts';
import type { Projection } from '../projection/projection.ts';

/**
 * A second release of a product's version, an artifact whose release is not there or says something else, a withdrawal
 * of what is not there: each counts for nothing although its signature is good. `fold` returns why.
 */
export const releasesProjection: Projection = {
  async fold(tx, { leafIndex, registeredAt, digest, signers, statement }) {
    switch (statement.predicateType) {
      case RELEASE_TYPE: {
        const { product, version, source, artifacts, sbom, provenance, notes, supersedes } =
          statement.predicate;
        const earlier = await tx
          .selectFrom('releases')
          .select('leaf_index')
          .where('product', '=', product)
          .where('version', '=', version)
          .executeTakeFirst();
        if (earlier !== undefined)
          return `${product} ${version} was already released by entry ${earlier.leaf_index}`;
        await tx
          .insertInto('releases')
          .values({
            leaf_index: leafIndex,
            digest,
            registered_at: registeredAt,
            product,
            version,
            source_root: source.root,
            source_files: source.files,
            artifact_count: artifacts.count,
            artifacts_shown: 0,
            artifact_list: artifacts.list,
            sbom_format: sbom?.format ?? null,
            sbom_digest: sbom?.digest ?? null,
            provenance_digest: provenance?.digest ?? null,
            notes_digest: notes?.digest ?? null,
            supersedes: supersedes ?? null,
            signers: signers.join(' '),
          })
          .execute();
        const bodies = [artifacts.list, sbom?.digest, provenance?.digest, notes?.digest].filter(
          (body) => body !== undefined,
        );
        for (const body of bodies) await publish(tx, body, leafIndex);
        await keepSecret(tx, source.manifest, leafIndex);
        return null;
      }
      case ARTIFACT_TYPE: {
        const { product, version, release, sizeBytes } = statement.predicate;
        const [subject] = statement.subject;
        const named = await tx
          .selectFrom('releases')
          .select(['product', 'version', 'artifact_count', 'artifacts_shown'])
          .where('digest', '=', release)
          .executeTakeFirst();
        if (named === undefined) return `the release ${release} that it names is not in the log before it`;
        if (named.product !== product || named.version !== version)
          return `it says ${product} ${version}, the release that it names ${named.product} ${named.version}`;
        const earlier = await tx
          .selectFrom('artifacts')
          .select('leaf_index')
          .where('release_digest', '=', release)
          .where('name', '=', subject.name)
          .executeTakeFirst();
        if (earlier !== undefined)
          return `the release has an artifact of that name in entry ${earlier.leaf_index}`;
        if (named.artifacts_shown >= named.artifact_count)
          return `the release says that it has ${named.artifact_count} artifacts, and they are there`;
        await tx
          .insertInto('artifacts')
          .values({
            leaf_index: leafIndex,
            digest,
            registered_at: registeredAt,
            release_digest: release,
            product,
            version,
            name: subject.name,
            sha256: subject.digest.sha256,
            size_bytes: sizeBytes,
          })
          .execute();
        await tx
          .updateTable('releases')
          .set({ artifacts_shown: named.artifacts_shown + 1 })
          .where('digest', '=', release)
          .execute();
        return null;
      }
      case WITHDRAWAL_TYPE: {
        const { product, version, release, reason } = statement.predicate;
        const named = await tx
          .selectFrom('releases')
          .select(['product', 'version'])
          .where('digest', '=', release)
          .executeTakeFirst();
        if (named === undefined)
          return `the release ${release} that it withdraws is not in the log before it`;
        if (named.product !== product || named.version !== version)
          return `it says ${product} ${version}, the release that it withdraws ${named.product} ${named.version}`;
        await tx
          .insertInto('withdrawals')
          .values({
            leaf_index: leafIndex,
            digest,
            registered_at: registeredAt,
            release_digest: release,
            reason_digest: reason.digest,
            signers: signers.join(' '),
          })
          .execute();
        await publish(tx, reason.digest, leafIndex);
        return null;
      }
      default:
        return null;
    }
  },
};
