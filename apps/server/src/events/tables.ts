/** The table of events of the world that were recorded, and the fact that fills it. */
export interface EventTables {
  events: {
    leaf_index: number;
    registered_at: number;
    happened: string;
    kind: string;
    product: string | null;
    body_digest: string;
  };
}

export type EventFact = { readonly fact: 'event-recorded'; readonly row: EventTables['events'] };
