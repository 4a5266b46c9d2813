/** A log that is held here, as a monitor reads it. */
import { LogError } from '../log/log-error.ts';
import type { LogView } from '../log/log.ts';
import { FollowedLog } from '../witnessing/followed-log.ts';
import type { Tree } from './contradiction.ts';

/** How much of a log is shown here; 0 before anything is. */
export function publishedSize(log: LogView): number {
  try {
    return log.published.size;
  } catch (error) {
    if (error instanceof LogError) return 0;
    throw error;
  }
}

/** How much of it `heldTree` can read: of a followed log also what was pulled and is not shown yet. */
export function readableSize(log: LogView): number {
  return log instanceof FollowedLog ? log.size : publishedSize(log);
}

/** Its tree, up to `readableSize`. */
export function heldTree(log: LogView): Tree {
  const tree = log instanceof FollowedLog ? log.heldTree : log;
  return {
    rootAt: (size) => tree.rootAt(size),
    consistencyProof: (from, to) =>
      from === 0 || from === to ? Promise.resolve([]) : tree.consistencyProof(from, to),
  };
}
