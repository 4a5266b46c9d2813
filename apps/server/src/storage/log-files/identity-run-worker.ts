/** Sorts and merges identity runs beside the server's own thread. Started by run-builder.ts. */
import { parentPort } from 'node:worker_threads';
import { buildRun, mergeRuns, type RunRange } from './identity-run.ts';

/** What the worker is asked to do; it answers each job with null, or with the error. */
export type RunJob =
  | {
      readonly kind: 'build';
      readonly folder: string;
      readonly start: number;
      readonly high: Uint32Array<ArrayBuffer>;
      readonly low: Uint32Array<ArrayBuffer>;
    }
  | { readonly kind: 'merge'; readonly folder: string; readonly ranges: readonly RunRange[] };

parentPort?.on('message', (job: RunJob) => {
  try {
    if (job.kind === 'build') buildRun(job.folder, job.start, job.high, job.low);
    else mergeRuns(job.folder, job.ranges);
    parentPort?.postMessage(null);
  } catch (error) {
    parentPort?.postMessage(error);
  }
});
