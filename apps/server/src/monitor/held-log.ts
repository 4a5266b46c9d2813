/** A log that is held here, as a monitor reads it. */
import { LogError } from '../log/log-error.ts';
import type { LogView } from '../log/log.ts';
import { FollowedLog } from '../witnessing/followed-log.ts';
import type { Tree } from './contradiction.ts';

/** Of a log what it takes to compare a checkpoint with it. */
export type HeldLog = Pick<LogView, 'name' | 'origin' | 'vkey' | 'published' | 'rootAt' | 'consistencyProof'>;

/** What is shown of a log here; undefined before anything is. */
export function publishedOf(log: Pick<HeldLog, 'published'>): HeldLog['published'] | undefined {
  try {
    return log.published;
  } catch (error) {
    if (error instanceof LogError) return undefined;
    throw error;
  }
}

/** How much of a log is shown here. */
export function publishedSize(log: Pick<HeldLog, 'published'>): number {
  return publishedOf(log)?.size ?? 0;
}

/** How much of it `heldTree` can read: of a followed log also what was pulled and is not shown yet. */
export function readableSize(log: HeldLog): number {
  return log instanceof FollowedLog ? log.size : publishedSize(log);
}

/** Its tree, up to `readableSize`. */
export function heldTree(log: HeldLog): Tree {
  const tree = log instanceof FollowedLog ? log.heldTree : log;
  return {
    rootAt: (size) => tree.rootAt(size),
    consistencyProof: (from, to) =>
      from === 0 || from === to ? Promise.resolve([]) : tree.consistencyProof(from, to),
  };
}
