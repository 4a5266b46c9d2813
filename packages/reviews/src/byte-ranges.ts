// Sets of bytes of a file, as ranges: half-open, sorted, none touching the next.

/** From `from` up to, not including, `to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** The union of any ranges, in its one form. Empty ones vanish. @throws RangeError on one that ends before it begins */
export function unionOf(ranges: Iterable<ByteRange>): readonly ByteRange[] {
  const sorted: ByteRange[] = [];
  for (const range of ranges) {
    const { from, to } = range;
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || to < from)
      throw new RangeError(`${from} to ${to} is no range of bytes`);
    if (to > from) sorted.push(range);
  }
  sorted.sort((left, right) => left.from - right.from);
  const union: { from: number; to: number }[] = [];
  let last: { from: number; to: number } | undefined;
  for (const { from, to } of sorted) {
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else union.push((last = { from, to }));
  }
  return union;
}

/** How many bytes of a file of this size a union holds: what lies past its end does not count. */
export function bytesWithin(union: readonly ByteRange[], sizeBytes: number): number {
  let bytes = 0;
  for (const { from, to } of union) bytes += Math.max(0, Math.min(to, sizeBytes) - from);
  return bytes;
}
