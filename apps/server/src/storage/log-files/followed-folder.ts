/**
 * A followed log in files. Public: `checkpoint` and `tile/`, laid out as its URLs, and `fork-…` if there ever was one.
 * Private: the checkpoint that is held but not shown, the growth under way, the history, and files being written.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { openThreadPool, type SourceLocation } from '@vitrine/fsck';
import * as v from 'valibot';
import { LogError } from '../../log/log-error.ts';
import type { HistoryRecord, TileFile } from '../../log/log-store.ts';
import { FollowError } from '../../witnessing/follow-error.ts';
import type { BundleRun, FollowedStore, Growth, KeptNotes } from '../../witnessing/followed-store.ts';
import { type BundleCopyJob, copyBundles } from './bundle-copy.ts';
import type { BundleCopyReply } from './bundle-copy-worker.ts';
import { readHistoryRecord, writeHistoryRecord } from './checkpoint-history.ts';
import { DurableFiles, full, inParallel } from './durable-files.ts';
import { type FileSystem, isFull, nodeFileSystem } from './file-system.ts';

/** With fewer bundles than this, starting threads takes longer than hashing here. */
const THREADS_FROM_BUNDLES = 256;
const MOST_THREADS = 4;
/** From here on the whole file system is synced at once: thousands of syncs of one file each take minutes. */
const SYNC_ALL_FROM_FILES = 64;
const FILES_AT_ONCE = 24;

const growthRecord = v.strictObject({
  fromSize: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  note: v.string(),
});

export type FollowedFolders = {
  readonly publicFolder: string;
  readonly stateFolder: string;
};

export class FollowedFolder implements FollowedStore {
  readonly #files: FileSystem;
  readonly #public: string;
  readonly #history: string;
  readonly #temporary: string;
  readonly #held: string;
  readonly #growth: string;
  readonly #checkpoint: string;
  readonly #written: DurableFiles;

  constructor({ publicFolder, stateFolder }: FollowedFolders, files: FileSystem = nodeFileSystem) {
    this.#files = files;
    this.#public = publicFolder;
    this.#history = join(stateFolder, 'history');
    this.#temporary = join(stateFolder, 'tmp');
    this.#held = join(stateFolder, 'held');
    this.#growth = join(stateFolder, 'growth.json');
    this.#checkpoint = join(publicFolder, 'checkpoint');
    this.#written = new DurableFiles(files, [publicFolder, stateFolder], this.#temporary);
  }

  async open(): Promise<KeptNotes> {
    try {
      await this.#written.ensureFolder(this.#public);
      await this.#written.emptyTemporary();
    } catch (cause) {
      // What is there can be read without space.
      if (!isFull(cause)) throw cause;
    }
    return {
      published: await this.#readText(this.#checkpoint),
      held: await this.#readText(this.#held),
      growth: await this.#readGrowth(),
    };
  }

