/**
 * The read models: a pure function of the published logs. Delete them and they are folded again.
 * Times are milliseconds since 1970, digests lower-case hex.
 */
import type { Kysely, Transaction } from 'kysely';
import type { CentreFact, CentreTables } from '../centres/tables.ts';
import type { ClosingFact, ClosingTables } from '../closings/tables.ts';
import type { CommitmentFact, CommitmentTables } from '../commitments/tables.ts';
import type { DisposalFact, DisposalTables } from '../disposals/tables.ts';
import type { EventFact, EventTables } from '../events/tables.ts';
import type { FeedFact, FeedTables } from '../feeds/tables.ts';
import type { IntakeFact, IntakeTables } from '../intake/tables.ts';
import type { ReleaseFact, ReleaseTables } from '../releases/tables.ts';
import type { ReviewFact, ReviewTables } from '../reviews/tables.ts';

/** Raised whenever a fold changes what it emits; read models of other semantics are folded anew, and view digests compared within one only. */
export const SEMANTICS = 11;

/** What the projector itself keeps. */
interface FoldTables {
  /** One row: how far the root log (its origin, and its root at that size) and the keys log have been folded, and by which semantics. */
  progress: {
    id: number;
    semantics: number;
    origin: string;
    root_size: number;
    root_hash: string;
    keys_size: number;
    /** The root size from which on views are shown as they were when they were new: before it, everything was judged anew. */
    judged_from: number;
  };
  /** The digest of the view at every root size from `judged_from` on, and at 0. */
  view_digests: { root_size: number; digest: string };
  /** Every entry of the root log that is a statement. `refusal` is null when it is admitted and counts. */
  statements: {
    leaf_index: number;
    digest: string;
    registered_at: number;
    predicate_type: string;
    product: string | null;
    refusal: string | null;
  };
}

interface BodyTables {
  /** Bodies that anyone may read, because an admitted statement names them as public. */
  public_bodies: { digest: string; leaf_index: number };
  /** Source manifests and lists of disposed objects: never given out, whatever else a statement calls them. */
  secret_bodies: { digest: string; leaf_index: number };
}

/** `body-published`: anyone may read it from now on, unless it is a secret one. `body-kept-secret`: nobody may, whatever else names it. */
type BodyFact = {
  readonly fact: 'body-published' | 'body-kept-secret';
  readonly row: BodyTables['public_bodies'];
};

export interface ReadModels
  extends FoldTables,
    BodyTables,
    ReleaseTables,
    DisposalTables,
    CentreTables,
    ClosingTables,
    CommitmentTables,
    EventTables,
    FeedTables,
    IntakeTables,
    ReviewTables {}

/** What an entry makes known, as it stands in the tables. */
export type Fact =
  | BodyFact
  | ReleaseFact
  | DisposalFact
  | CentreFact
  | ClosingFact
  | CommitmentFact
  | EventFact
  | FeedFact
  | IntakeFact
  | ReviewFact;

export type ReadDb = Kysely<ReadModels>;
export type ReadTx = Transaction<ReadModels>;

/** Answers several queries from one state of the read models, however far the fold gets meanwhile. */
export function snapshot<T>(db: ReadDb, answer: (at: ReadTx) => Promise<T>): Promise<T> {
  return db.transaction().execute(answer);
}

/** Makes the projector's own tables. */
export async function createFoldTables({ schema }: ReadTx): Promise<void> {
  await schema
    .createTable('progress')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('semantics', 'integer', (column) => column.notNull())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('root_size', 'bigint', (column) => column.notNull())
    .addColumn('root_hash', 'text', (column) => column.notNull())
    .addColumn('keys_size', 'bigint', (column) => column.notNull())
    .addColumn('judged_from', 'bigint', (column) => column.notNull())
    .execute();
  await schema
    .createTable('view_digests')
    .addColumn('root_size', 'bigint', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull())
    .execute();
  await schema
    .createTable('statements')
    .addColumn('leaf_index', 'bigint', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('registered_at', 'bigint', (column) => column.notNull())
    .addColumn('predicate_type', 'text', (column) => column.notNull())
    .addColumn('product', 'text')
    .addColumn('refusal', 'text')
    .execute();
  await schema.createIndex('statements_digest').on('statements').column('digest').execute();
  await schema
    .createIndex('statements_registered_at')
    .on('statements')
    .columns(['registered_at', 'leaf_index'])
    .execute();
}
