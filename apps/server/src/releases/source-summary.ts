/** Reads source manifests in a thread of their own. */
import { Worker } from 'node:worker_threads';
import type { SourceReport } from './source-summary-worker.ts';

/** A manifest of 1,000,000 files of long paths stays below this, in bytes. */
export const MANIFEST_MAX_BYTES = 512 * 1024 * 1024;

/** One manifest at a time: a large one takes a gigabyte of memory while it is read. */
let turn: Promise<unknown> = Promise.resolve();

/** Reads a manifest and computes its snapshot root. @param manifest is given away */
export function summariseSource(manifest: Uint8Array<ArrayBuffer>): Promise<SourceReport> {
  const mine = turn.then(() => {
    // Compiled or not, the worker stands beside this file.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    return new Promise<SourceReport>((resolve, reject) => {
      new Worker(new URL(`./source-summary-worker.${extension}`, import.meta.url), {
        workerData: manifest,
        transferList: [manifest.buffer],
      })
        .once('message', resolve)
        .once('error', reject)
        .once('exit', () => reject(new Error('the thread that reads manifests ended without an answer')));
    });
  });
  turn = mine.catch(() => undefined);
  return mine;
}
