/**
 * Watches in local state: where somebody wants to be told, how far they have been told, and the delivery that is under way. No log
 * gives them back. The secrets stand here as they are: a centre could sign nothing with a digest of them.
 */
import type { Kysely } from 'kysely';

export interface WatchTables {
  watches: {
    /** 32 hex digits, random. */
    id: string;
    /** `whsec_…`. */
    secret: string;
    url: string;
    /** Of the URL, as limits count it. */
    host: string;
    watched: 'key' | 'product' | 'promises';
    /** The keyid or the product; empty for promises. */
    name: string;
    state: 'unconfirmed' | 'active' | 'suspended' | 'ended';
    created_at: number;
    /** When it is forgotten unless it becomes active; null while it is. */
    expires_at: number | null;
    /** What stands below has been told, or need not be: an index of the root log; of promises a number in `promise_changes`. */
    position: number;
    /** The newest delivery that was taken. */
    delivery: string | null;
    delivered_at: number | null;
    delivered_entries: number | null;
    /** Of attempts that failed since one did not. */
    attempts: number;
    failing_since: number | null;
    failed_at: number | null;
    failure: string | null;
    next_attempt_at: number;
  };
  /** At most one a watch: sent again, as these very bytes under this ID, until it is taken. */
  watch_deliveries: {
    watch: string;
    /** The webhook-id. */
    id: string;
    body: string;
    entries: number;
    /** The watch's once it is taken. */
    next_position: number;
    made_at: number;
  };
  /** Changes of promises in the order in which this centre found them. Kept while promises are watched. */
  promise_changes: {
    number: number;
    /** The permanent name that the feed gives it. */
    name: string;
    /** JSON, as it is told. */
    change: string;
  };
}

export async function prepareWatchTables<State extends WatchTables>({
  schema,
}: Kysely<State>): Promise<void> {
  await schema
    .createTable('watches')
    .ifNotExists()
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('secret', 'text', (column) => column.notNull())
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('host', 'text', (column) => column.notNull())
    .addColumn('watched', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('delivery', 'text')
    .addColumn('delivered_at', 'bigint')
    .addColumn('delivered_entries', 'bigint')
    .addColumn('attempts', 'bigint', (column) => column.notNull())
    .addColumn('failing_since', 'bigint')
    .addColumn('failed_at', 'bigint')
    .addColumn('failure', 'text')
    .addColumn('next_attempt_at', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('watch_deliveries')
    .ifNotExists()
    .addColumn('watch', 'text', (column) => column.primaryKey())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('entries', 'bigint', (column) => column.notNull())
    .addColumn('next_position', 'bigint', (column) => column.notNull())
    .addColumn('made_at', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('promise_changes')
    .ifNotExists()
    .addColumn('number', 'bigint', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('change', 'text', (column) => column.notNull())
    .execute();
}
