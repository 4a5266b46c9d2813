/** A page of a list in the order of its keys, from either end of it. */

/** Which part of a list: keys before or after a bound, exclusive; the first page without bounds. */
export interface PageBounds<Key> {
  readonly after?: Key | undefined;
  readonly before?: Key | undefined;
}

export interface PartOfList<Key> extends PageBounds<Key> {
  readonly order: 'asc' | 'desc';
  readonly limit: number;
}

/** `previous` and `next`: the keys beyond which the neighbouring pages begin; null where the list ends. */
export interface Page<Row, Key> {
  readonly rows: readonly Row[];
  readonly previous: Key | null;
  readonly next: Key | null;
}

/**
 * Reads one page. Of a list that goes down, `after` asks for the page that stands before the bound, so it is read from its other end.
 * @param order of the whole list
 * @param limit rows of a page
 * @param read the rows of a part, in the part's order
 */
export async function readPage<Row, Key>(
  order: 'asc' | 'desc',
  bounds: PageBounds<Key>,
  limit: number,
  read: (part: PartOfList<Key>) => Promise<readonly Row[]>,
  keyOf: (row: Row) => Key,
): Promise<Page<Row, Key>> {
  const opposite = order === 'asc' ? 'desc' : 'asc';
  const forwards = order === 'asc' ? 'after' : 'before';
  const backwards = order === 'asc' ? 'before' : 'after';
  const fromOtherEnd = bounds[backwards] !== undefined && bounds[forwards] === undefined;
  const found = await read({ ...bounds, order: fromOtherEnd ? opposite : order, limit: limit + 1 });
  const rows = found.slice(0, limit);
  if (fromOtherEnd) rows.reverse();
  const [first] = rows;
  const last = rows.at(-1);
  if (first === undefined || last === undefined) return { rows, previous: null, next: null };
  const hasMore = found.length > limit;
  const hasAny = async (part: PageBounds<Key>, partOrder: 'asc' | 'desc'): Promise<boolean> =>
    (await read({ ...part, order: partOrder, limit: 1 })).length > 0;
  const isBounded = bounds.after !== undefined || bounds.before !== undefined;
  const hasPrevious = fromOtherEnd
    ? hasMore
    : isBounded && (await hasAny({ [backwards]: keyOf(first) }, opposite));
  const hasNext = fromOtherEnd ? await hasAny({ [forwards]: keyOf(last) }, order) : hasMore;
  return {
    rows,
    previous: hasPrevious ? keyOf(first) : null,
    next: hasNext ? keyOf(last) : null,
  };
}
