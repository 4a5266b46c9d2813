/** Where logs are brought back to: the port that `storage/log-files` implements. One process, which has locked the data folder. */
import type { CommittedBatch, CommittedLog, HistoryRecord, LogStore } from '../log/log-store.ts';
import type { FollowedStore } from '../witnessing/followed-store.ts';

/** A log as it lies there, read without changing anything. */
export interface CommittedStore extends Pick<LogStore, 'readFile' | 'partialWidths' | 'readHistory'> {
  /** null if there is nothing of it. @throws LogError `corrupt` */
  readCommitted(): Promise<CommittedLog | null>;
}

/** A log made anew beside the data folder's own. */
export interface StagedLog extends CommittedStore {
  /** Where it is pulled to; what is published there counts as published. */
  readonly followed: FollowedStore;
  /** For whoever checks it as a stranger would: laid out as its URLs. */
  readonly publicFolder: string;
  /** Takes over the published checkpoints by size that the data folder has of this log. */
  keepHistory(): Promise<void>;
  /** A published checkpoint by size. */
  addHistory(record: HistoryRecord): Promise<void>;
  /** Makes it a log that can be written, of which `batch` is durable and not published. */
  adopt(publishedSize: number, batch: CommittedBatch | null): Promise<void>;
}

/** All promises reject with LogError `disk-full`, or with the error of the medium. */
export interface RestoreStorage {
  /** What the data folder holds of a log. */
  kept(name: string): CommittedStore;
  /** Makes an empty one. */
  stage(name: string): Promise<StagedLog>;
  /** Whether what the centre's two cosigners have signed is there, with their keys. */
  hasCosigners(): Promise<boolean>;
  /** Stages new keys for them, that have signed nothing. */
  stageCosigners(): Promise<void>;
  /**
   * Puts all that was staged in the place of what is there, which is kept: all of it or nothing, whenever this ends.
   * @returns the folder of what was there before; null if there was nothing
   */
  commit(): Promise<string | null>;
  /** Drops what was staged, and lets the data folder go. */
  close(): Promise<void>;
}
