/**
 * Makes good a local state that was lost, or is older than the log: what was sent for a registered release stands in its statements
 * and its manifest, and so does its snapshot secret. What was sent for publications that were never registered is not known again.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { parseStatementLeaf, RELEASE_TYPE } from '@vitrine/statements';
import type { LocalDb } from '../local-state/schema.ts';
import type { Log } from '../log/log.ts';
import type { ReadDb } from '../projection/schema.ts';
import type { Vault } from '../vault/vault.ts';
import type { Holdings } from './holdings.ts';
import { MANIFEST_MAX_BYTES, summariseSource } from './source-summary.ts';

interface RegisteredRelease {
  readonly leaf_index: number;
  readonly digest: string;
  readonly product: string;
  readonly version: string;
  readonly signers: string;
}

export interface LocalStateRecoveryOptions {
  readonly root: Log;
  readonly read: ReadDb;
  readonly vault: Vault;
  readonly local: LocalDb;
  readonly holdings: Holdings;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

/** @returns products of which it cannot be told what was sent for them: a manifest cannot be read any more */
export async function recoverLocalState({
  root,
  read,
  vault,
  local,
  holdings,
  nowMs,
  logger,
}: LocalStateRecoveryOptions): Promise<ReadonlySet<string>> {
  /** Before the release is noted as known, so that a crash between is made good at the next start. */
  async function recoverHoldings({ digest, leaf_index, product }: RegisteredRelease): Promise<string> {
    const { statement } = parseStatementLeaf((await root.readEntry(leaf_index)).leaf);
    if (statement.predicateType !== RELEASE_TYPE) throw new TypeError('a release was expected');
    const { source, artifacts, sbom, provenance, notes } = statement.predicate;
    const named = await read
      .selectFrom('artifacts')
      .select('sha256')
      .where('release_digest', '=', digest)
      .execute();
    const documents = [artifacts.list, sbom?.digest, provenance?.digest, notes?.digest];
    await holdings.add(product, 'public', [
      ...named.map(({ sha256 }) => sha256),
      ...documents.filter((document) => document !== undefined),
    ]);
    const manifest = await vault.getBytes(source.manifest, { maxBytes: MANIFEST_MAX_BYTES });
    const report = await summariseSource(new Uint8Array(manifest));
    if (!report.ok) throw new TypeError(`the source manifest is malformed: ${report.reason}`);
    await holdings.add(product, 'secret', [source.manifest, ...report.summary.digests]);
    return report.summary.secret;
  }

  async function recover(release: RegisteredRelease): Promise<void> {
    const { digest, product, version, signers } = release;
    const known = { snapshot_secret: await recoverHoldings(release), release_digest: digest };
    await local
      .insertInto('publications')
      .values({
        ...known,
        id: randomUUID(),
        product,
        version,
        opened_by: signers.split(' ')[0] ?? '',
        opened_at: nowMs(),
      })
      .onConflict((conflict) => conflict.columns(['product', 'version']).doUpdateSet(known))
      .execute();
  }

  const noted = await local
    .selectFrom('publications')
    .select('release_digest')
    .where('release_digest', 'is not', null)
    .execute();
  const known = new Set(noted.map(({ release_digest: digest }) => digest));
  const releases = await read
    .selectFrom('releases')
    .select(['leaf_index', 'digest', 'product', 'version', 'signers'])
    .orderBy('leaf_index')
    .execute();
  const untold = new Set<string>();
  for (const release of releases) {
    if (known.has(release.digest)) continue;
    const { leaf_index: entry, product, version } = release;
    try {
      await recover(release);
      logger.info({ entry, product, version }, 'what was sent for a release is known again');
    } catch (error) {
      // Its manifest was ended or is damaged, or the disk is full: nobody is kept from starting, and the next start tries again.
      logger.error({ err: error, entry, product, version }, 'what was sent for a release is not known');
      untold.add(product);
    }
  }
  return untold;
}
