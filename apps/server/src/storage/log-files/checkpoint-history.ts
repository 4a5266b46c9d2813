/** Published checkpoints by size: `<history>/<10 digits>/<3 digits>/<16 digits>.json`. */
import { join } from 'node:path';
import * as v from 'valibot';
import { LogError } from '../../log/log-error.ts';
import type { HistoryRecord } from '../../log/log-store.ts';
import type { DurableFiles } from './durable-files.ts';
import type { FileSystem } from './file-system.ts';

const historyRecord = v.strictObject({
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  note: v.string(),
  companions: v.record(v.string(), v.string()),
});

/** The record of this size, or null. @throws LogError `corrupt` */
export async function readHistoryRecord(
  files: FileSystem,
  history: string,
  size: number,
): Promise<HistoryRecord | null> {
  if (!Number.isSafeInteger(size) || size < 0) return null;
  const path = recordPath(history, size);
  const bytes = await files.read(path);
  if (bytes === null) return null;
  try {
    return v.parse(historyRecord, JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw new LogError('corrupt', `${path} is not a history record: restore it from a backup`, { cause });
  }
}

/** Durable when it resolves. */
export async function writeHistoryRecord(
  durable: DurableFiles,
  history: string,
  record: HistoryRecord,
): Promise<void> {
  await durable.replaceDurably(recordPath(history, record.size), Buffer.from(JSON.stringify(record)));
}

function recordPath(history: string, size: number): string {
  const digits = String(size).padStart(16, '0');
  return join(history, digits.slice(0, -6), digits.slice(-6, -3), `${digits}.json`);
}
