/** The table of logs that have ended, and the fact that fills it. */
export interface ClosingTables {
  /** By origin of the closed log. `leaf_index`, `closed_at`: of the entry of the root log that says so. */
  closed_logs: {
    origin: string;
    leaf_index: number;
    closed_at: number;
    tree_size: number;
    root: string;
    reason: string;
    successor_origin: string | null;
    successor_url: string | null;
    successor_vkey: string | null;
    successor_entry0: string | null;
  };
}

export type ClosingFact = { readonly fact: 'log-closed'; readonly row: ClosingTables['closed_logs'] };
