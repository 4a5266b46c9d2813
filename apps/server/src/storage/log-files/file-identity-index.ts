/**
 * The identity index of one log in a folder: recent entries in a table, older ones in sorted runs. A full table is
 * frozen, sorted into a run by the worker, and dropped; runs of like size are merged eight to one, up to some
 * ten million entries. At 10^8 entries that is under twenty runs, 200 MB of filters, and 800 MB of disk.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineLogger } from '../../log/engine-logger.ts';
import type { IdentityIndex } from '../../log/log-store.ts';
import { errorCode, isFull } from './file-system.ts';
import { IDENTITY_SECRET_BYTES, IdentityKey, newIdentitySecret } from './identity-key.ts';
import { IdentityRun, parseRunName, type RunRange } from './identity-run.ts';
import { IdentityTable } from './identity-table.ts';
import type { RunBuilder } from './run-builder.ts';

const MERGED_AT_ONCE = 8;
const MOST_MERGED = 12_000_000;
const RETRY_MS = 10_000;
const NONE: readonly number[] = [];

export type IdentityIndexOptions = {
  readonly folder: string;
  /** Entries in a run as first built. */
  readonly runEntries: number;
  readonly builder: RunBuilder;
  readonly logger: EngineLogger;
};

export class FileIdentityIndex implements IdentityIndex {
  readonly #options: IdentityIndexOptions;
  readonly #key: IdentityKey;
  #runs: readonly IdentityRun[];
  /** Full tables on their way to a run, oldest first. */
  #frozen: readonly IdentityTable[] = [];
  #table: IdentityTable;
  #retired: readonly IdentityRun[] = [];
  #building: Promise<void> | null = null;
  #retryAtMs = 0;
  #closed = false;

  private constructor(options: IdentityIndexOptions, key: IdentityKey, runs: readonly IdentityRun[]) {
    this.#options = options;
    this.#key = key;
    this.#runs = runs;
    this.#table = new IdentityTable(endOf(runs));
  }

  /** Opens what is whole in the folder, and deletes the rest: it is derived again. */
  static async open(options: IdentityIndexOptions): Promise<FileIdentityIndex> {
    const { folder } = options;
    await mkdir(folder, { recursive: true });
    const secret = await readSecret(folder);
    const runs = await openRuns(folder);
    return new FileIdentityIndex(options, new IdentityKey(secret), runs);
  }

  get size(): number {
    return this.#table.start + this.#table.count;
  }

  candidates(identities: Uint8Array, offset: number): readonly number[] | Promise<readonly number[]> {
    this.#key.derive(identities, offset);
    const { high, low } = this.#key;
    let found = this.#table.find(high, low, 0);
    for (const table of this.#frozen) {
      const older = table.find(high, low, 0);
      if (older.length > 0) found = [...found, ...older];
    }
    let runs: IdentityRun[] | null = null;
    for (const run of this.#runs) if (run.mayHold(high, low)) (runs ??= []).push(run);
    return runs === null ? found : findInRuns(found, runs, high, low);
  }

  candidatesSince(from: number, identities: Uint8Array, offset: number): readonly number[] {
    if (this.#table.start + this.#table.count <= from) return NONE;
    this.#key.derive(identities, offset);
    return this.#table.find(this.#key.high, this.#key.low, from);
  }

  add(identities: Uint8Array, offset: number): void {
    this.#key.derive(identities, offset);
    this.#table.add(this.#key.high, this.#key.low);
  }

  truncate(size: number): void {
    this.#table.truncate(Math.max(0, size - this.#table.start));
  }

  settle(): void {
    if (this.#table.count >= this.#options.runEntries) {
      this.#frozen = [...this.#frozen, this.#table];
      this.#table = new IdentityTable(this.size);
    }
    if (this.#frozen.length > 0 && this.#building === null && performance.now() >= this.#retryAtMs) {
      this.#building = this.#build().finally(() => {
        this.#building = null;
      });
    }
  }

