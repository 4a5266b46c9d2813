/** The second reading of a source tree: the files whose objects the vault lacks are sent, each checked against the first reading. */
import { createHash, hash } from 'node:crypto';
import { SourceError } from '@vitrine/source';
import type { SnapshotEntry, SourceFile, SourceTree } from '@vitrine/source';
import { SMALL_OBJECT_MAX_BYTES } from './object-sender.ts';
import type { ObjectSender } from './object-sender.ts';

/**
 * Sends the files among `missing`, which loses them.
 * @throws SourceError source-changed when a file is no longer what was hashed
 */
export async function sendSource(
  tree: SourceTree,
  entries: readonly SnapshotEntry[],
  missing: Set<string>,
  sender: ObjectSender,
): Promise<void> {
  const wanted = new Map<string, SnapshotEntry>();
  for (const entry of entries) if (missing.delete(entry.digest)) wanted.set(entry.path, entry);
  if (wanted.size === 0) return;
  for await (const file of tree.files(new Set(wanted.keys()))) {
    const entry = wanted.get(file.path);
    if (entry === undefined) throw changed(file.path);
    wanted.delete(file.path);
    if (file.sizeBytes !== entry.sizeBytes || file.mode !== entry.mode) throw changed(file.path);
    if (file.sizeBytes <= SMALL_OBJECT_MAX_BYTES) await sender.sendSmall(await readSmall(file, entry));
    else await sendLargeFile(tree, file, entry, sender);
  }
  const [left] = wanted.keys();
  if (left !== undefined) throw changed(left);
}

async function readSmall(file: SourceFile, { digest }: SnapshotEntry): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.content()) chunks.push(chunk);
  const [only] = chunks;
  const bytes = only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
  if (hash('sha256', bytes, 'hex') !== digest) throw changed(file.path);
  return bytes;
}

/** The first attempt reads on in the tree where it stands; a repeated one reads the tree again up to the file. */
async function sendLargeFile(
  tree: SourceTree,
  file: SourceFile,
  { path, digest, sizeBytes }: SnapshotEntry,
  sender: ObjectSender,
): Promise<void> {
  let here: SourceFile | undefined = file;
  await sender.sendLarge({
    label: path,
    digest,
    sizeBytes,
    open: async function* (fromByte) {
      if (here !== undefined) {
        const first = here;
        here = undefined;
        yield* checkedContent(first, digest, fromByte);
        return;
      }
      for await (const again of tree.files(new Set([path]))) yield* checkedContent(again, digest, fromByte);
    },
  });
}

/** The content from an offset. What is passed over is hashed too, so that a change before the offset is seen as well. */
async function* checkedContent(
  file: SourceFile,
  digest: string,
  fromByte: number,
): AsyncGenerator<Uint8Array> {
  const running = createHash('sha256');
  let at = 0;
  for await (const chunk of file.content()) {
    running.update(chunk);
    const skipped = Math.min(chunk.length, Math.max(0, fromByte - at));
    at += chunk.length;
    if (skipped < chunk.length) yield chunk.subarray(skipped);
  }
  if (running.digest('hex') !== digest) throw changed(file.path);
}

function changed(path: string): SourceError {
  return new SourceError('source-changed', 'the file changed between hashing and uploading; publish again', {
    path,
  });
}
