/** The tables of transparency centres, and the facts that fill them. */
export interface CentreTables {
  /** The announcement in force of every centre. `since`: when it was announced first. */
  centres: {
    name: string;
    leaf_index: number;
    announced_at: number;
    since: number;
    version: number;
    operator: string;
    city: string;
    country: string;
    region: string;
    url: string;
    /** 1 or 0. */
    working: number;
    witness: string;
    mirror: string;
    intake_origin: string;
    intake_vkey: string;
  };
  /** What the log shows to have been cosigned: a checkpoint of `size`, at `cosigned_at`. */
  centre_cosignatures: {
    leaf_index: number;
    centre: string;
    key_kind: CentreKeyKind;
    size: number;
    cosigned_at: number;
  };
}

/** A witness attests that it saw no other history; a mirror also that it holds the entries. */
export type CentreKeyKind = 'witness' | 'mirror';

export type CentreFact =
  | { readonly fact: 'centre-announced'; readonly row: Omit<CentreTables['centres'], 'since'> }
  | { readonly fact: 'centre-cosigned'; readonly row: CentreTables['centre_cosignatures'] };
