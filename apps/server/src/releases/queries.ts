/** Reads of the release read models, in the shapes of the HTTP contract. */
import type {
  Artifact,
  Product,
  ProductList,
  Release,
  ReleaseSummary,
  SearchHit,
  SearchResult,
} from '@vitrine/api';
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { CentreError } from '../error.ts';
import { snapshot } from '../projection/schema.ts';
import type { ReadDb, ReadModels } from '../projection/schema.ts';
import { isCalled, wordsOf } from '../projection/word-index.ts';
import type { EntryRange, NameQuery, WordIndex } from '../projection/word-index.ts';
import { readPage } from './page.ts';
import type { PageBounds } from './page.ts';

const DAY_MS = 86_400_000;
const DEFAULT_LIMIT = 50;
/** Of so many releases that name the same artifact, the newest are told. */
const MAX_NAMINGS = 200;

/** How many withdrawals stand against a row's release. */
function withdrawalsOf(column: 'releases.digest' | 'artifacts.release_digest'): RawBuilder<number> {
  return sql<number>`(select count(*) from withdrawals where withdrawals.release_digest = ${sql.ref(column)})`;
}

type ReleaseRow = ReadModels['releases'] & { readonly withdrawn: number };

function releasesOf(db: ReadDb) {
  return db
    .selectFrom('releases')
    .selectAll('releases')
    .select(withdrawalsOf('releases.digest').as('withdrawn'));
}

function summaryOf(row: ReleaseRow): ReleaseSummary {
  return {
    product: row.product,
    version: row.version,
    index: row.leaf_index,
    registeredAt: row.registered_at,
    artifacts: row.artifact_count,
    sourceFiles: row.source_files,
    withdrawn: row.withdrawn > 0,
  };
}

interface ListQuery<Key> extends PageBounds<Key> {
  readonly limit?: number | undefined;
}

/** Products with their newest release, by name. */
export function listProducts(db: ReadDb, query: ListQuery<string>): Promise<ProductList> {
  return snapshot(db, async (at) => {
    const { rows, previous, next } = await readPage(
      'asc',
      query,
      query.limit ?? DEFAULT_LIMIT,
      ({ after, before, order, limit }) => {
        let part = releasesOf(at)
          .innerJoin('products', 'products.latest', 'releases.leaf_index')
          .select('products.releases as product_releases');
        if (after !== undefined) part = part.where('products.product', '>', after);
        if (before !== undefined) part = part.where('products.product', '<', before);
        return part.orderBy('products.product', order).limit(limit).execute();
      },
      ({ product }) => product,
    );
    const { products: count } = await at.selectFrom('totals').select('products').executeTakeFirstOrThrow();
    return {
      count,
      products: rows.map((row) => ({
        product: row.product,
        releases: row.product_releases,
        latest: summaryOf(row),
      })),
      previous,
      next,
    };
  });
}

/** A product's releases, newest first. @throws CentreError `not-found` */
export function getProduct(db: ReadDb, product: string, query: ListQuery<number>): Promise<Product> {
  return snapshot(db, async (at) => {
    const known = await at
      .selectFrom('products')
      .selectAll()
      .where('product', '=', product)
      .executeTakeFirst();
    if (known === undefined) throw new CentreError('not-found', `No release of “${product}” is in this log.`);
    const latest = await releasesOf(at).where('leaf_index', '=', known.latest).executeTakeFirstOrThrow();
    const { rows, previous, next } = await readPage(
      'desc',
      query,
      query.limit ?? DEFAULT_LIMIT,
      ({ after, before, order, limit }) => {
        let part = releasesOf(at).where('product', '=', product);
        if (after !== undefined) part = part.where('leaf_index', '>', after);
        if (before !== undefined) part = part.where('leaf_index', '<', before);
        return part.orderBy('leaf_index', order).limit(limit).execute();
      },
      ({ leaf_index: leafIndex }) => leafIndex,
    );
    return {
      product,
      count: known.releases,
      latest: summaryOf(latest),
      releases: rows.map(summaryOf),
      previous,
      next,
    };
  });
}

