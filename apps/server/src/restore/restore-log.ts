/**
 * Brings one log back from copies of it. All that is taken is proven from a checkpoint down; every checkpoint that the
 * log has signed and that anybody shows must be of the history that is taken, and so must what the data folder holds.
 */
import { checkLog } from '@vitrine/fsck';
import { equalBytes, formatVkey } from '@vitrine/tlog';
import type { LogSpec } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import type { CommittedBatch } from '../log/log-store.ts';
import { FollowError } from '../witnessing/follow-error.ts';
import { type Acceptance, FollowedLog } from '../witnessing/followed-log.ts';
import { type KeptLog, readKeptLog } from './kept-log.ts';
import type { Copy, CopiesFound } from './mirror-copies.ts';
import { forked, RestoreError } from './restore-error.ts';
import type { StagedLog } from './restore-storage.ts';

export interface RestoredLog {
  readonly name: string;
  readonly origin: string;
  /** `kept`: the folder has all that the mirrors have, or more, and keeps it. */
  readonly outcome: 'restored' | 'kept';
  /** Entries that the log has now; a few of them may still wait for being published. */
  readonly size: number;
  /** Entries that the folder had; null where its log could not be read. */
  readonly sizeBefore: number | null;
  /** The mirror, as it was named; null if nothing was taken. */
  readonly from: string | null;
  /** What somebody should know; in words. */
  readonly warnings: readonly string[];
}

/** The newest copy under a checkpoint that may be shown. */
export interface NewestCopy extends Copy {
  readonly cosignedAt: number;
}

/** What is known of a log before anything is taken. */
export interface LogToRestore {
  readonly spec: LogSpec;
  readonly found: CopiesFound;
  readonly kept: KeptLog;
  /** Whether a checkpoint may be shown; the log's own signature is checked besides. */
  readonly accept: (note: string) => Acceptance;
}

/** @throws RestoreError `not-offered`, if nothing that the mirrors have may be shown */
export function newestCopy({ spec, found, accept }: LogToRestore): NewestCopy {
  const refused: string[] = [];
  const accepted = found.copies.flatMap((copy): NewestCopy[] => {
    const acceptance = accept(copy.note);
    if (acceptance.ok) return [{ ...copy, cosignedAt: acceptance.cosignedAt }];
    refused.push(`${copy.from}: its checkpoint of size ${copy.size} is not accepted: ${acceptance.reason}`);
    return [];
  });
  const [newest] = accepted.toSorted((a, b) => b.size - a.size || b.cosignedAt - a.cosignedAt);
  if (newest !== undefined) return newest;
  const why = [...found.problems, ...refused].map((problem) => `\n  ${problem}`).join('');
  throw new RestoreError('not-offered', `no mirror offers a copy of ${spec.origin} that can be taken${why}`);
}

/**
 * Whether the folder has all that is offered, and so keeps its own.
 * @throws RestoreError `fork`
 */
export async function hasAll({ spec, found, kept }: LogToRestore): Promise<boolean> {
  if (kept.state !== 'readable') return false;
  const { checkpoint, rootAt } = kept;
  for (const copy of found.copies) {
    if (copy.size > checkpoint.size) continue;
    if (equalBytes(await rootAt(copy.size), copy.root)) continue;
    throw forked(
      spec.origin,
      { where: 'this data folder', note: checkpoint.note },
      { where: copy.from, note: copy.note },
    );
  }
  return found.copies.every(({ size }) => size <= checkpoint.size);
}

/**
 * Takes the newest copy into `staged`, so that the engine opens it as its own.
 * @param companions notes to keep with the checkpoint that is published, as `PublishedCheckpoint.companions`
 * @throws RestoreError @throws LogError `disk-full`
 */
