/** The table of disposals, and the fact that fills it. */
export interface DisposalTables {
  disposals: { leaf_index: number; list_digest: string; reason_digest: string };
}

export type DisposalFact = {
  readonly fact: 'disposal-ordered';
  readonly row: DisposalTables['disposals'];
};
