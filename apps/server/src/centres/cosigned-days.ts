/** On which days a centre cosigned, told from the times of its cosignatures. */

export const DAY_MS = 86_400_000;

/**
 * The log takes one cosignature of a centre in a day and a little more, so now and then one day has none between two that have: where
 * two cosignatures are no further apart than this, the centre was at work in between.
 */
const AT_WORK_BETWEEN_MS = 1.5 * DAY_MS;

export interface CosignedDay {
  /** In UTC, YYYY-MM-DD. */
  readonly day: string;
  readonly cosigned: boolean;
}

/**
 * The days from `fromMs` to `untilMs`, both included, oldest first.
 *
 * @param timesMs of cosignatures, in any order
 */
export function cosignedDays(
  timesMs: readonly number[],
  fromMs: number,
  untilMs: number,
): readonly CosignedDay[] {
  const times = timesMs.toSorted((left, right) => left - right);
  const first = Math.floor(fromMs / DAY_MS);
  const count = Math.max(0, Math.floor(untilMs / DAY_MS) - first + 1);
  return Array.from({ length: count }, (_, at) => {
    const startMs = (first + at) * DAY_MS;
    const endMs = startMs + DAY_MS;
    const before = times.findLast((time) => time < startMs);
    const next = times.find((time) => time >= startMs);
    const isBridged = before !== undefined && next !== undefined && next - before <= AT_WORK_BETWEEN_MS;
    return {
      day: new Date(startMs).toISOString().slice(0, 10),
      cosigned: next !== undefined && (next < endMs || isBridged),
    };
  });
}