  async clear(): Promise<void> {
    await this.#building;
    for (const run of this.#runs) {
      await run.close();
      await rm(run.path, { force: true });
    }
    this.#runs = [];
    this.#frozen = [];
    this.#table = new IdentityTable(0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#building;
    await Promise.all([...this.#runs, ...this.#retired].map((run) => run.close()));
  }

  async #build(): Promise<void> {
    const { folder, builder, logger } = this.#options;
    try {
      for (let table = this.#frozen[0]; table !== undefined && !this.#closed; table = this.#frozen[0]) {
        const { start, count } = table;
        await builder.run({ kind: 'build', folder, start, ...table.keys() });
        const run = await this.#openBuilt({ start, count });
        this.#runs = [...this.#runs, run];
        this.#frozen = this.#frozen.slice(1);
        await this.#merge();
      }
    } catch (err) {
      if (this.#closed) return;
      this.#retryAtMs = performance.now() + RETRY_MS;
      logger.warn(
        { folder, err },
        'an identity run could not be built; it stays in memory and is tried again',
      );
    }
  }

  async #merge(): Promise<void> {
    const { folder, builder, runEntries } = this.#options;
    for (;;) {
      const last = this.#runs.slice(-MERGED_AT_ONCE);
      const tiers = new Set(last.map(({ range }) => tierOf(range, runEntries)));
      const count = last.reduce((sum, { range }) => sum + range.count, 0);
      if (last.length < MERGED_AT_ONCE || tiers.size > 1 || count > MOST_MERGED || this.#closed) return;
      await builder.run({ kind: 'merge', folder, ranges: last.map(({ range }) => range) });
      const merged = await this.#openBuilt({ start: last[0]?.range.start ?? 0, count });
      this.#runs = [...this.#runs.slice(0, -MERGED_AT_ONCE), merged];
      for (const { path } of last) await rm(path, { force: true });
      // A look-up may still be reading them: they are closed at the next merge.
      await Promise.all(this.#retired.map((run) => run.close()));
      this.#retired = last;
    }
  }

  async #openBuilt(range: RunRange): Promise<IdentityRun> {
    const run = await IdentityRun.open(this.#options.folder, range);
    if (run === null) throw new Error('a run that was just built does not read back');
    return run;
  }
}

async function findInRuns(
  found: readonly number[],
  runs: readonly IdentityRun[],
  high: number,
  low: number,
): Promise<readonly number[]> {
  const inRuns = await Promise.all(runs.map((run) => run.find(high, low)));
  return [...found, ...inRuns.flat()];
}

function tierOf({ count }: RunRange, runEntries: number): number {
  return Math.floor(Math.log(count / runEntries) / Math.log(MERGED_AT_ONCE));
}

function endOf(runs: readonly IdentityRun[]): number {
  const last = runs.at(-1);
  return last === undefined ? 0 : last.range.start + last.range.count;
}

async function readSecret(folder: string): Promise<Uint8Array> {
  const path = join(folder, 'secret');
  try {
    const secret = await readFile(path);
    if (secret.length === IDENTITY_SECRET_BYTES) return secret;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  // Runs made under another secret find nothing.
  for (const name of await readdir(folder)) await rm(join(folder, name), { force: true });
  const made = newIdentitySecret();
  try {
    await writeFile(path, made, { mode: 0o600, flush: true });
  } catch (error) {
    // Without space it serves this process alone: the next one makes another, and the index anew.
    if (!isFull(error)) throw error;
  }
  return made;
}

/** From entry 0 on, without a gap, the widest first; what is left over is deleted. */
async function openRuns(folder: string): Promise<IdentityRun[]> {
  const names = (await readdir(folder)).filter((name) => name !== 'secret');
  const ranges = names.map(parseRunName).filter((range) => range !== null);
  ranges.sort((a, b) => a.start - b.start || b.count - a.count);
  const runs: IdentityRun[] = [];
  for (const range of ranges) {
    if (range.start !== endOf(runs) || range.count <= 0) continue;
    const run = await IdentityRun.open(folder, range);
    if (run !== null) runs.push(run);
  }
  const kept = new Set(runs.map(({ path }) => path));
  for (const name of names) if (!kept.has(join(folder, name))) await rm(join(folder, name), { force: true });
  return runs;
}
