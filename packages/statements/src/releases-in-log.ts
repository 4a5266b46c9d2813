// Which statements about releases count: what is admitted may still say what is not so. Pure: the read models of a server and whoever
// recomputes them from the log look up what stands before the statement, and ask here.

import type { ArtifactPredicate, ReleasePredicate, WithdrawalPredicate } from './predicates/releases.ts';

/** A release that counts. */
export interface ReleaseInLog {
  readonly product: string;
  readonly version: string;
  /** How many artifacts it says that it has. */
  readonly artifactCount: number;
  /** How many of them stand in the log. */
  readonly artifactsShown: number;
}

/** An entry of the root log that counts. */
interface Earlier {
  readonly leafIndex: number;
}

/** @param earlier the release of this version of the product, if there is one @returns why it counts for nothing; undefined when it counts */
export function whyNoRelease(
  { product, version }: Pick<ReleasePredicate, 'product' | 'version'>,
  earlier: Earlier | undefined,
): string | undefined {
  return earlier === undefined
    ? undefined
    : `${product} ${version} was already released by entry ${earlier.leafIndex}`;
}

/**
 * @param named the release with the digest that it names, if there is one
 * @param earlier the artifact of that release with the same name, if there is one
 */
export function whyNoArtifact(
  predicate: Pick<ArtifactPredicate, 'product' | 'release' | 'version'>,
  named: ReleaseInLog | undefined,
  earlier: Earlier | undefined,
): string | undefined {
  if (named === undefined)
    return `the release ${predicate.release} that it names is not in the log before it`;
  if (isOther(predicate, named))
    return `it says ${nameOf(predicate)}, the release that it names ${nameOf(named)}`;
  if (earlier !== undefined) return `the release has an artifact of that name in entry ${earlier.leafIndex}`;
  return named.artifactsShown >= named.artifactCount
    ? `the release says that it has ${named.artifactCount} artifacts, and they are there`
    : undefined;
}

/** @param named the release with the digest that it withdraws, if there is one */
export function whyNoWithdrawal(
  predicate: Pick<WithdrawalPredicate, 'product' | 'release' | 'version'>,
  named: Pick<ReleaseInLog, 'product' | 'version'> | undefined,
): string | undefined {
  if (named === undefined)
    return `the release ${predicate.release} that it withdraws is not in the log before it`;
  return isOther(predicate, named)
    ? `it says ${nameOf(predicate)}, the release that it withdraws ${nameOf(named)}`
    : undefined;
}

type Named = Pick<ReleaseInLog, 'product' | 'version'>;

function isOther(one: Named, other: Named): boolean {
  return one.product !== other.product || one.version !== other.version;
}

function nameOf({ product, version }: Named): string {
  return `${product} ${version}`;
}
