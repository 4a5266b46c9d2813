/** Reads a whole vault and says what is wrong with it. */
import { readAhead, readObject } from './object-reader.ts';
import { isPackId } from './pack-envelope.ts';
import {
  GRANT_FILE,
  type LoadedPack,
  OBJECTS_FILE,
  PACKS,
  type PackShelf,
  TABLE_FILE,
} from './pack-shelf.ts';
import type { PackTable } from './pack-table.ts';
import type { ReadableFile, VaultIndex } from './ports.ts';
import type { CheckProblem, CheckProgress, CheckReport } from './vault-contract.ts';
import { VaultError } from './vault-error.ts';

export interface CheckOptions {
  readonly shelf: PackShelf;
  readonly index: VaultIndex;
  readonly isDisposed: (digest: Uint8Array) => boolean;
  /** What to do when the key of a disposed object is still there. */
  readonly undisposed: string;
  /** Whether a pack is being written to, and may be longer than its table says. */
  readonly isGrowing: (packId: string) => boolean;
  /** Runs a job while no table is put in place. */
  readonly exclusively: <T>(job: () => Promise<T>) => Promise<T>;
  /** Further files that a pack may have. */
  readonly alsoKnown?: readonly string[];
  readonly onProgress?: (progress: CheckProgress) => void;
  readonly signal?: AbortSignal;
}

/** Packs that appear or go while it reads are let be. */
export async function checkPacks(options: CheckOptions): Promise<CheckReport> {
  const { shelf, index } = options;
  const problems: CheckProblem[] = [];
  const progress = { packs: 0, packCount: 0, objects: 0, bytes: 0 };
  const folders = await options.exclusively(async () => {
    const listed = await shelf.list();
    for (const pack of index.packs()) {
      if (listed.includes(pack.packId)) continue;
      problems.push({
        pack: pack.packId,
        reason: `the pack is gone, with ${pack.objectCount} objects: restore it from a backup, or delete the index`,
      });
    }
    return listed;
  });
  progress.packCount = folders.length;
  for (const folder of folders) {
    options.signal?.throwIfAborted();
    const report = (reason: string) => problems.push({ pack: folder, reason });
    if (isPackId(folder)) await checkPack(options, folder, progress, report);
    else report('not a pack: nothing of the vault has such a name');
    progress.packs += 1;
    options.onProgress?.({ ...progress });
  }
  return {
    ok: problems.length === 0,
    packs: progress.packs,
    objects: progress.objects,
    bytes: progress.bytes,
    problems,
  };
}

/** Opens one pack and everything in it. */
export async function checkPack(
  options: CheckOptions,
  packId: string,
  progress: { objects: number; bytes: number },
  report: (reason: string) => void,
): Promise<void> {
  const { shelf, index } = options;
  let file: ReadableFile | undefined;
  try {
    const opened = await options.exclusively(async () => {
      const known = [OBJECTS_FILE, TABLE_FILE, ...(options.alsoKnown ?? [])];
      const found = await shelf.files.list(`${PACKS}/${packId}`);
      // Dropped since it was listed.
      if (found.length === 0 && !(await shelf.list()).includes(packId)) return undefined;
      for (const name of found) {
        if (!known.includes(name) && !GRANT_FILE.test(name)) report(`holds an unknown file, ${name}`);
      }
      const loaded: LoadedPack = await shelf.load(packId);
      const indexed = index.namesOf(packId).map((name) => Buffer.from(name).toString('hex'));
      const objects = await shelf.files.openForReading(`${PACKS}/${packId}/${OBJECTS_FILE}`);
      return { table: loaded.table, indexed, objects, isGrowing: options.isGrowing(packId) };
    });
    if (opened === undefined) return;
    file = opened.objects;
    compareNames(options, opened.table, new Set(opened.indexed), report);
    if (file === undefined) {
      report(`${OBJECTS_FILE} is gone: all ${opened.table.rowCount} objects of the pack are lost`);
      return;
    }
    const surplus = (await file.sizeBytes()) - opened.table.endOffset;
    if (surplus < 0) report(`${OBJECTS_FILE} is ${-surplus} bytes short`);
    if (surplus > 0 && !opened.isGrowing) report(`${OBJECTS_FILE} has ${surplus} bytes that no object owns`);
    await checkObjects(options, opened.table, file, progress, report);
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    report(error.message);
  } finally {
    await file?.close();
  }
}

function compareNames(
  options: CheckOptions,
  table: PackTable,
  indexed: Set<string>,
  report: (reason: string) => void,
): void {
  for (const { digest } of table.rows()) {
    const name = options.shelf.secrets.nameOf(digest).toString('hex');
    if (!indexed.delete(name)) report(`object ${name} is not in the index: restart, and it is made anew`);
    if (options.isDisposed(digest))
      report(`object ${name} is disposed, but its key is still there: ${options.undisposed}`);
  }
  for (const name of indexed) report(`object ${name} is in the index, not in the table`);
}

async function checkObjects(
  options: CheckOptions,
  table: PackTable,
  file: ReadableFile,
  progress: { objects: number; bytes: number },
  report: (reason: string) => void,
): Promise<void> {
  const inOrder = readAhead(file);
  for (const row of table.rowsByOffset()) {
    options.signal?.throwIfAborted();
    try {
      for await (const block of readObject(inOrder, row, 0, row.sizeBytes)) progress.bytes += block.length;
      progress.objects += 1;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      report(`object ${options.shelf.secrets.nameOf(row.digest).toString('hex')}: ${error.message}`);
    }
  }
}
