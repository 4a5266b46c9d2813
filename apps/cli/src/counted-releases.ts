/** Which statements about releases count, as far as the log has been read. */
import {
  ARTIFACT_TYPE,
  RELEASE_TYPE,
  whyNoArtifact,
  whyNoRelease,
  whyNoWithdrawal,
  WITHDRAWAL_TYPE,
} from '@vitrine/statements';
import type { ReleaseInLog, RootStatement } from '@vitrine/statements';

interface Counted extends Omit<ReleaseInLog, 'artifactsShown'> {
  readonly leafIndex: number;
  /** By name, the entry of each artifact. */
  readonly artifacts: Map<string, number>;
}

/** Told of admitted statements in the order of the log. */
export class CountedReleases {
  readonly #byDigest = new Map<string, Counted>();
  readonly #byVersion = new Map<string, Counted>();

  /** Whether the statement counts, as far as releases are concerned. */
  counts({ predicate, predicateType, subject }: RootStatement, digest: string, leafIndex: number): boolean {
    switch (predicateType) {
      case RELEASE_TYPE: {
        const { artifacts, product, version } = predicate;
        const name = `${product} ${version}`;
        if (whyNoRelease(predicate, this.#byVersion.get(name)) !== undefined) return false;
        const release = {
          product,
          version,
          artifactCount: artifacts.count,
          leafIndex,
          artifacts: new Map<string, number>(),
        };
        this.#byVersion.set(name, release);
        this.#byDigest.set(digest, release);
        return true;
      }
      case ARTIFACT_TYPE: {
        const named = this.#byDigest.get(predicate.release);
        const [{ name }] = subject;
        const earlier = named?.artifacts.get(name);
        const refusal = whyNoArtifact(
          predicate,
          named === undefined ? undefined : { ...named, artifactsShown: named.artifacts.size },
          earlier === undefined ? undefined : { leafIndex: earlier },
        );
        if (refusal !== undefined) return false;
        named?.artifacts.set(name, leafIndex);
        return true;
      }
      case WITHDRAWAL_TYPE:
        return whyNoWithdrawal(predicate, this.#byDigest.get(predicate.release)) === undefined;
      default:
        return true;
    }
  }
}
