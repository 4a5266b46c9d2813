/** The tables of what entered at centres, and the facts that fill them. */
export interface IntakeTables {
  /** By origin of an intake log: the newest head of it in the root log, up to which its entries are part of the view. */
  intake_heads: { origin: string; leaf_index: number; size: number; root: string; anchored_at: number };
  /** What was said to the vendor and counts. `entry_index`: in the intake log; `head_index`: of the head that made it part of the view. */
  submissions: {
    origin: string;
    entry_index: number;
    head_index: number;
    digest: string;
    registered_at: number;
    signer: string;
    /** 1 when the signer's key stood in the vendor's keys log then, else 0. */
    by_vendor: number;
    kind: string;
    product: string | null;
    /** `public` with the body's digest, `addressee` with the commitment to it. */
    access: string;
    body: string;
  };
  /**
   * The bodies of everything that entered and is admitted, by the payload digest of the statement. Those for `parties` are no secret bodies
   * of the vendor's log: anyone may name any digest here, and must not take from the public by it what the vendor has published.
   */
  entered_bodies: {
    origin: string;
    entry_index: number;
    statement: string;
    body: string;
    access: 'parties' | 'public';
  };
}

export type IntakeFact =
  | { readonly fact: 'body-entered'; readonly row: IntakeTables['entered_bodies'] }
  | { readonly fact: 'intake-anchored'; readonly row: IntakeTables['intake_heads'] }
  | { readonly fact: 'submission-entered'; readonly row: IntakeTables['submissions'] };
