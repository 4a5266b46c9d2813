/** What a monitor keeps in local state: forks that it knows, and checkpoints that it cannot judge yet. No log gives it back. */
import type { Kysely } from 'kysely';

export interface MonitorTables {
  forks: {
    /** 32 hex digits, of the digests of both checkpoints. */
    id: string;
    origin: string;
    /** Hex SHA-256 of the text of the checkpoint that contradicts what was held. */
    offending: string;
    /** And of the other one. */
    held: string;
    /** How it was found, in words. */
    found_by: string;
    found_at: number;
    /** The evidence file, which is text. */
    evidence: string;
    /** When the root keys had said which branch goes on; null until then, and so long the log is frozen. */
    resolved_at: number | null;
  };
  /** Checkpoints signed by their log that are of no size known yet. */
  gossip: { origin: string; size: number; note: string };
}

export async function prepareMonitorTables<State extends MonitorTables>({
  schema,
}: Kysely<State>): Promise<void> {
  await schema
    .createTable('forks')
    .ifNotExists()
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('offending', 'text', (column) => column.notNull())
    .addColumn('held', 'text', (column) => column.notNull())
    .addColumn('found_by', 'text', (column) => column.notNull())
    .addColumn('found_at', 'bigint', (column) => column.notNull())
    .addColumn('evidence', 'text', (column) => column.notNull())
    .addColumn('resolved_at', 'bigint')
    .execute();
  await schema
    .createTable('gossip')
    .ifNotExists()
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('note', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('gossip_key', ['origin', 'size'])
    .execute();
}