/** @throws CentreError `not-found` */
export function getRelease(read: ReadDb, product: string, version: string): Promise<Release> {
  return snapshot(read, async (db) => {
    const row = await releasesOf(db)
      .where('product', '=', product)
      .where('version', '=', version)
      .executeTakeFirst();
    if (row === undefined)
      throw new CentreError('not-found', `No release ${version} of “${product}” is in this log.`);
    const artifacts = await db
      .selectFrom('artifacts')
      .selectAll()
      .where('release_digest', '=', row.digest)
      .orderBy('name')
      .execute();
    const withdrawal = await db
      .selectFrom('withdrawals')
      .selectAll()
      .where('release_digest', '=', row.digest)
      .orderBy('leaf_index')
      .executeTakeFirst();
    const successor = await db
      .selectFrom('releases')
      .select('version')
      .where('product', '=', product)
      .where('supersedes', '=', version)
      .orderBy('leaf_index', 'desc')
      .executeTakeFirst();
    return {
      ...summaryOf(row),
      artifacts: artifacts.map((artifact) => ({
        name: artifact.name,
        sha256: artifact.sha256,
        sizeBytes: artifact.size_bytes,
        index: artifact.leaf_index,
      })),
      digest: row.digest,
      sourceRoot: row.source_root,
      signers: row.signers.split(' '),
      sbom:
        row.sbom_digest === null
          ? null
          : { format: row.sbom_format === 'spdx' ? 'spdx' : 'cyclonedx', digest: row.sbom_digest },
      provenance: row.provenance_digest,
      notes: row.notes_digest,
      supersedes: row.supersedes,
      supersededBy: successor?.version ?? null,
      withdrawal:
        withdrawal === undefined
          ? null
          : {
              index: withdrawal.leaf_index,
              registeredAt: withdrawal.registered_at,
              reasonDigest: withdrawal.reason_digest,
              signers: withdrawal.signers.split(' '),
            },
    };
  });
}

/** @param held whether the vault has the bytes. @throws CentreError `not-found` */
export async function getArtifact(db: ReadDb, sha256: string, held: boolean): Promise<Artifact> {
  const rows = await artifactsOf(db)
    .where('artifacts.sha256', '=', sha256)
    .orderBy('artifacts.leaf_index', 'desc')
    .limit(MAX_NAMINGS)
    .execute();
  const [newest] = rows;
  if (newest === undefined)
    throw new CentreError(
      'not-found',
      `No release in this log names an artifact with the SHA-256 ${sha256}.`,
    );
  return {
    sha256,
    sizeBytes: newest.size_bytes,
    held,
    namedBy: rows.map((row) => ({
      product: row.product,
      version: row.version,
      name: row.name,
      index: row.leaf_index,
      digest: row.digest,
      registeredAt: row.registered_at,
      withdrawn: row.withdrawn > 0,
    })),
  };
}

function artifactsOf(db: ReadDb) {
  return db
    .selectFrom('artifacts')
    .selectAll('artifacts')
    .select(withdrawalsOf('artifacts.release_digest').as('withdrawn'));
}

