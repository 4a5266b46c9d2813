/** Who signed and what it is about, of every statement that counts: what feeds of a key and of a product are made from. */
export interface FeedTables {
  mentions: {
    /** `key`: it is signed with it; `product`: it is about it. */
    mentioned: 'key' | 'product';
    /** A keyid, or a product's name. */
    name: string;
    leaf_index: number;
  };
}

export type FeedFact = { readonly fact: 'mentioned'; readonly row: FeedTables['mentions'] };
