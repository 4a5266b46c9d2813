/**
 * One log in files. Public: `<logs>/<name>/`, laid out as its URLs. Private: `<log-state>/<name>/` with the
 * write-ahead segments, the history of published checkpoints, and files being written. One process at a time:
 * the folder's lock sees to it.
 */
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { parseCheckpoint, parseNote, TlogError } from '@vitrine/tlog';
import { LogError } from '../../log/log-error.ts';
import type {
  CommittedBatch,
  CommittedLog,
  HistoryRecord,
  LogStore,
  OpenedStore,
  TileFile,
} from '../../log/log-store.ts';
import { readHistoryRecord, writeHistoryRecord } from './checkpoint-history.ts';
import { DurableFiles, full, inParallel } from './durable-files.ts';
import { type AppendableFile, type FileSystem, isFull } from './file-system.ts';
import {
  formatRecord,
  formatSegmentHeader,
  type ScannedSegment,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  scanSegment,
} from './wal-segment.ts';

/** A segment that has grown past this is followed by a new one. */
const SEGMENT_BYTES = 32 * 1024 * 1024;
/**
 * Tiles under way at once. Each is some five calls, one after another, and under load the event loop answers each of
 * them late: with 3 under way the 99th percentile to a published checkpoint was over twice that of 24. The thread pool
 * (four by default) bounds what reaches the disk together, so the write-ahead file waits for a few calls at most.
 */
const TILES_AT_ONCE = 24;
const SEGMENT_NAME = /^\d{16}-\d{16}\.wal$/;

type SegmentName = { readonly path: string; readonly epoch: number; readonly startSize: number };
type Segment = { readonly path: string; readonly header: SegmentHeader; endSize: number };

/** The folders of one log. */
export type LogFolders = { readonly publicFolder: string; readonly stateFolder: string };

export class FileLogStore implements LogStore {
  readonly #files: FileSystem;
  readonly #public: string;
  readonly #state: string;
  readonly #wal: string;
  readonly #history: string;
  readonly #written: DurableFiles;
  readonly #segmentBytes: number;
  #isTidy = false;
  /** Oldest first; the last one is written to. */
  #segments: Segment[] = [];
  #file: AppendableFile | null = null;
  #position = 0;
  /** Size that callers were told is durable; null before the first `open`. */
  #size: number | null = null;
  #serial: Promise<void> = Promise.resolve();

