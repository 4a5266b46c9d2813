/** Reads a source manifest beside the server’s own thread: for a million files it takes many seconds. Started by source-summary.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { parseManifest, snapshotRootOf, SourceError } from '@vitrine/source';
import * as v from 'valibot';

/** What a commit must know of a source manifest. */
interface SourceSummary {
  /** The snapshot secret, 64 hex digits. */
  readonly secret: string;
  /** Root of the source snapshot, 64 hex digits. */
  readonly root: string;
  readonly files: number;
  /** Of the files, hex. */
  readonly digests: ReadonlySet<string>;
}

/** The worker’s one answer; `reason` when the manifest is malformed. */
export type SourceReport =
  | { readonly ok: true; readonly summary: SourceSummary }
  | { readonly ok: false; readonly reason: string };

function report(bytes: Uint8Array): SourceReport {
  try {
    const manifest = parseManifest(bytes);
    return {
      ok: true,
      summary: {
        secret: Buffer.from(manifest.secret).toString('hex'),
        root: Buffer.from(snapshotRootOf(manifest)).toString('hex'),
        files: manifest.entries.length,
        digests: new Set(manifest.entries.map(({ digest }) => digest)),
      },
    };
  } catch (error) {
    if (error instanceof SourceError) return { ok: false, reason: error.message };
    throw error;
  }
}

parentPort?.postMessage(report(v.parse(v.instance(Uint8Array), workerData)));