  async beginGrowth(growth: Growth): Promise<void> {
    await this.#durably(() =>
      this.#written.replaceDurably(this.#growth, Buffer.from(JSON.stringify(growth))),
    );
  }

  async endGrowth(): Promise<void> {
    await this.#files.remove(this.#growth).catch(() => undefined);
  }

  async copyBundles(
    source: SourceLocation,
    runs: AsyncIterable<BundleRun>,
    bundles: number,
    signal: AbortSignal,
  ): Promise<void> {
    const jobOf = (run: BundleRun): BundleCopyJob => ({
      source,
      publicFolder: this.#public,
      temporary: this.#temporary,
      run,
    });
    if (bundles < THREADS_FROM_BUNDLES) {
      for await (const run of runs) {
        requireWanted(signal);
        await copyBundles(jobOf(run)).catch((cause: unknown) => {
          throw isFull(cause) ? full(cause) : cause;
        });
      }
      return;
    }
    const name = import.meta.url.endsWith('.ts') ? './bundle-copy-worker.ts' : './bundle-copy-worker.js';
    const threads = openThreadPool<BundleCopyJob, BundleCopyReply>(
      new URL(name, import.meta.url),
      Math.min(MOST_THREADS, Math.max(2, availableParallelism())),
    );
    try {
      const underway = new Set<Promise<void>>();
      const failures: unknown[] = [];
      for await (const run of runs) {
        requireWanted(signal);
        if (failures.length > 0) break;
        const copied: Promise<void> = threads
          .run(jobOf(run))
          .then(requireCopied)
          .catch((error: unknown) => {
            failures.push(error);
          })
          .finally(() => underway.delete(copied));
        underway.add(copied);
        // Enough that no thread waits; few enough to end soon after a failure.
        if (underway.size >= 2 * threads.size) await Promise.race(underway);
      }
      await Promise.all(underway);
      if (failures.length > 0) throw failures[0];
    } finally {
      await threads.close();
    }
  }

  async writeFiles(files: readonly TileFile[]): Promise<void> {
    await inParallel(FILES_AT_ONCE, files, ({ path, bytes }) =>
      this.#written.replace(join(this.#public, path), bytes()),
    );
  }

  async sync(paths: Iterable<string>): Promise<void> {
    const some: string[] = [];
    let isMany = false;
    for (const path of paths) {
      some.push(path);
      isMany ||= some.length > SYNC_ALL_FROM_FILES;
    }
    if (isMany && (await syncFileSystem(this.#public))) return;
    const folders = new Set<string>();
    await this.#durably(async () => {
      await inParallel(FILES_AT_ONCE, some, async (path) => {
        const file = join(this.#public, path);
        for (let folder = dirname(file); folder.length >= this.#public.length; folder = dirname(folder))
          folders.add(folder);
        const handle = await this.#files.openForAppend(file);
        await handle.datasync().finally(() => handle.close());
      });
      await inParallel(FILES_AT_ONCE, folders, (folder) => this.#files.syncDirectory(folder));
    });
  }

  async removeFiles(paths: Iterable<string>): Promise<void> {
    await inParallel(FILES_AT_ONCE, paths, async (path) => {
      const file = join(this.#public, path);
      await this.#files.remove(file).catch(() => undefined);
      await this.#removeEmptyFolders(dirname(file));
    });
  }

  async removePartials(path: string, widths: readonly number[]): Promise<void> {
    const folder = join(this.#public, `${path}.p`);
    const kept = new Set(widths.map(String));
    const names = await this.#files.list(folder).catch(() => []);
    for (const name of names) {
      if (!kept.has(name)) await this.#files.remove(join(folder, name)).catch(() => undefined);
    }
    if (names.length > 0) await this.#removeEmptyFolders(folder);
  }

  async hold(note: string): Promise<void> {
    await this.#durably(() => this.#written.replaceDurably(this.#held, Buffer.from(note)));
  }

  async publish(note: string, history: HistoryRecord | null): Promise<void> {
    await this.#durably(async () => {
      if (history !== null) await writeHistoryRecord(this.#written, this.#history, history);
      await this.#written.replaceDurably(this.#checkpoint, Buffer.from(note));
    });
  }

  async keepEvidence(held: string, offered: string): Promise<string> {
    const id = createHash('sha256').update(held).update(offered).digest('hex').slice(0, 16);
    const folder = join(this.#public, `fork-${id}`);
    await this.#durably(async () => {
      await this.#written.replaceDurably(join(folder, 'held.checkpoint'), Buffer.from(held));
      await this.#written.replaceDurably(join(folder, 'offered.checkpoint'), Buffer.from(offered));
    });
    return folder;
  }

  readFile(path: string): Promise<Uint8Array | null> {
    return this.#files.read(join(this.#public, path));
  }

  async partialWidths(path: string): Promise<number[]> {
    const names = await this.#files.list(join(this.#public, `${path}.p`));
    return names.filter((name) => /^[1-9]\d{0,2}$/.test(name)).map(Number);
  }

  readHistory(size: number): Promise<HistoryRecord | null> {
    return readHistoryRecord(this.#files, this.#history, size);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #readText(path: string): Promise<string | null> {
    const bytes = await this.#files.read(path);
    return bytes === null ? null : Buffer.from(bytes).toString('utf8');
  }

  async #readGrowth(): Promise<Growth | null> {
    const text = await this.#readText(this.#growth);
    if (text === null) return null;
    try {
      return v.parse(growthRecord, JSON.parse(text));
    } catch (cause) {
      throw new LogError(
        'corrupt',
        `${this.#growth} is not what was written: delete everything but the checkpoint's tiles, or follow anew`,
        { cause },
      );
    }
  }

  /** Up to the public folder, which stays. */
  async #removeEmptyFolders(folder: string): Promise<void> {
    for (let empty = folder; empty.length > this.#public.length; empty = dirname(empty)) {
      this.#written.forget(empty);
      const isGone = await rmdir(empty).then(
        () => true,
        () => false,
      );
      if (!isGone) return;
    }
  }

  async #durably(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw isFull(cause) ? full(cause) : cause;
    }
  }
}

function requireWanted(signal: AbortSignal): void {
  if (signal.aborted) throw new FollowError('stopped', 'the caller has ended it');
}

function requireCopied(reply: BundleCopyReply): void {
  switch (reply.outcome) {
    case 'copied':
      return;
    case 'does-not-hold':
    case 'unreachable':
      throw new FollowError(reply.outcome, reply.message);
    case 'disk-full':
      throw full(new Error(reply.message));
    case 'failed':
      throw new Error(reply.message);
  }
}

/**
 * syncfs(2) through coreutils, as Node has no call for it: one barrier for thousands of files.
 * @returns false where that cannot be had; then each file has to be synced
 */
async function syncFileSystem(folder: string): Promise<boolean> {
  try {
    await promisify(execFile)('sync', ['--file-system', folder]);
    return true;
  } catch {
    return false;
  }
}