  constructor(files: FileSystem, folders: LogFolders, segmentBytes: number = SEGMENT_BYTES) {
    this.#files = files;
    this.#public = folders.publicFolder;
    this.#state = folders.stateFolder;
    this.#wal = join(folders.stateFolder, 'wal');
    this.#history = join(folders.stateFolder, 'history');
    this.#written = new DurableFiles(
      files,
      [folders.publicFolder, folders.stateFolder],
      join(folders.stateFolder, 'tmp'),
    );
    this.#segmentBytes = segmentBytes;
  }

  /** Makes an empty log: its folders and a first segment. @throws LogError `log-exists` */
  async create(): Promise<void> {
    if ((await this.#segmentNames()).length > 0 || (await this.#files.list(this.#public)).length > 0) {
      throw new LogError('log-exists', `there is a log in ${this.#public} already`);
    }
    for (const folder of [this.#public, this.#wal, this.#history]) await this.#written.ensureFolder(folder);
    await this.#written.emptyTemporary();
    // `logs` and `log-state`, and the data folder itself, may be as new.
    for (const root of [this.#public, this.#state]) {
      await this.#files.syncDirectory(dirname(dirname(root)));
      await this.#files.syncDirectory(dirname(dirname(dirname(root))));
    }
    await this.#writeSegment({ epoch: 1, startSize: 0, salt: randomBytes(16) }, []);
  }

  /** Begins the write-ahead of a log whose published checkpoint and tiles are there. One batch may reach further. */
  async adopt(startSize: number, batch: CommittedBatch | null): Promise<void> {
    for (const folder of [this.#wal, this.#history]) await this.#written.ensureFolder(folder);
    await this.#written.emptyTemporary();
    await this.#writeSegment({ epoch: 1, startSize, salt: randomBytes(16) }, batch === null ? [] : [batch]);
  }

  /**
   * What is there, without changing anything: null if nothing is.
   * @throws LogError `corrupt`
   */
  async readCommitted(): Promise<CommittedLog | null> {
    const published = await this.#readPublished();
    if ((await this.#segmentNames()).length === 0)
      return published === null ? null : { published: published.note, batches: [] };
    const publishedSize = published?.size ?? 0;
    const { header, batches } = await this.#readSegments(publishedSize);
    this.#checkReach(header.startSize, endOf(batches, header.startSize), publishedSize);
    return {
      published: published?.note ?? null,
      batches: batches.filter((batch) => endSizeOf(batch) > publishedSize),
    };
  }

  async readPublished(): Promise<string | null> {
    if ((await this.#segmentNames()).length === 0) throw this.#missing();
    return (await this.#readPublished())?.note ?? null;
  }

  open(): Promise<OpenedStore> {
    return this.#serially(async () => {
      try {
        return await this.#open();
      } catch (cause) {
        throw isFull(cause) ? full(cause) : cause;
      }
    });
  }

  commitBatch(
    epoch: number,
    oldSize: number,
    entries: readonly Uint8Array[],
    checkpoint: string,
  ): Promise<void> {
    return this.#serially(() => this.#commit(epoch, { oldSize, entries, checkpoint }));
  }

  async writeTiles(files: readonly TileFile[]): Promise<void> {
    const folders = new Set<string>();
    await inParallel(TILES_AT_ONCE, files, async ({ path, bytes }) => {
      const target = join(this.#public, path);
      folders.add(dirname(target));
      await this.#written.replace(target, bytes());
    });
    await inParallel(TILES_AT_ONCE, [...folders], (folder) => this.#files.syncDirectory(folder));
  }

  async publish(note: string, size: number, history: HistoryRecord | null): Promise<void> {
    if (history !== null) {
      await writeHistoryRecord(this.#written, this.#history, history);
    }
    await this.#written.replaceDurably(join(this.#public, 'checkpoint'), Buffer.from(note));
    await this.#serially(() => this.#dropSegments(size));
  }

  async removePartials(fullTilePaths: readonly string[]): Promise<void> {
    await inParallel(TILES_AT_ONCE, fullTilePaths, (path) =>
      this.#written.removeFolder(join(this.#public, `${path}.p`)),
    );
  }

  readFile(path: string): Promise<Uint8Array | null> {
    return this.#files.read(join(this.#public, path));
  }

  async partialWidths(path: string): Promise<number[]> {
    const names = await this.#files.list(join(this.#public, `${path}.p`));
    return names.filter((name) => /^[1-9]\d{0,2}$/.test(name)).map(Number);
  }

  async readHistory(size: number): Promise<HistoryRecord | null> {
    return readHistoryRecord(this.#files, this.#history, size);
  }

  async close(): Promise<void> {
    await this.#serially(async () => {
      await this.#file?.close();
      this.#file = null;
    });
  }

  /** Opening, committing and dropping segments take turns: after a failed commit they could meet. */
  #serially<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#serial.then(step);
    this.#serial = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /**
   * Reads the segments back with fresh descriptors, and copies what is not in tiles yet into a segment of a new
   * epoch. So no byte is trusted because it was in the page cache: after a failed fdatasync the kernel may hold
   * as clean what never reached the disk, and after a kill -9 it may hold what nobody has synced yet.
   * Where there is no space for that segment the old ones stay as they are.
   */
  async #open(): Promise<OpenedStore> {
    await this.#abandonFile();
    // Once only: later, what is published may be on its way through that folder.
    if (!this.#isTidy) await this.#written.emptyTemporary();
    this.#isTidy = true;
    const publishedSize = (await this.#readPublished())?.size ?? 0;
    const old = await this.#readSegments(publishedSize);
    const epoch = old.header.epoch + 1;
    const batches = this.#durable(old.batches);
    const endSize = endOf(batches, old.header.startSize);
    this.#checkReach(old.header.startSize, endSize, publishedSize);
    const kept = batches.filter((batch) => endSizeOf(batch) > publishedSize);
    const header = { epoch, startSize: kept[0]?.oldSize ?? endSize, salt: randomBytes(16) };
    const segment = await this.#writeSegment(header, kept);
    const outdated = (await this.#segmentNames()).filter(({ path }) => path !== segment.path);
    for (const { path } of outdated) await this.#files.remove(path);
    this.#segments = [segment];
    this.#size = endSize;
    await this.#continueSegment(segment);
    return { epoch, batches: kept };
  }

  async #commit(epoch: number, batch: CommittedBatch): Promise<void> {
    let segment = this.#segments.at(-1);
    if (segment === undefined || this.#file === null) throw new Error('the store is not open');
    if (segment.header.epoch !== epoch || this.#size !== batch.oldSize) {
      throw new LogError(
        'stale-writer',
        `a commit of epoch ${epoch} at size ${batch.oldSize} meets a log of epoch ${segment.header.epoch} at size ${String(this.#size)}`,
      );
    }
    if (this.#position > this.#segmentBytes) segment = await this.#rollOver(epoch, batch.oldSize);
    const record = formatRecord(segment.header, batch);
    try {
      await this.#append(this.#file, record);
    } catch (cause) {
      // Until `open` has read the segment back nothing may be written after it.
      if (!(cause instanceof LogError)) await this.#abandonFile();
      throw cause;
    }
    this.#position += record.length;
    segment.endSize = batch.oldSize + batch.entries.length;
    this.#size = segment.endSize;
  }

  async #append(file: AppendableFile, record: Uint8Array): Promise<void> {
    try {
      await file.write(record, this.#position);
    } catch (cause) {
      if (!isFull(cause)) throw cause;
      // What was written of the record goes. If even that fails, the outcome is unknown.
      await file.truncate(this.#position);
      throw full(cause);
    }
    await file.datasync();
  }

  async #abandonFile(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close().catch(() => undefined);
  }

  async #rollOver(epoch: number, startSize: number): Promise<Segment> {
    try {
      const segment = await this.#writeSegment({ epoch, startSize, salt: randomBytes(16) }, []);
      await this.#file?.close();
      this.#segments.push(segment);
      await this.#continueSegment(segment);
      return segment;
    } catch (cause) {
      throw isFull(cause) ? full(cause) : cause;
    }
  }

  /** Writes a segment under another name first: one that can be seen is whole. */
  async #writeSegment(header: SegmentHeader, batches: readonly CommittedBatch[]): Promise<Segment> {
    const path = join(this.#wal, `${pad(header.epoch)}-${pad(header.startSize)}.wal`);
    const records = batches.map((batch) => formatRecord(header, batch));
    await this.#written.replaceDurably(path, Buffer.concat([formatSegmentHeader(header), ...records]));
    this.#position = SEGMENT_HEADER_BYTES + records.reduce((sum, record) => sum + record.length, 0);
    return { path, header, endSize: endOf(batches, header.startSize) };
  }

  async #continueSegment(segment: Segment): Promise<void> {
    this.#file = await this.#files.openForAppend(segment.path);
  }

  async #dropSegments(publishedSize: number): Promise<void> {
    const current = this.#segments.at(-1);
    for (const segment of this.#segments.filter((one) => one !== current && one.endSize <= publishedSize)) {
      await this.#files.remove(segment.path);
      this.#segments = this.#segments.filter((one) => one !== segment);
    }
  }

  /**
   * The segments of the newest epoch: the first of an epoch holds all that was worth keeping of the older ones.
   * Those wholly below the published size are passed over; some may have been dropped, in whatever order.
   */
  async #readSegments(publishedSize: number): Promise<Pick<ScannedSegment, 'header' | 'batches'>> {
    const names = await this.#segmentNames();
    const newest = names.at(-1);
    if (newest === undefined) throw this.#missing();
    const ofEpoch = names.filter(({ epoch }) => epoch === newest.epoch);
    const needed = ofEpoch.filter((_, i) => (ofEpoch[i + 1]?.startSize ?? Infinity) > publishedSize);
    const batches: CommittedBatch[] = [];
    let first: SegmentHeader | null = null;
    for (const { path, epoch, startSize } of needed) {
      const bytes = (await this.#files.read(path)) ?? new Uint8Array(0);
      const segment = scanSegment(path, bytes, path === newest.path);
      first ??= segment.header;
      if (segment.header.epoch !== epoch || segment.header.startSize !== startSize) {
        throw new LogError('corrupt', `${path}: its header is not that of its name`);
      }
      if (startSize !== endOf(batches, first.startSize)) {
        throw new LogError('corrupt', `${path} does not follow the segment before it: one is missing`);
      }
      batches.push(...segment.batches);
    }
    return {
      header: first ?? { epoch: newest.epoch, startSize: newest.startSize, salt: randomBytes(16) },
      batches,
    };
  }

  #missing(): LogError {
    return new LogError(
      'log-missing',
      `there is no log in ${this.#wal}: it is made by “vitrine init”, and brought back from others' copies by “vitrine restore”`,
    );
  }

  /** Sorted by epoch, then by start size. */
  async #segmentNames(): Promise<SegmentName[]> {
    const names = (await this.#files.list(this.#wal)).filter((name) => SEGMENT_NAME.test(name)).toSorted();
    return names.map((name) => {
      const [epoch, startSize] = name.split(/[-.]/).map(Number);
      return { path: join(this.#wal, name), epoch: epoch ?? 0, startSize: startSize ?? 0 };
    });
  }

  /** Within a process, a batch whose commit failed is not durable, whatever the page cache shows. */
  #durable(batches: readonly CommittedBatch[]): readonly CommittedBatch[] {
    const size = this.#size;
    return size === null ? batches : batches.filter((batch) => endSizeOf(batch) <= size);
  }

  #checkReach(startSize: number, endSize: number, publishedSize: number): void {
    if (this.#size !== null && endSize < this.#size) {
      throw new LogError(
        'corrupt',
        `${this.#wal} ends at size ${endSize}, but ${this.#size} entries were acknowledged`,
      );
    }
    if (endSize < publishedSize || startSize > publishedSize) {
      throw new LogError(
        'corrupt',
        `the published checkpoint in ${this.#public} is of size ${publishedSize}, but ${this.#wal} reaches from ${startSize} to ${endSize}: the two are of different times; restore both from one backup`,
      );
    }
  }

  async #readPublished(): Promise<{ readonly note: string; readonly size: number } | null> {
    const path = join(this.#public, 'checkpoint');
    const bytes = await this.#files.read(path);
    if (bytes === null) return null;
    const note = Buffer.from(bytes).toString('utf8');
    try {
      return { note, size: parseCheckpoint(parseNote(bytes).text).treeSize };
    } catch (cause) {
      if (!(cause instanceof TlogError)) throw cause;
      throw new LogError('corrupt', `${path}: ${cause.message}`, { cause });
    }
  }
}

/** Size of the log after these batches, which start at `startSize`. */
function endOf(batches: readonly CommittedBatch[], startSize: number): number {
  const last = batches.at(-1);
  return last === undefined ? startSize : endSizeOf(last);
}

function endSizeOf(batch: CommittedBatch): number {
  return batch.oldSize + batch.entries.length;
}

function pad(value: number): string {
  return String(value).padStart(16, '0');
}
