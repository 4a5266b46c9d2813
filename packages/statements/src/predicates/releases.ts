// What a vendor says of its releases: that one exists, which files belong to it, that it is withdrawn.

import * as v from 'valibot';
import { formatCanonicalJson, parseCanonicalJson } from '../canonical-json.ts';
import { StatementError } from '../error.ts';
import { artifactName, count, logOrigin, productName, sha256Hex, versionName } from '../scalars.ts';
import { STATEMENT_TYPE, statementOf, subject } from './in-toto.ts';
import { explainIssues } from '../schema-issue.ts';

export const RELEASE_TYPE = 'https://vitrine.dev/release/v1';
export const ARTIFACT_TYPE = 'https://vitrine.dev/artifact/v1';
export const WITHDRAWAL_TYPE = 'https://vitrine.dev/withdrawal/v1';

const body = v.strictObject({ digest: sha256Hex });

const releasePredicate = v.pipe(
  v.strictObject({
    artifacts: v.strictObject({ count, list: sha256Hex }),
    log: logOrigin,
    notes: v.exactOptional(body),
    product: productName,
    provenance: v.exactOptional(body),
    sbom: v.exactOptional(v.strictObject({ digest: sha256Hex, format: v.picklist(['cyclonedx', 'spdx']) })),
    source: v.strictObject({ files: count, manifest: sha256Hex, root: sha256Hex }),
    supersedes: v.exactOptional(versionName),
    version: versionName,
  }),
  v.check(({ supersedes, version }) => supersedes !== version, 'a release cannot supersede itself'),
);

const artifactPredicate = v.strictObject({
  log: logOrigin,
  product: productName,
  release: sha256Hex,
  sizeBytes: count,
  version: versionName,
});

const withdrawalPredicate = v.strictObject({
  log: logOrigin,
  product: productName,
  reason: body,
  release: sha256Hex,
  version: versionName,
});

export const releaseSchema = v.pipe(
  statementOf(RELEASE_TYPE, subject(v.literal('source'), { vitrineSnapshot: sha256Hex }), releasePredicate),
  v.check(
    (statement) => statement.subject[0].digest.vitrineSnapshot === statement.predicate.source.root,
    'the subject is not the source that the predicate names',
  ),
);

export const artifactSchema = statementOf(
  ARTIFACT_TYPE,
  subject(artifactName, { sha256: sha256Hex }),
  artifactPredicate,
);

export const withdrawalSchema = v.pipe(
  statementOf(WITHDRAWAL_TYPE, subject(v.literal('release'), { sha256: sha256Hex }), withdrawalPredicate),
  v.check(
    (statement) => statement.subject[0].digest.sha256 === statement.predicate.release,
    'the subject is not the release that the predicate names',
  ),
);

export type ReleaseStatement = v.InferOutput<typeof releaseSchema>;
export type ArtifactStatement = v.InferOutput<typeof artifactSchema>;
export type WithdrawalStatement = v.InferOutput<typeof withdrawalSchema>;
export type ReleasePredicate = v.InferOutput<typeof releasePredicate>;
export type ArtifactPredicate = v.InferOutput<typeof artifactPredicate>;
export type WithdrawalPredicate = v.InferOutput<typeof withdrawalPredicate>;

/** That a product has this release. `log` is the origin of the statements log it is written for. */
export function releaseStatement(predicate: ReleasePredicate): ReleaseStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: RELEASE_TYPE,
    subject: [{ digest: { vitrineSnapshot: predicate.source.root }, name: 'source' }],
  };
}

/** That a file belongs to a release, which `release` names by the digest of its payload. */
export function artifactStatement(
  file: { readonly name: string; readonly sha256: string },
  predicate: ArtifactPredicate,
): ArtifactStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: ARTIFACT_TYPE,
    subject: [{ digest: { sha256: file.sha256 }, name: file.name }],
  };
}

/** That a release is withdrawn, for the reason in a public body. */
export function withdrawalStatement(predicate: WithdrawalPredicate): WithdrawalStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: WITHDRAWAL_TYPE,
    subject: [{ digest: { sha256: predicate.release }, name: 'release' }],
  };
}

const listedArtifact = v.strictObject({ name: artifactName, sha256: sha256Hex, sizeBytes: count });

/** A line of the public body that `artifacts.list` of a release names. */
export type ListedArtifact = v.InferOutput<typeof listedArtifact>;

/** The largest list of artifacts accepted, in bytes. */
export const MAX_ARTIFACT_LIST_BYTES = 4 * 1024 * 1024;

/**
 * The public body that `artifacts.list` of a release names: every artifact, sorted by name.
 *
 * @throws StatementError `malformed-body` if a name stands twice or a value is malformed
 */
export function formatArtifactList(artifacts: readonly ListedArtifact[]): Uint8Array {
  const sorted = artifacts
    .map(({ name, sha256, sizeBytes }) => ({ name, sha256, sizeBytes }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const bytes = formatCanonicalJson(sorted);
  parseArtifactList(bytes);
  return bytes;
}

/**
 * The inverse of formatArtifactList.
 *
 * @throws StatementError `too-large`, `malformed-json`, `not-canonical-json`, `malformed-body`
 */
export function parseArtifactList(bytes: Uint8Array): readonly ListedArtifact[] {
  const parsed = v.safeParse(
    v.array(listedArtifact),
    parseCanonicalJson(bytes, { maxBytes: MAX_ARTIFACT_LIST_BYTES, maxDepth: 2 }),
  );
  if (!parsed.success) {
    throw new StatementError('malformed-body', `not a list of artifacts: ${explainIssues(parsed.issues)}`);
  }
  const artifacts = parsed.output;
  if (!artifacts.every(({ name }, i) => i === 0 || (artifacts[i - 1]?.name ?? '') < name)) {
    throw new StatementError(
      'malformed-body',
      'the list of artifacts is not sorted by name, or a name stands twice',
    );
  }
  return artifacts;
}
