/** Published entries of any log, decoded and said in one sentence. */
import type { LogEntry, LogEntryDetail } from '@vitrine/api';
import { encodeBase64, encodeHex, hashLeaf } from '@vitrine/tlog';
import { describeLeaf } from '@vitrine/verifier/statement-in-words';
import { CentreError } from '../error.ts';
import type { Entry, LogView } from '../log/log.ts';

/** Why an entry does not count, null when it does. Of logs of statements only. */
export type RefusalOf = (leafIndex: number) => Promise<string | null>;

/** An entry for a table. `refusalOf` is absent in open logs. */
export async function entryRow(entry: Entry, refusalOf: RefusalOf | undefined): Promise<LogEntry> {
  return (await judgedRow(entry, refusalOf)).row;
}

/** An entry with its proof. @throws CentreError `not-found` */
export async function entryDetail(
  log: LogView,
  leafIndex: number,
  size: number | undefined,
  refusalOf: RefusalOf | undefined,
): Promise<LogEntryDetail> {
  const treeSize = size ?? log.published.size;
  if (treeSize > log.published.size)
    throw new CentreError(
      'not-found',
      `The log “${log.name}” has published ${log.published.size} entries, not ${treeSize}.`,
    );
  if (leafIndex >= treeSize)
    throw new CentreError('not-found', `Entry ${leafIndex} is not below size ${treeSize}.`);
  const entry = await log.readEntry(leafIndex);
  const checkpoint = treeSize === log.published.size ? log.published : await log.checkpointAt(treeSize);
  const { row, refusal } = await judgedRow(entry, refusalOf);
  return {
    ...row,
    leaf: encodeBase64(entry.leaf),
    refusal,
    proof: {
      treeSize,
      root: encodeHex(checkpoint?.root ?? (await log.rootAt(treeSize))),
      hashes: (await log.inclusionProof(leafIndex, treeSize)).map(encodeHex),
    },
    checkpoint: checkpoint?.note ?? null,
  };
}

async function judgedRow(
  entry: Entry,
  refusalOf: RefusalOf | undefined,
): Promise<{ readonly row: LogEntry; readonly refusal: string | null }> {
  const base = {
    index: entry.leafIndex,
    leafHash: encodeHex(hashLeaf(entry.leaf)),
    sizeBytes: entry.leaf.length,
    registeredAt: entry.registeredAt,
  };
  if (refusalOf === undefined) {
    const summary = `${entry.leaf.length} bytes`;
    return { row: { ...base, predicateType: null, product: null, summary, admitted: null }, refusal: null };
  }
  const described = describeLeaf(entry.leaf);
  if (!described.ok) {
    const row = { ...base, predicateType: null, product: null, summary: 'Not a statement', admitted: false };
    return { row, refusal: described.reason };
  }
  const { predicateType, predicate } = described.leaf.statement;
  const refusal = await refusalOf(entry.leafIndex);
  return {
    row: {
      ...base,
      predicateType,
      product: 'product' in predicate ? predicate.product : null,
      summary: described.words,
      admitted: refusal === null,
    },
    refusal,
  };
}
