/** Published entries of any log, decoded and said in one line. */
import type { LogEntry, LogEntryDetail } from '@vitrine/api';
import {
  ARTIFACT_TYPE,
  DISPOSAL_TYPE,
  HEAD_TYPE,
  KEY_ADD_TYPE,
  KEY_REVOKE_TYPE,
  KEY_ROTATE_TYPE,
  parseStatementLeaf,
  REGISTRATION_POLICY_TYPE,
  RELEASE_TYPE,
  ROOT_KEYS_TYPE,
  StatementError,
  WITHDRAWAL_TYPE,
  WITNESSES_TYPE,
} from '@vitrine/statements';
import type { Statement } from '@vitrine/statements';
import { encodeBase64, encodeHex, hashLeaf } from '@vitrine/tlog';
import { CentreError } from '../error.ts';
import type { Entry, Log } from '../log/log.ts';

/** Why an entry does not count, null when it does. Of logs of statements only. */
export type RefusalOf = (leafIndex: number) => Promise<string | null>;

/** An entry for a table. `refusalOf` is absent in open logs. */
export async function entryRow(entry: Entry, refusalOf: RefusalOf | undefined): Promise<LogEntry> {
  const base = {
    index: entry.leafIndex,
    leafHash: encodeHex(hashLeaf(entry.leaf)),
    sizeBytes: entry.leaf.length,
    registeredAt: entry.registeredAt,
  };
  if (refusalOf === undefined)
    return {
      ...base,
      predicateType: null,
      product: null,
      summary: `${entry.leaf.length} bytes`,
      admitted: null,
    };
  const statement = statementIn(entry);
  if (statement === undefined)
    return { ...base, predicateType: null, product: null, summary: 'Not a statement', admitted: false };
  return {
    ...base,
    predicateType: statement.predicateType,
    product: 'product' in statement.predicate ? statement.predicate.product : null,
    summary: inWords(statement),
    admitted: (await refusalOf(entry.leafIndex)) === null,
  };
}

/** An entry with its proof. @throws CentreError `not-found`, `root-size-not-kept` */
export async function entryDetail(
  log: Log,
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
  return {
    ...(await entryRow(entry, refusalOf)),
    leaf: encodeBase64(entry.leaf),
    refusal:
      refusalOf === undefined
        ? null
        : statementIn(entry) === undefined
          ? whyNoStatement(entry)
          : await refusalOf(leafIndex),
    proof: {
      treeSize,
      root: encodeHex(checkpoint?.root ?? (await log.rootAt(treeSize))),
      hashes: (await log.inclusionProof(leafIndex, treeSize)).map(encodeHex),
    },
    checkpoint: checkpoint?.note ?? null,
  };
}

function statementIn(entry: Entry): Statement | undefined {
  try {
    return parseStatementLeaf(entry.leaf).statement;
  } catch (error) {
    if (error instanceof StatementError) return undefined;
    throw error;
  }
}

function whyNoStatement(entry: Entry): string {
  try {
    parseStatementLeaf(entry.leaf);
    return '';
  } catch (error) {
    if (error instanceof StatementError) return error.message;
    throw error;
  }
}

/** A statement in one line. */
function inWords({ predicateType, predicate, subject }: Statement): string {
  switch (predicateType) {
    case RELEASE_TYPE:
      return `Release ${predicate.product} ${predicate.version}: ${counted(predicate.source.files, 'source file')}, ${counted(predicate.artifacts.count, 'artifact')}`;
    case ARTIFACT_TYPE:
      return `Artifact ${subject[0].name} of ${predicate.product} ${predicate.version}`;
    case WITHDRAWAL_TYPE:
      return `Withdrawal of ${predicate.product} ${predicate.version}`;
    case HEAD_TYPE:
      return `Head of ${predicate.head.origin}: ${counted(predicate.head.treeSize, 'entry')}`;
    case DISPOSAL_TYPE:
      return `Disposal of ${counted(predicate.objects.count, 'object')} of ${predicate.product}`;
    case ROOT_KEYS_TYPE:
      return `Root keys: ${predicate.threshold} of ${predicate.keys.length}`;
    case REGISTRATION_POLICY_TYPE:
      return `Registration policy ${predicate.version}: ${counted(predicate.rules.length, 'rule')}`;
    case WITNESSES_TYPE:
      return `Witnesses: ${predicate.witnesses.length}, a quorum of ${counted(predicate.quorum, 'operator')}`;
    case KEY_ADD_TYPE:
      return `Key ${subject[0].digest.sha256.slice(0, 8)} added as ${predicate.roles.map((role) => role.role).join(', ')}`;
    case KEY_ROTATE_TYPE:
      return `Key ${predicate.key.slice(0, 8)} replaced by its successor`;
    case KEY_REVOKE_TYPE:
      return `Key ${predicate.key.slice(0, 8)} revoked: ${predicate.reason}`;
  }
}

function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count.toLocaleString('en')} ${noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}
