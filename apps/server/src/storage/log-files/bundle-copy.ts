/**
 * Copies full entry bundles of a log whose hashes are proven already: reads each, holds it against its proven root, and
 * only then writes it and its level-0 tile. Runs in threads, so it calls the file system synchronously: that is the
 * cheapest way, and only this thread waits.
 */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import {
  hashTile,
  type LogSource,
  openSource,
  readBundle,
  readTile,
  type SourceLocation,
} from '@vitrine/fsck';
import { equalBytes, formatBundlePath, formatTilePath, HASH_BYTES, TILE_WIDTH } from '@vitrine/tlog';
import { FollowError } from '../../witnessing/follow-error.ts';
import type { BundleRun } from '../../witnessing/followed-store.ts';

/** What a thread needs for one run. */
export interface BundleCopyJob {
  readonly source: SourceLocation;
  readonly publicFolder: string;
  /** On the same file system. */
  readonly temporary: string;
  readonly run: BundleRun;
}

/**
 * @throws FollowError `does-not-hold`, naming the bundle
 * @throws FsckError `unreachable`; or what the file system threw
 */
export async function copyBundles({ source, publicFolder, temporary, run }: BundleCopyJob): Promise<void> {
  const from = openSource(source);
  const own = run.mayBeThere ? openSource({ kind: 'folder', path: publicFolder }) : null;
  const files = new WholeFiles(publicFolder, temporary);
  const count = run.roots.length / HASH_BYTES;
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < count && !failed) {
      const position = next++;
      const index = run.firstIndex + position;
      const root = run.roots.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES);
      if (own !== null && (await isThere(own, index, root))) continue;
      await copyBundle(from, files, index, root);
    }
  };
  const lanes = Array.from({ length: Math.min(from.lanes, count) }, () =>
    lane().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  // All have ended before it is known to have failed: none writes afterwards.
  const ended = await Promise.allSettled(lanes);
  const failure = ended.find((each) => each.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

async function copyBundle(
  from: LogSource,
  files: WholeFiles,
  index: number,
  root: Uint8Array,
): Promise<void> {
  const address = { index, width: TILE_WIDTH };
  const path = formatBundlePath(address);
  const bundle = await readBundle(from, address);
  if ('fault' in bundle) throw new FollowError('does-not-hold', `${path}: ${bundle.fault}`);
  if (!equalBytes(hashTile(bundle.hashes), root)) {
    throw new FollowError(
      'does-not-hold',
      `${path}: altered: it does not hash to what the checkpoint proves`,
    );
  }
  files.write(path, bundle.bytes);
  files.write(formatTilePath({ level: 0, ...address }), bundle.hashes);
}

/** A growth before may have left it: nothing is believed because it is there. */
async function isThere(own: LogSource, index: number, root: Uint8Array): Promise<boolean> {
  const address = { index, width: TILE_WIDTH };
  const bundle = await readBundle(own, address);
  if ('fault' in bundle || !equalBytes(hashTile(bundle.hashes), root)) return false;
  const tile = await readTile(own, { level: 0, ...address });
  return 'hashes' in tile && equalBytes(tile.hashes, bundle.hashes);
}

class WholeFiles {
  readonly #publicFolder: string;
  readonly #temporary: string;
  readonly #folders = new Set<string>();

  constructor(publicFolder: string, temporary: string) {
    this.#publicFolder = publicFolder;
    this.#temporary = temporary;
  }

  /** Under its name it is whole; nothing is synced. */
  write(path: string, bytes: Uint8Array): void {
    const target = join(this.#publicFolder, path);
    const folder = dirname(target);
    if (!this.#folders.has(folder)) {
      mkdirSync(folder, { recursive: true });
      this.#folders.add(folder);
    }
    // Writing is synchronous, so one name a thread is enough.
    const temporary = join(this.#temporary, `thread-${threadId}`);
    try {
      const file = openSync(temporary, 'w');
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, target);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }
}