export async function restoreLog(
  log: LogToRestore,
  staged: StagedLog,
  companions: Readonly<Record<string, string>>,
): Promise<RestoredLog> {
  const { spec, found, kept } = log;
  const shown = newestCopy(log);
  const [last = shown] = found.copies.toSorted((a, b) => b.size - a.size);
  const followed = await FollowedLog.open({
    name: spec.name,
    vkey: vkeyOf(spec),
    kind: spec.entries.kind,
    store: staged.followed,
    accept: log.accept,
  });
  try {
    await take(log, followed, shown, true);
    if (last.size > shown.size) await take(log, followed, last, false);
    await requireOneHistory(log, followed, last);
    const batch = await unpublished(followed, shown, last);
    await followed.close();
    if (spec.keepHistory === true) {
      await staged.keepHistory();
      await staged.addHistory({ size: shown.size, note: shown.note, companions });
    }
    await staged.adopt(shown.size, batch);
    await requireSound(spec, staged, last.size);
  } catch (error) {
    await followed.close();
    throw error;
  }
  return {
    name: spec.name,
    origin: spec.origin,
    outcome: 'restored',
    size: last.size,
    sizeBefore: kept.state === 'none' ? 0 : kept.state === 'readable' ? kept.checkpoint.size : null,
    from: last.from,
    warnings: [
      ...found.problems,
      ...(kept.state === 'damaged'
        ? [`what this folder held of ${spec.origin} could not be read: ${kept.why}`]
        : []),
    ],
  };
}

/** Pulls what a checkpoint covers from wherever it may be. @throws RestoreError `does-not-hold`, `fork` */
async function take(
  { spec, found }: LogToRestore,
  followed: FollowedLog,
  copy: Copy,
  show: boolean,
): Promise<void> {
  const others = found.copies.filter((other) => other !== copy && other.size >= copy.size);
  const failures: string[] = [];
  for (const { source, from } of [copy, ...others]) {
    try {
      await followed.receive({ note: copy.note, source, show });
      return;
    } catch (error) {
      if (!(error instanceof FollowError)) throw error;
      if (error.fork !== undefined)
        throw forked(
          spec.origin,
          { where: whereIs(found, error.fork.held), note: error.fork.held },
          { where: copy.from, note: copy.note },
        );
      failures.push(`\n  ${from}: ${error.message}`);
    }
  }
  throw new RestoreError(
    'does-not-hold',
    `${spec.origin} has signed a checkpoint of size ${copy.size}, which ${copy.from} shows, and what it covers is served whole by nobody:${failures.join('')}\nWith less than that the log would fork. Name a mirror that has it`,
  );
}

/** @throws RestoreError `fork`, `behind` */
async function requireOneHistory(
  { spec, found, kept }: LogToRestore,
  followed: FollowedLog,
  last: Copy,
): Promise<void> {
  const own = kept.state === 'readable' ? kept.checkpoint : kept.state === 'damaged' ? kept.published : null;
  if (own !== null && own.size > last.size)
    throw new RestoreError(
      'behind',
      `this data folder has published ${own.size} entries of ${spec.origin}, and the mirrors have ${last.size}: name one that is newer`,
    );
  const all = found.copies.map(({ from, size, root, note }) => ({ where: from, size, root, note }));
  if (own !== null) all.push({ where: 'this data folder', ...own });
  for (const { where, size, root, note } of all) {
    if (equalBytes(await followed.heldTree.rootAt(size), root)) continue;
    throw forked(spec.origin, { where: last.from, note: last.note }, { where, note });
  }
}

/** What is held beyond the published size, as the batch that the writer committed and did not publish. */
async function unpublished(followed: FollowedLog, shown: Copy, last: Copy): Promise<CommittedBatch | null> {
  if (last.size === shown.size) return null;
  const entries: Uint8Array[] = [];
  for await (const { leaf } of followed.readEntries(shown.size, last.size)) entries.push(leaf);
  return { oldSize: shown.size, entries, checkpoint: last.note };
}

/** Reads all of it back, once as a stranger does and once as the engine will. */
async function requireSound(spec: LogSpec, staged: StagedLog, size: number): Promise<void> {
  const report = await checkLog({ source: staged.publicFolder, vkey: vkeyOf(spec) });
  const opened = await readKeptLog(spec, staged);
  if (report.ok && opened.state === 'readable' && opened.checkpoint.size === size) return;
  throw new LogError(
    'corrupt',
    `what was written of ${spec.origin} does not read back: ${[...report.problems.map(({ path, reason }) => `${path}: ${reason}`), ...(opened.state === 'damaged' ? [opened.why] : [])].join('; ')}. The disk is not to be trusted`,
  );
}

function vkeyOf({ origin, key }: LogSpec): string {
  return formatVkey({ name: origin, type: 0x01, publicKey: key.publicKey });
}

function whereIs({ copies }: CopiesFound, note: string): string {
  return copies.find((copy) => copy.note === note)?.from ?? 'taken before';
}
