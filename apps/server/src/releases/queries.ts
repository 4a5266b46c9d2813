/** Reads of the release read models, in the shapes of the HTTP contract. */
import type {
  Artifact,
  Product,
  ProductSummary,
  Release,
  ReleaseSummary,
  SearchHit,
  SearchResult,
} from '@vitrine/api';
import { CentreError } from '../error.ts';
import { sql } from 'kysely';
import type { Expression, RawBuilder, SqlBool } from 'kysely';
import type { ReadDb, ReadModels } from '../projection/schema.ts';

const DAY_MS = 86_400_000;
const DEFAULT_LIMIT = 50;

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

/** All products with their newest release, by name. */
export async function listProducts(db: ReadDb): Promise<ProductSummary[]> {
  const newest = await db
    .selectFrom('releases')
    .select((build) => [
      'product',
      build.fn.max<number>('leaf_index').as('latest'),
      build.fn.countAll<number>().as('releases'),
    ])
    .groupBy('product')
    .orderBy('product')
    .execute();
  if (newest.length === 0) return [];
  const rows = await releasesOf(db)
    .where('leaf_index', 'in', (build) =>
      build
        .selectFrom('releases')
        .select((inner) => inner.fn.max<number>('leaf_index').as('latest'))
        .groupBy('product'),
    )
    .execute();
  const byIndex = new Map(rows.map((row) => [row.leaf_index, row]));
  return newest.flatMap(({ product, latest, releases }) => {
    const row = byIndex.get(latest);
    return row === undefined ? [] : [{ product, releases: releases, latest: summaryOf(row) }];
  });
}

/** @throws CentreError `not-found` */
export async function getProduct(db: ReadDb, product: string): Promise<Product> {
  const rows = await releasesOf(db).where('product', '=', product).orderBy('leaf_index', 'desc').execute();
  if (rows.length === 0) throw new CentreError('not-found', `No release of “${product}” is in this log.`);
  return { product, releases: rows.map(summaryOf) };
}

/** @throws CentreError `not-found` */
export async function getRelease(db: ReadDb, product: string, version: string): Promise<Release> {
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
}

/** @param held whether the vault has the bytes. @throws CentreError `not-found` */
export async function getArtifact(db: ReadDb, sha256: string, held: boolean): Promise<Artifact> {
  const rows = await artifactsOf(db)
    .where('artifacts.sha256', '=', sha256)
    .orderBy('artifacts.leaf_index', 'desc')
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

export interface SearchQuery {
  readonly q?: string | undefined;
  readonly product?: string | undefined;
  readonly version?: string | undefined;
  /** The first hex digits of a digest: of an artifact, a release statement or a source snapshot. */
  readonly digest?: string | undefined;
  /** ISO days, UTC, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
  readonly before?: number | undefined;
}

function pattern(text: string): string {
  return `%${text.toLowerCase().replace(/[\\%_]/g, (character) => `\\${character}`)}%`;
}

/** Releases and artifacts that match every given term, newest entry first. */
export async function search(db: ReadDb, query: SearchQuery): Promise<SearchResult> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const from = query.from === undefined ? undefined : Date.parse(`${query.from}T00:00:00Z`);
  const until = query.to === undefined ? undefined : Date.parse(`${query.to}T00:00:00Z`) + DAY_MS;
  const words = (query.q ?? '')
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, 8);

  let releases = releasesOf(db);
  let artifacts = artifactsOf(db);
  if (query.product !== undefined) {
    releases = releases.where('product', '=', query.product);
    artifacts = artifacts.where('artifacts.product', '=', query.product);
  }
  if (query.version !== undefined) {
    releases = releases.where('version', '=', query.version);
    artifacts = artifacts.where('artifacts.version', '=', query.version);
  }
  if (from !== undefined) {
    releases = releases.where('registered_at', '>=', from);
    artifacts = artifacts.where('artifacts.registered_at', '>=', from);
  }
  if (until !== undefined) {
    releases = releases.where('registered_at', '<', until);
    artifacts = artifacts.where('artifacts.registered_at', '<', until);
  }
  if (query.before !== undefined) {
    releases = releases.where('leaf_index', '<', query.before);
    artifacts = artifacts.where('artifacts.leaf_index', '<', query.before);
  }
  if (query.digest !== undefined) {
    // A range, which an index answers; LIKE would read every row.
    const first = query.digest;
    const last = query.digest.padEnd(64, 'f');
    releases = releases.where((build) =>
      build.or([build.between('releases.digest', first, last), build.between('source_root', first, last)]),
    );
    artifacts = artifacts.where((build) =>
      build.or([
        build.between('artifacts.sha256', first, last),
        build.between('artifacts.digest', first, last),
      ]),
    );
  }
  for (const word of words) {
    const like = pattern(word);
    releases = releases.where((build) =>
      build.or([
        matches(build.fn<string>('lower', ['product']), like),
        matches(build.fn<string>('lower', ['version']), like),
      ]),
    );
    artifacts = artifacts.where((build) =>
      build.or([
        matches(build.fn<string>('lower', ['artifacts.product']), like),
        matches(build.fn<string>('lower', ['artifacts.version']), like),
        matches(build.fn<string>('lower', ['artifacts.name']), like),
      ]),
    );
  }

  const releaseRows = await releases
    .orderBy('leaf_index', 'desc')
    .limit(limit + 1)
    .execute();
  const artifactRows = await artifacts
    .orderBy('artifacts.leaf_index', 'desc')
    .limit(limit + 1)
    .execute();
  const hits: SearchHit[] = [
    ...releaseRows.map((row) => ({ kind: 'release' as const, ...summaryOf(row), digest: row.digest })),
    ...artifactRows.map((row) => ({
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
  ].sort((left, right) => right.index - left.index);
  const page = hits.slice(0, limit);
  return { hits: page, next: hits.length > limit ? (page.at(-1)?.index ?? null) : null };
}

/** LIKE with a stated escape character: SQLite has none unless told, PostgreSQL a backslash. */
function matches(text: Expression<string>, like: string): Expression<SqlBool> {
  return sql<SqlBool>`${text} like ${like} escape '\\'`;
}
