/** The tables of commitments and of what may keep them, and the facts that fill them. JSON stands in columns of text. */
export interface CommitmentTables {
  /** `leaf_index`: of the first version. `facts`: CommitmentFacts of @vitrine/commitments. */
  commitments: { id: string; leaf_index: number; facts: string };
  /** What evidence must have to be looked at for the version in force: a type, and a value of a member; no member when any will do. */
  commitment_interests: {
    id: string;
    requirement: number;
    type: string;
    member: string;
    value: string;
  };
  /** What the evidence of a commitment rests on. */
  commitment_rests: { name: string; id: string };
  /** Every piece of evidence in the order of the log, for promises that look back. `document`: EvidenceDocument of @vitrine/commitments. */
  evidence_documents: { leaf_index: number; position: number; type: string; document: string };
  /** What no longer stands since then. */
  evidence_ends: { name: string; at: number; leaf_index: number };
}

export type CommitmentFact =
  /** Made, amended, withdrawn: what it asks for may be new. */
  | { readonly fact: 'commitment-said'; readonly row: CommitmentTables['commitments'] }
  /** Its evidence is another than before. */
  | { readonly fact: 'commitment-shown'; readonly row: CommitmentTables['commitments'] }
  | { readonly fact: 'evidence-told'; readonly row: CommitmentTables['evidence_documents'] }
  | { readonly fact: 'evidence-ended'; readonly row: CommitmentTables['evidence_ends'] };
