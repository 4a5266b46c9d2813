/** The tables of releases, and the facts that fill them. */
export interface ReleaseTables {
  releases: {
    leaf_index: number;
    digest: string;
    registered_at: number;
    product: string;
    version: string;
    source_root: string;
    source_files: number;
    artifact_count: number;
    /** Of the artifacts that it says it has, those that stand in the log. */
    artifacts_shown: number;
    artifact_list: string;
    sbom_format: string | null;
    sbom_digest: string | null;
    provenance_digest: string | null;
    notes_digest: string | null;
    supersedes: string | null;
    signers: string;
  };
  artifacts: {
    leaf_index: number;
    digest: string;
    registered_at: number;
    release_digest: string;
    product: string;
    version: string;
    name: string;
    sha256: string;
    size_bytes: number;
  };
  withdrawals: {
    leaf_index: number;
    digest: string;
    registered_at: number;
    release_digest: string;
    reason_digest: string;
    signers: string;
  };
  /** Every product that has a release. `latest`: leaf index of its newest. */
  products: { product: string; releases: number; latest: number };
  /** One row: how many there are of each. */
  totals: { id: number; products: number; releases: number; artifacts: number };
}

export type ReleaseFact =
  | { readonly fact: 'released'; readonly row: Omit<ReleaseTables['releases'], 'artifacts_shown'> }
  | { readonly fact: 'artifact-released'; readonly row: ReleaseTables['artifacts'] }
  | { readonly fact: 'withdrawn'; readonly row: ReleaseTables['withdrawals'] };
