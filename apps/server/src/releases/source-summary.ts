/** What a commit must know of a source manifest. */
import { Worker } from 'node:worker_threads';

export interface SourceSummary {
  /** The snapshot secret, 64 hex digits. */
  readonly secret: string;
  /** Root of the source snapshot, 64 hex digits. */
  readonly root: string;
  readonly files: number;
  /** Of the files, hex. */
  readonly digests: ReadonlySet<string>;
}

/** What source-summary-worker.ts answers; `reason` when the manifest is malformed. */
export type SourceReport =
  | { readonly ok: true; readonly summary: SourceSummary }
  | { readonly ok: false; readonly reason: string };

/** One manifest at a time: a large one takes a gigabyte of memory while it is read. */
let turn: Promise<unknown> = Promise.resolve();

/** Reads a manifest and computes its snapshot root in a thread of its own. @param manifest is given away */
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