export interface SearchQuery extends ListQuery<number> {
  readonly q?: string | undefined;
  readonly product?: string | undefined;
  readonly version?: string | undefined;
  /** The first hex digits of a digest: of an artifact, a release statement or a source snapshot. */
  readonly digest?: string | undefined;
  /** ISO days, UTC, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Releases and artifacts that fit every given term, newest entry first. */
export function search(db: ReadDb, index: WordIndex, query: SearchQuery): Promise<SearchResult> {
  const { digest } = query;
  const names: NameQuery = {
    words: wordsOf(query.q ?? ''),
    product: query.product,
    version: query.version,
  };
  return snapshot(db, async (at) => {
    const days = await entriesRegistered(at, query);
    const { rows, previous, next } = await readPage(
      'desc',
      query,
      query.limit ?? DEFAULT_LIMIT,
      async ({ after, before, order, limit }) => {
        const range = {
          above: Math.max(after ?? -1, days.above),
          below: Math.min(before ?? Infinity, days.below),
          order,
          limit,
        };
        return digest === undefined
          ? hitsAt(at, await index.find(at, names, range), order)
          : hitsOfDigest(at, digest, names, range);
      },
      (hit) => hit.index,
    );
    return { hits: [...rows], previous, next };
  });
}

/** The bounds, exclusive, of the entries registered on these days: in a log, later is further on. */
async function entriesRegistered(
  db: ReadDb,
  { from, to }: SearchQuery,
): Promise<{ readonly above: number; readonly below: number }> {
  const firstSince = async (timeMs: number): Promise<number> => {
    const row = await db
      .selectFrom('statements')
      .select('leaf_index')
      .where('registered_at', '>=', timeMs)
      .orderBy('registered_at')
      .orderBy('leaf_index')
      .limit(1)
      .executeTakeFirst();
    return row?.leaf_index ?? Number.MAX_SAFE_INTEGER;
  };
  return {
    above: from === undefined ? -1 : (await firstSince(Date.parse(`${from}T00:00:00Z`))) - 1,
    below:
      to === undefined ? Number.MAX_SAFE_INTEGER : await firstSince(Date.parse(`${to}T00:00:00Z`) + DAY_MS),
  };
}

/** The releases and artifacts that these entries are, in this order. */
async function hitsAt(
  db: ReadDb,
  leafIndices: readonly number[],
  order: 'asc' | 'desc',
): Promise<readonly SearchHit[]> {
  if (leafIndices.length === 0) return [];
  const releases = await releasesOf(db).where('leaf_index', 'in', leafIndices).execute();
  const artifacts = await artifactsOf(db).where('artifacts.leaf_index', 'in', leafIndices).execute();
  const hits: SearchHit[] = [
    ...releases.map((row) => ({ kind: 'release' as const, ...summaryOf(row), digest: row.digest })),
    ...artifacts.map((row) => ({
      kind: 'artifact' as const,
      product: row.product,
      version: row.version,
      name: row.name,
      sha256: row.sha256,
      sizeBytes: row.size_bytes,
      index: row.leaf_index,
      registeredAt: row.registered_at,
      withdrawn: row.withdrawn > 0,
    })),
  ];
  const sign = order === 'asc' ? 1 : -1;
  return hits.sort((left, right) => sign * (left.index - right.index));
}

/** Those whose digest begins so; few, so that the names are compared here. */
async function hitsOfDigest(
  db: ReadDb,
  digest: string,
  names: NameQuery,
  range: EntryRange,
): Promise<readonly SearchHit[]> {
  const hits: SearchHit[] = [];
  let { above, below } = range;
  for (;;) {
    const indices = await entriesOfDigest(db, digest, { ...range, above, below });
    for (const hit of await hitsAt(db, indices, range.order)) {
      if (isCalled({ ...hit, name: hit.kind === 'artifact' ? hit.name : null }, names)) hits.push(hit);
      if (hits.length === range.limit) return hits;
      if (range.order === 'asc') above = hit.index;
      else below = hit.index;
    }
    if (indices.length < range.limit) return hits;
  }
}

/** Entries of which the artifact, the statement or the source snapshot has a digest that begins so. */
async function entriesOfDigest(
  db: ReadDb,
  digest: string,
  { above, below, order, limit }: EntryRange,
): Promise<number[]> {
  // A range, which an index answers; LIKE would read every row.
  const last = digest.padEnd(64, 'f');
  const releasesBy = (column: 'digest' | 'source_root') =>
    db
      .selectFrom('releases')
      .select('leaf_index')
      .where((build) => build.between(column, digest, last));
  const artifactsBy = (column: 'digest' | 'sha256') =>
    db
      .selectFrom('artifacts')
      .select('leaf_index')
      .where((build) => build.between(column, digest, last));
  const rows = await db
    .selectFrom(
      releasesBy('digest')
        .union(releasesBy('source_root'))
        .union(artifactsBy('digest'))
        .union(artifactsBy('sha256'))
        .as('named'),
    )
    .select('leaf_index')
    // Not a bound of the column itself: a planner would read all entries between the bounds, not the few of the digest.
    .where((build) => build(build('leaf_index', '+', 0), '>', above))
    .where((build) => build(build('leaf_index', '+', 0), '<', below))
    .orderBy('leaf_index', order)
    .limit(limit)
    .execute();
  return rows.map(({ leaf_index: leafIndex }) => leafIndex);
}
