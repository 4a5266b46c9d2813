/** Reads a source manifest beside the server’s own thread: for a million files it takes many seconds. Started by source-summary.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { parseManifest, snapshotRootOf, SourceError } from '@vitrine/source';
import * as v from 'valibot';
import type { SourceReport } from './source-summary.ts';

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
