/** A thread that copies bundles. */
import { parentPort } from 'node:worker_threads';
import { FsckError } from '@vitrine/fsck';
import { FollowError } from '../../witnessing/follow-error.ts';
import { type BundleCopyJob, copyBundles } from './bundle-copy.ts';
import { isFull } from './file-system.ts';

/** Errors lose their class on the way between threads. */
export type BundleCopyReply =
  | { readonly outcome: 'copied' }
  | {
      readonly outcome: 'does-not-hold' | 'unreachable' | 'disk-full' | 'failed';
      readonly message: string;
    };

parentPort?.on('message', (job: BundleCopyJob) => {
  copyBundles(job)
    .then((): BundleCopyReply => ({ outcome: 'copied' }), describe)
    .then((reply) => parentPort?.postMessage(reply))
    .catch((error: unknown) => {
      throw error;
    });
});

function describe(error: unknown): BundleCopyReply {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof FollowError && error.code === 'does-not-hold') return { outcome: error.code, message };
  if (error instanceof FsckError) return { outcome: 'unreachable', message };
  return { outcome: isFull(error) ? 'disk-full' : 'failed', message };
}
