// Where logs have ended, and what therefore counts for nothing any more. Pure: the read models of a server and whoever recomputes them
// from the root log keep the closings that count, and ask here.

import { CLOSED_TYPE, type ClosedStatement, HEAD_TYPE } from './predicates/logs.ts';
import type { RootStatement } from './predicates/registry.ts';

/** A log that has ended. */
export interface ClosedLog {
  /** Its last size. */
  readonly treeSize: number;
  /** Its root at that size, hex. */
  readonly root: string;
  /** Of the entry of the root log that says so. */
  readonly leafIndex: number;
}

/** By origin. */
export type ClosedLogs = ReadonlyMap<string, ClosedLog>;

/**
 * Why an admitted statement of the root log counts for nothing because of where logs end; undefined when it may count.
 *
 * A closing of the root log is its last entry, so what it names is the tree before itself: the caller, who has that tree, compares the
 * root. What counted before a closing stays, whatever size that names.
 *
 * @param closed by the entries before it that count
 * @param entry its index in the root log, and the origins of the root log and of the keys log
 */
export function whyPastEnd(
  statement: RootStatement,
  closed: ClosedLogs,
  entry: { readonly leafIndex: number; readonly origin: string; readonly keysOrigin: string },
): string | undefined {
  const end = closed.get(entry.origin);
  if (end !== undefined) return `entry ${end.leafIndex} closed the root log: nothing after it counts`;
  if (statement.predicateType === HEAD_TYPE) {
    const { origin, root, treeSize } = statement.predicate.head;
    const last = closed.get(origin);
    if (last === undefined) return undefined;
    if (treeSize > last.treeSize)
      return `entry ${last.leafIndex} closed ${origin} at ${last.treeSize} entries, and it names ${treeSize}`;
    return treeSize === last.treeSize && root !== last.root
      ? `entry ${last.leafIndex} closed ${origin} with another root than it names`
      : undefined;
  }
  return statement.predicateType === CLOSED_TYPE ? whyNotClosed(statement, closed, entry) : undefined;
}

function whyNotClosed(
  { predicate: { closed: ending, successor } }: ClosedStatement,
  closed: ClosedLogs,
  { keysOrigin, leafIndex, origin }: { leafIndex: number; origin: string; keysOrigin: string },
): string | undefined {
  // Without it nobody could verify what the root log says from then on.
  if (ending.origin === keysOrigin) return 'the keys log ends with the root log, and not by itself';
  const before = closed.get(ending.origin);
  if (before !== undefined) return `entry ${before.leafIndex} closed ${ending.origin} already`;
  if (successor !== undefined) {
    const isOfRoot = ending.origin === origin;
    if (successor.origin === ending.origin) return 'a log goes on under another name, and it names the same';
    if (!successor.vkey.startsWith(`${successor.origin}+`))
      return `the key of its successor is not named ${successor.origin}`;
    if ((successor.entry0 !== undefined) !== isOfRoot)
      return isOfRoot
        ? 'it does not name entry 0 of the keys log of its successor'
        : 'it names entry 0 of a keys log, which belongs to the root log';
    if (closed.has(successor.origin)) return `its successor ${successor.origin} is closed itself`;
  }
  return ending.origin === origin && ending.treeSize !== leafIndex
    ? `a closing of the root log is its last entry: it names ${ending.treeSize} entries, and stands at ${leafIndex}`
    : undefined;
}

/** What its statement says of the log that it closes. */
export function closedLogOf({ predicate }: ClosedStatement, leafIndex: number): ClosedLog {
  const { root, treeSize } = predicate.closed;
  return { root, treeSize, leafIndex };
}
