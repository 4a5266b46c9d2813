/**
 * Whose objects a custodian may have ended. The registration policy gives the role for a product; the vault holds an object once,
 * whichever products have it. So an object that the log names for another product needs the role for that product too.
 * Source files are named by no statement: whose they are is what was sent for whom (releases/holdings.ts). Of what nobody is known to
 * have, or of what a product may have whose files cannot be listed any more, only those dispose who may for whosever it is.
 */
import { DISPOSAL_TYPE, isValidAt, policyAt } from '@vitrine/statements';
import type { KeysState } from '@vitrine/statements';
import type { ReadDb } from '../projection/schema.ts';

/** How many digests one query names. */
const CHUNK = 500;

/** The products whose releases name each of these objects: as an artifact, a document, or the reason of a withdrawal. */
export async function productsNaming(
  read: ReadDb,
  digests: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const naming = new Map<string, Set<string>>();
  for (let at = 0; at < digests.length; at += CHUNK) {
    const chunk = digests.slice(at, at + CHUNK);
    const documents = (column: 'sbom_digest' | 'provenance_digest' | 'notes_digest') =>
      read
        .selectFrom('releases')
        .select([`${column} as digest`, 'product'])
        .where(column, 'in', chunk);
    const rows = await documents('sbom_digest')
      .union(documents('provenance_digest'))
      .union(documents('notes_digest'))
      .union(
        read.selectFrom('artifacts').select(['sha256 as digest', 'product']).where('sha256', 'in', chunk),
      )
      .union(
        read
          .selectFrom('withdrawals')
          .innerJoin('releases', 'releases.digest', 'withdrawals.release_digest')
          .select(['withdrawals.reason_digest as digest', 'releases.product'])
          .where('withdrawals.reason_digest', 'in', chunk),
      )
      .execute();
    for (const { digest, product } of rows) {
      if (digest === null) continue;
      const products = naming.get(digest) ?? new Set();
      naming.set(digest, products.add(product));
    }
  }
  return naming;
}

/** Those of the objects that are lists: no fresh evidence about a release could be made without its list of artifacts, nor a disposal be carried out again. */
export async function neededByOthers(read: ReadDb, digests: readonly string[]): Promise<readonly string[]> {
  const needed: string[] = [];
  for (let at = 0; at < digests.length; at += CHUNK) {
    const chunk = digests.slice(at, at + CHUNK);
    const rows = await read
      .selectFrom('releases')
      .select('artifact_list as digest')
      .where('artifact_list', 'in', chunk)
      .union(read.selectFrom('disposals').select('list_digest as digest').where('list_digest', 'in', chunk))
      .execute();
    needed.push(...rows.map(({ digest }) => digest));
  }
  return needed;
}

/** In place of a product: any, also one that nobody knows of. */
export const EVERY_PRODUCT = '*';

/** Whether enough of the signers, whose signatures have been verified, may have objects of a product ended now. */
export function mayDispose(
  keys: KeysState,
  signers: readonly string[],
  product: string,
  nowMs: number,
): boolean {
  const atMs = Math.max(nowMs, keys.lastRegisteredAtMs);
  const rule = policyAt(keys, atMs)?.rules.find(({ predicateType }) => predicateType === DISPOSAL_TYPE);
  if (rule === undefined) return false;
  const entitled = signers.filter((keyid) => {
    const key = keys.keys.get(keyid);
    return (
      key !== undefined &&
      isValidAt(key, atMs) &&
      key.voidFrom === undefined &&
      key.roles.some(
        ({ role, products }) => role === rule.role && (products.includes('*') || products.includes(product)),
      )
    );
  });
  return entitled.length >= rule.threshold;
}
