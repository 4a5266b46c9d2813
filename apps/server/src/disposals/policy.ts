/**
 * Whose objects a custodian may have ended. The registration policy gives the role for a product; the vault holds an object once,
 * whichever products have it. So an object that the log names for another product needs the role for that product too.
 * Source files are named by no statement: whose they are is what was sent for whom (releases/holdings.ts), for as long as that is kept.
 */
import { DISPOSAL_TYPE, isValidAt, policyAt } from '@vitrine/statements';
import type { KeysState } from '@vitrine/statements';
import type { ReadDb } from '../projection/schema.ts';

/** How many digests one query names. */
const CHUNK = 500;

/** The products whose releases name one of these objects: as an artifact, a document, or the reason of a withdrawal. */
export async function productsNaming(read: ReadDb, digests: readonly string[]): Promise<ReadonlySet<string>> {
  const products = new Set<string>();
  for (let at = 0; at < digests.length; at += CHUNK) {
    const chunk = digests.slice(at, at + CHUNK);
    const rows = await read
      .selectFrom('artifacts')
      .select('product')
      .where('sha256', 'in', chunk)
      .union(
        read
          .selectFrom('releases')
          .select('product')
          .where((where) =>
            where.or([
              where('sbom_digest', 'in', chunk),
              where('provenance_digest', 'in', chunk),
              where('notes_digest', 'in', chunk),
            ]),
          ),
      )
      .union(
        read
          .selectFrom('withdrawals')
          .innerJoin('releases', 'releases.digest', 'withdrawals.release_digest')
          .select('releases.product')
          .where('withdrawals.reason_digest', 'in', chunk),
      )
      .execute();
    for (const { product } of rows) products.add(product);
  }
  return products;
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
