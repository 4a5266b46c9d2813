// Checks a whole log, of any content: c2sp.org/tlog-tiles.

import { availableParallelism } from 'node:os';
import {
  type Checkpoint,
  EMPTY_ROOT,
  encodeBase64,
  equalBytes,
  MAX_NOTE_BYTES,
  type NoteVerifier,
  openCheckpoint,
  parseVkey,
  TILE_WIDTH,
  TlogError,
} from '@vitrine/tlog';
import { FsckError } from './fsck-error.ts';
import { type LogReport, ProblemList } from './log-report.ts';
import type { LogSource } from './log-source.ts';
import { readRightEdge } from './right-edge.ts';
import { locateSource, openSource, type SourceLocation } from './source-location.ts';
import { TreeCheck, unitsOfTree } from './tree-check.ts';
import type { UnitReport } from './unit.ts';
import { openUnitPool } from './unit-pool.ts';

export interface CheckProgress {
  readonly checkedLeaves: number;
  readonly treeSize: number;
  readonly problems: number;
}

export interface CheckLogOptions {
  /** An http(s) prefix, or a folder laid out like one. */
  readonly source: URL | string;
  /** The log's Ed25519 verifier key; its name is the origin. */
  readonly vkey: string;
  /** Called after every 65,536 leaves, and at the end. */
  readonly onProgress?: (progress: CheckProgress) => void;
  /** Threads; by default one a core for a folder, and two over HTTP, whose server should not be besieged. */
  readonly workers?: number;
  /** Longest wait for one HTTP answer, body included; 60,000 by default. */
  readonly requestTimeoutMs?: number;
}

/**
 * Derives everything that a log's checkpoint covers again from its entry bundles: every leaf hash, every tile at
 * every level, full and partial, and the root that the log signed. Reads the checkpoint once, so a log may grow
 * meanwhile. Memory does not grow with the log.
 *
 * Whatever the log itself has wrong is in the report: a checkpoint that is not the log's, something missing, cut,
 * malformed or altered, named by its path.
 *
 * @throws FsckError `bad-vkey`, `bad-source`, `unreachable`, `no-checkpoint`, `worker-failed` if it could not be
 * told whether the log is sound
 */
export async function checkLog(options: CheckLogOptions): Promise<LogReport> {
  const verifier = readVkey(options.vkey);
  const location = locateSource(options.source, options.requestTimeoutMs ?? 60_000);
  const source = openSource(location);
  const problems = new ProblemList();
  const checkpoint = await readCheckpoint(source, verifier, problems);
  if (checkpoint !== undefined) await checkTree(source, location, checkpoint, problems, options);
  const found = problems.list();
  return {
    ok: found.length === 0,
    origin: verifier.name,
    size: checkpoint?.treeSize ?? null,
    root: checkpoint === undefined ? null : encodeBase64(checkpoint.root),
    problems: found,
  };
}

/**
 * The invariant that every log must hold at every moment: checkLog, or an error that lists what is wrong.
 *
 * @throws FsckError as checkLog, and `not-sound`
 */
export async function requireSoundLog(options: CheckLogOptions): Promise<LogReport> {
  const report = await checkLog(options);
  if (report.ok) return report;
  const list = report.problems.slice(0, 20).map(({ path, reason }) => `  ${path}: ${reason}`);
  throw new FsckError('not-sound', `${report.origin} is not sound:\n${list.join('\n')}`);
}

function readVkey(vkey: string): NoteVerifier {
  let verifier: NoteVerifier;
  try {
    verifier = parseVkey(vkey);
  } catch (cause) {
    throw new FsckError('bad-vkey', cause instanceof Error ? cause.message : 'malformed verifier key', {
      cause,
    });
  }
  if (verifier.type !== 0x01)
    throw new FsckError('bad-vkey', `${verifier.name} is a cosigner's key, not a log's`);
  return verifier;
}

async function readCheckpoint(
  source: LogSource,
  verifier: NoteVerifier,
  problems: ProblemList,
): Promise<Checkpoint | undefined> {
  const content = await source.read('checkpoint', MAX_NOTE_BYTES);
  if ('fault' in content) {
    if (content.missing)
      throw new FsckError('no-checkpoint', `the source has no checkpoint: ${content.fault}`);
    problems.add({ path: 'checkpoint', reason: content.fault });
    return undefined;
  }
  try {
    return openCheckpoint(content.bytes, verifier).checkpoint;
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    problems.add({ path: 'checkpoint', reason: error.message });
    return undefined;
  }
}

function defaultWorkers(location: SourceLocation): number {
  return location.kind === 'http' ? Math.min(2, availableParallelism()) : availableParallelism();
}

async function checkTree(
  source: LogSource,
  location: SourceLocation,
  checkpoint: Checkpoint,
  problems: ProblemList,
  { onProgress, workers }: CheckLogOptions,
): Promise<void> {
  const { treeSize, root } = checkpoint;
  if (treeSize === 0) {
    if (!equalBytes(root, EMPTY_ROOT)) {
      problems.add({ path: 'checkpoint', reason: 'its root is not that of the empty tree' });
    }
    return;
  }
  const edge = await readRightEdge(source, treeSize, root);
  problems.add(...edge.problems);
  const tree = new TreeCheck(source, treeSize, edge, problems);
  const units = unitsOfTree(treeSize);
  const fullBundles = Math.floor(treeSize / TILE_WIDTH);
  const pool = openUnitPool(location, units, workers ?? defaultWorkers(location));
  try {
    const underway: Promise<UnitReport>[] = [];
    let started = 0;
    for (let done = 0; done < units && !problems.isFull; done++) {
      // Enough that no thread waits for the units before its own; few enough to bound memory.
      for (; started < units && underway.length < 2 * pool.size; started++) {
        const width = Math.min(TILE_WIDTH, fullBundles - started * TILE_WIDTH);
        const report = pool.run({ index: started, width });
        // An error is thrown where the report is awaited; until then it must not count as unhandled.
        report.catch(() => undefined);
        underway.push(report);
      }
      const report = await underway.shift();
      if (report !== undefined) await tree.add(report);
      const checkedBundles = Math.min(fullBundles, (done + 1) * TILE_WIDTH);
      onProgress?.({ checkedLeaves: checkedBundles * TILE_WIDTH, treeSize, problems: problems.count });
    }
  } finally {
    await pool.close();
  }
  if (problems.isFull) return;
  // Nothing but the entries and the signature goes into this last comparison.
  if (!equalBytes(tree.finish(), root) && problems.count === 0) {
    problems.add({ path: 'checkpoint', reason: 'its root is not that of the entries' });
  }
  onProgress?.({ checkedLeaves: treeSize, treeSize, problems: problems.count });
}
