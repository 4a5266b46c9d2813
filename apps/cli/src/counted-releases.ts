/** Which statements about releases count: what is admitted may still say what is not so, and then counts for nothing. */
import { ARTIFACT_TYPE, RELEASE_TYPE, WITHDRAWAL_TYPE } from '@vitrine/statements';
import type { RootStatement } from '@vitrine/statements';

interface Counted {
  readonly product: string;
  readonly version: string;
  readonly artifacts: number;
  readonly names: Set<string>;
}

/** Told of admitted statements in the order of the log. */
export class CountedReleases {
  readonly #byDigest = new Map<string, Counted>();
  readonly #versions = new Set<string>();

  /** Whether the statement counts, as far as releases are concerned. */
  counts({ predicate, predicateType, subject }: RootStatement, digest: string): boolean {
    switch (predicateType) {
      case RELEASE_TYPE: {
        const { artifacts, product, version } = predicate;
        const name = `${product} ${version}`;
        if (this.#versions.has(name)) return false;
        this.#versions.add(name);
        this.#byDigest.set(digest, { product, version, artifacts: artifacts.count, names: new Set() });
        return true;
      }
      case ARTIFACT_TYPE: {
        const release = this.#named(predicate);
        const [{ name }] = subject;
        if (release === undefined || release.names.has(name) || release.names.size >= release.artifacts)
          return false;
        release.names.add(name);
        return true;
      }
      case WITHDRAWAL_TYPE:
        return this.#named(predicate) !== undefined;
      default:
        return true;
    }
  }

  #named(told: {
    readonly release: string;
    readonly product: string;
    readonly version: string;
  }): Counted | undefined {
    const release = this.#byDigest.get(told.release);
    return release?.product === told.product && release.version === told.version ? release : undefined;
  }
}
