/** State of this centre alone, not derivable from the logs, backed up: publications under way, the secret of each snapshot, who sent which object, who is told of what. */
import type { Kysely } from 'kysely';
import { type MonitorTables, prepareMonitorTables } from '../monitor/tables.ts';
import { prepareWatchTables, type WatchTables } from '../watches/tables.ts';

export interface LocalState extends MonitorTables, WatchTables {
  publications: {
    id: string;
    product: string;
    version: string;
    /** 64 hex digits. The manifest in the vault holds it too, once the release is registered. */
    snapshot_secret: string;
    /** Key ID. Once it may no longer publish, and nothing was registered, whoever may begins afresh. */
    opened_by: string;
    opened_at: number;
    /** Payload digest of the release statement, once registered. */
    release_digest: string | null;
  };
  /** HMAC of product and digest of each object received for the product (releases/holdings.ts). */
  holdings: { name: string };
  /**
   * Bodies of statements of intake logs that are here, with which they came or by copy from another centre, by the payload digest of the
   * statement. Anyone may read those that came as `public` ones; the parties of a review may those that came for `parties`.
   */
  intake_bodies: { statement: string; body: string; access: 'parties' | 'public' };
}

export type LocalDb = Kysely<LocalState>;

export async function prepareLocalState(db: LocalDb): Promise<void> {
  await db.schema
    .createTable('publications')
    .ifNotExists()
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('product', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('snapshot_secret', 'text', (column) => column.notNull())
    .addColumn('opened_by', 'text', (column) => column.notNull())
    .addColumn('opened_at', 'bigint', (column) => column.notNull())
    .addColumn('release_digest', 'text')
    .addUniqueConstraint('publications_product_version', ['product', 'version'])
    .execute();
  await db.schema
    .createTable('holdings')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey())
    .execute();
  await db.schema
    .createTable('intake_bodies')
    .ifNotExists()
    .addColumn('statement', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('access', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('intake_bodies_key', ['statement', 'body'])
    .execute();
  await prepareMonitorTables(db);
  await prepareWatchTables(db);
}
