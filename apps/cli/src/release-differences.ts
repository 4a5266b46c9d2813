/** In what a release differs from one of the same version that is registered. */
import type { Release } from '@vitrine/api';
import type { ReleaseContents } from './release-contents.ts';
import type { ReleaseDraft, ReleaseNaming } from './release-draft.ts';
import { printable } from './printable.ts';

/**
 * One phrase a difference; none when nothing that the centre shows differs.
 * @param draft made with the secret of the registered release; without it sources cannot be compared
 */
export function differencesFrom(
  registered: Release,
  { supersedes }: ReleaseNaming,
  { artifacts, sbom, provenance, notes, entries }: ReleaseContents,
  draft: ReleaseDraft | undefined,
): string[] {
  const found: string[] = [];
  if (draft !== undefined && registered.sourceRoot !== draft.release.predicate.source.root)
    found.push(`the source differs (${registered.sourceFiles} files there, ${entries.length} here)`);
  const theirs = new Map(registered.artifacts.map((artifact) => [artifact.name, artifact]));
  for (const { name, sha256 } of artifacts) {
    const other = theirs.get(name);
    if (other === undefined) found.push(`the artifact ${name} is new`);
    else if (other.sha256 !== sha256) found.push(`the artifact ${name} differs`);
    theirs.delete(name);
  }
  for (const name of theirs.keys()) found.push(`the artifact ${name} is not given`);
  for (const [what, there, here] of [
    ['SBOM', registered.sbom?.digest, sbom?.digest],
    ['provenance', registered.provenance, provenance?.digest],
    ['notes', registered.notes, notes?.digest],
    ['superseded version', registered.supersedes, supersedes],
  ] as const)
    if ((there ?? undefined) !== here)
      found.push(
        `the ${what} ${here === undefined ? 'is not given' : (there ?? undefined) === undefined ? 'is new' : 'differs'}`,
      );
  return found.map(printable);
}
