/** The first reading of a tree: every file hashed, the whole refused or accepted, nothing kept but the entries. */
import { createHash, hash } from 'node:crypto';
import type { SnapshotEntry } from './manifest.ts';
import { SourceError } from './source-error.ts';
import type { SourceFile, SourceTree } from './source-tree.ts';

export interface ScanProgress {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Reads and hashes every file of a tree.
 * @param onProgress called after each file
 * @throws SourceError empty-source, and what the reader refuses
 */
export async function scanTree(
  tree: SourceTree,
  onProgress: (progress: ScanProgress) => void = () => undefined,
): Promise<SnapshotEntry[]> {
  const entries: SnapshotEntry[] = [];
  let bytes = 0;
  for await (const file of tree.files()) {
    entries.push({
      path: file.path,
      mode: file.mode,
      sizeBytes: file.sizeBytes,
      digest: await digestOf(file),
    });
    bytes += file.sizeBytes;
    onProgress({ files: entries.length, bytes });
  }
  if (entries.length === 0) throw new SourceError('empty-source', `the ${tree.description} contains no file`);
  return entries;
}

async function digestOf(file: SourceFile): Promise<string> {
  let first: Uint8Array | undefined;
  let running: ReturnType<typeof createHash> | undefined;
  for await (const chunk of file.content()) {
    if (first === undefined) first = chunk;
    else {
      running ??= createHash('sha256').update(first);
      running.update(chunk);
    }
  }
  // Most files are one chunk: the one-shot function spares an object each.
  return running === undefined ? hash('sha256', first ?? '', 'hex') : running.digest('hex');
}
