/** What a release says: its statements, drafted from its contents once the snapshot secret is known, and the objects that they name. */
import { formatManifest, manifestOf, snapshotRootOf } from '@vitrine/source';
import { artifactStatement, formatStatement, payloadDigestOf, releaseStatement } from '@vitrine/statements';
import type { ArtifactStatement, ReleaseStatement } from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import { document } from './release-contents.ts';
import type { Document, ReleaseContents } from './release-contents.ts';

/** How a release is called. */
export interface ReleaseNaming {
  readonly product: string;
  /** The version. */
  readonly release: string;
  readonly supersedes?: string;
}

/** What is signed, once the snapshot secret is known. */
export interface ReleaseDraft {
  readonly manifest: Document;
  readonly release: ReleaseStatement;
  readonly releaseDigest: string;
  readonly artifacts: readonly { readonly statement: ArtifactStatement; readonly digest: string }[];
}

/** @param log origin of the statements log @param secret 32 bytes */
export function draftRelease(
  { product, release: version, supersedes }: ReleaseNaming,
  { entries, artifacts, artifactList, sbom, provenance, notes }: ReleaseContents,
  log: string,
  secret: Uint8Array,
): ReleaseDraft {
  const snapshot = manifestOf(secret, entries);
  const manifest = document('source manifest', formatManifest(snapshot));
  const release = releaseStatement({
    log,
    product,
    version,
    source: { root: encodeHex(snapshotRootOf(snapshot)), files: entries.length, manifest: manifest.digest },
    artifacts: { count: artifacts.length, list: artifactList.digest },
    ...(sbom === undefined ? {} : { sbom: { format: sbom.summary.format, digest: sbom.digest } }),
    ...(provenance === undefined ? {} : { provenance: { digest: provenance.digest } }),
    ...(notes === undefined ? {} : { notes: { digest: notes.digest } }),
    ...(supersedes === undefined ? {} : { supersedes }),
  });
  const releaseDigest = payloadDigestOf(formatStatement(release));
  return {
    manifest,
    release,
    releaseDigest,
    artifacts: artifacts.map(({ name, sha256, sizeBytes }) => {
      const statement = artifactStatement(
        { name, sha256 },
        { log, product, version, release: releaseDigest, sizeBytes },
      );
      return { statement, digest: payloadDigestOf(formatStatement(statement)) };
    }),
  };
}

/** The documents that anyone may read. */
export function publicDocuments({ artifactList, sbom, provenance, notes }: ReleaseContents): Document[] {
  return [artifactList, sbom, provenance, notes].filter((one) => one !== undefined);
}

/** The digests of everything that the vault must hold: what anyone may read is sent as public, even where it is a source file too. */
export function objectDigests(
  contents: ReleaseContents,
  draft: ReleaseDraft,
): { readonly public: ReadonlySet<string>; readonly secret: ReadonlySet<string> } {
  const named = new Set([
    ...contents.artifacts.map(({ sha256 }) => sha256),
    ...publicDocuments(contents).map(({ digest }) => digest),
  ]);
  const source = [...contents.entries.map(({ digest }) => digest), draft.manifest.digest];
  return { public: named, secret: new Set(source.filter((digest) => !named.has(digest))) };
}

/** The bytes of the objects among `digests`, each counted once. */
export function objectBytes(
  contents: ReleaseContents,
  draft: ReleaseDraft,
  digests: ReadonlySet<string>,
): number {
  const sizes = new Map<string, number>();
  for (const { digest, sizeBytes } of contents.entries) sizes.set(digest, sizeBytes);
  for (const { sha256, sizeBytes } of contents.artifacts) sizes.set(sha256, sizeBytes);
  for (const { digest, bytes } of [draft.manifest, ...publicDocuments(contents)])
    sizes.set(digest, bytes.length);
  let total = 0;
  for (const digest of digests) total += sizes.get(digest) ?? 0;
  return total;
}
