/** The logs that a centre writes: the writer's `statements` (the root log), `keys` and open ones, and every centre's `intake`. */
import {
  CLOSED_TYPE,
  MAX_ENVELOPE_BYTES,
  parseEnvelope,
  parseStatementLeaf,
  STATEMENT_PAYLOAD_TYPE,
  StatementError,
  identityOf,
} from '@vitrine/statements';
import { createHash } from 'node:crypto';
import { ed25519Key } from '../log/ed25519-key.ts';
import { closingInWords, closingOf } from '../closings/closing.ts';
import type { EntryKind, LogSpec } from '../log/log.ts';
import type { Config } from '../config.ts';
import type { DataFolder } from './data-folder.ts';
import { readKeyFile } from './key-files.ts';

export const ROOT_LOG = 'statements';
export const KEYS_LOG = 'keys';
export const INTAKE_LOG = 'intake';

/** Identity of a statement, and of whatever else a log may hold: total, since the log runs it over everything it has. */
function statementIdentity(entry: Uint8Array): Uint8Array {
  try {
    return Buffer.from(identityOf(parseEnvelope(entry, STATEMENT_PAYLOAD_TYPE, MAX_ENVELOPE_BYTES)), 'hex');
  } catch (error) {
    if (error instanceof StatementError) return createHash('sha256').update(entry).digest();
    throw error;
  }
}

/** Why the root log has ended with this entry; null for any other. Who may say so was asked at the door. */
function rootEndsWith(leaf: Uint8Array, leafIndex: number): string | null {
  try {
    const { registeredAtMs, statement } = parseStatementLeaf(leaf);
    if (statement.predicateType !== CLOSED_TYPE) return null;
    const { closed, log } = statement.predicate;
    return closed.origin === log && closed.treeSize === leafIndex
      ? closingInWords(closingOf(statement, { leafIndex, registeredAtMs }))
      : null;
  } catch (error) {
    if (error instanceof StatementError) return null;
    throw error;
  }
}

const registered: EntryKind = { kind: 'registered', identityOf: statementIdentity };

/** The specs of all logs that this centre writes, with their keys read from the data folder. @throws ConfigError */
export function logSpecs(config: Config, folder: DataFolder): LogSpec[] {
  const spec = (name: string) => ({
    name,
    origin: `${config.name}/${name}`,
    key: ed25519Key(readKeyFile(folder.logKey(name))),
  });
  const intake = { ...spec(INTAKE_LOG), entries: registered, maxEntryBytes: MAX_ENVELOPE_BYTES };
  if (config.follow !== undefined) return [intake];
  return [
    {
      ...spec(ROOT_LOG),
      entries: registered,
      maxEntryBytes: MAX_ENVELOPE_BYTES,
      keepHistory: true,
      endsWith: rootEndsWith,
    },
    { ...spec(KEYS_LOG), entries: registered, maxEntryBytes: MAX_ENVELOPE_BYTES, anchorAtOnce: true },
    intake,
    ...config.openLogs.map((name) => ({ ...spec(name), entries: { kind: 'open' } as const })),
  ];
}

/** The instance's own cosigner. Its name is not a log's: `NAME/cosigner`. */
export function cosignerOf(
  config: Config,
  folder: DataFolder,
): { readonly name: string; readonly key: ReturnType<typeof ed25519Key> } {
  return { name: `${config.name}/cosigner`, key: ed25519Key(readKeyFile(folder.cosignerKey)) };
}
