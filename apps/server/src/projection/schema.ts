/**
 * The read models: one database, a pure function of the published logs. Delete it and it is rebuilt.
 * Times are milliseconds since 1970, digests lower-case hex.
 */
import type { Kysely, Transaction } from 'kysely';

export interface ReadModels {
  /** One row: how far the root log (its origin, and its root at that size) and the keys log have been folded, and by which semantics. */
  progress: {
    id: number;
    semantics: number;
    origin: string;
    root_size: number;
    root_hash: string;
    keys_size: number;
  };
  /** Every entry of the root log that is a statement. `refusal` is null when it is admitted and counts. */
  statements: {
    leaf_index: number;
    digest: string;
    registered_at: number;
    predicate_type: string;
    product: string | null;
    refusal: string | null;
  };
  releases: {
    leaf_index: number;
    digest: string;
    registered_at: number;
    product: string;
    version: string;
    source_root: string;
    source_files: number;
    artifact_count: number;
    /** Of the artifacts that it says it has, those that stand in the log. */
    artifacts_shown: number;
    artifact_list: string;
    sbom_format: string | null;
    sbom_digest: string | null;
    provenance_digest: string | null;
    notes_digest: string | null;
    supersedes: string | null;
    signers: string;
  };
  artifacts: {
    leaf_index: number;
    digest: string;
    registered_at: number;
    release_digest: string;
    product: string;
    version: string;
    name: string;
    sha256: string;
    size_bytes: number;
  };
  withdrawals: {
    leaf_index: number;
    digest: string;
    registered_at: number;
    release_digest: string;
    reason_digest: string;
    signers: string;
  };
  /** Bodies that anyone may read, because an admitted statement names them as public. */
  public_bodies: { digest: string; leaf_index: number };
  /** Source manifests and lists of disposed objects: never given out, whatever else a statement calls them. */
  secret_bodies: { digest: string; leaf_index: number };
  disposals: { leaf_index: number; list_digest: string; reason_digest: string };
}

export type ReadDb = Kysely<ReadModels>;
export type ReadTx = Transaction<ReadModels>;

/** Raised whenever a fold changes what it emits; a database of other semantics is dropped and rebuilt. */
const SEMANTICS = 2;

const tables = [
  'progress',
  'statements',
  'releases',
  'artifacts',
  'withdrawals',
  'public_bodies',
  'secret_bodies',
  'disposals',
] as const;

/**
 * Makes the tables; drops and makes them anew when they were folded by other semantics, or, as after a restore, from entries that
 * are not in this log. All or nothing, so that a crash leaves no table behind that the progress does not tell of.
 * @param log `rootAt`: the hex root hash at a size, null where the log has not published so much
 */
export async function prepareReadModels(
  db: ReadDb,
  log: { readonly origin: string; readonly rootAt: (size: number) => Promise<string | null> },
): Promise<void> {
  const isOf = async (tx: ReadTx): Promise<boolean> => {
    const present = await tx.introspection.getTables();
    if (!present.some(({ name }) => name === 'progress')) return false;
    const known = await tx.selectFrom('progress').select('semantics').executeTakeFirst();
    if (known?.semantics !== SEMANTICS) return false;
    const progress = await tx.selectFrom('progress').selectAll().executeTakeFirstOrThrow();
    return progress.origin === log.origin && progress.root_hash === (await log.rootAt(progress.root_size));
  };
  const rootHash = await log.rootAt(0);
  await db.transaction().execute(async (tx) => {
    if (await isOf(tx)) return;
    for (const table of tables) await tx.schema.dropTable(table).ifExists().execute();
    await createTables(tx);
    await tx
      .insertInto('progress')
      .values({
        id: 1,
        semantics: SEMANTICS,
        origin: log.origin,
        root_size: 0,
        root_hash: rootHash ?? '',
        keys_size: 0,
      })
      .execute();
  });
}

/** Empties every table but the progress. */
export async function clearReadModels(tx: ReadTx): Promise<void> {
  for (const table of tables) if (table !== 'progress') await tx.deleteFrom(table).execute();
}

async function createTables({ schema }: ReadTx): Promise<void> {
  await schema
    .createTable('progress')
    .ifNotExists()
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('semantics', 'integer', (column) => column.notNull())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('root_size', 'bigint', (column) => column.notNull())
    .addColumn('root_hash', 'text', (column) => column.notNull())
    .addColumn('keys_size', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('statements')
    .ifNotExists()
    .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('registered_at', 'bigint', (column) => column.notNull())
    .addColumn('predicate_type', 'text', (column) => column.notNull())
    .addColumn('product', 'text')
    .addColumn('refusal', 'text')
    .execute();
  await schema.createIndex('statements_digest').ifNotExists().on('statements').column('digest').execute();
  await schema
    .createTable('releases')
    .ifNotExists()
    .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull().unique())
    .addColumn('registered_at', 'bigint', (column) => column.notNull())
    .addColumn('product', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('source_root', 'text', (column) => column.notNull())
    .addColumn('source_files', 'bigint', (column) => column.notNull())
    .addColumn('artifact_count', 'bigint', (column) => column.notNull())
    .addColumn('artifacts_shown', 'bigint', (column) => column.notNull())
    .addColumn('artifact_list', 'text', (column) => column.notNull())
    .addColumn('sbom_format', 'text')
    .addColumn('sbom_digest', 'text')
    .addColumn('provenance_digest', 'text')
    .addColumn('notes_digest', 'text')
    .addColumn('supersedes', 'text')
    .addColumn('signers', 'text', (column) => column.notNull())
    .addUniqueConstraint('releases_product_version', ['product', 'version'])
    .execute();
  await schema
    .createIndex('releases_source_root')
    .ifNotExists()
    .on('releases')
    .column('source_root')
    .execute();
  await schema
    .createTable('artifacts')
    .ifNotExists()
    .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull().unique())
    .addColumn('registered_at', 'bigint', (column) => column.notNull())
    .addColumn('release_digest', 'text', (column) => column.notNull())
    .addColumn('product', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('sha256', 'text', (column) => column.notNull())
    .addColumn('size_bytes', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('artifacts_release_name', ['release_digest', 'name'])
    .execute();
  await schema.createIndex('artifacts_sha256').ifNotExists().on('artifacts').column('sha256').execute();
  await schema
    .createTable('withdrawals')
    .ifNotExists()
    .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('registered_at', 'bigint', (column) => column.notNull())
    .addColumn('release_digest', 'text', (column) => column.notNull())
    .addColumn('reason_digest', 'text', (column) => column.notNull())
    .addColumn('signers', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createIndex('withdrawals_release')
    .ifNotExists()
    .on('withdrawals')
    .column('release_digest')
    .execute();
  for (const table of ['public_bodies', 'secret_bodies'] as const) {
    await schema
      .createTable(table)
      .ifNotExists()
      .addColumn('digest', 'text', (column) => column.primaryKey())
      .addColumn('leaf_index', 'bigint', (column) => column.notNull())
      .execute();
  }
  await schema
    .createTable('disposals')
    .ifNotExists()
    .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
    .addColumn('list_digest', 'text', (column) => column.notNull())
    .addColumn('reason_digest', 'text', (column) => column.notNull())
    .execute();
}
