/**
 * Which objects have been received for which product, and which of them as public ones. The vault keeps an object once, whoever sent
 * it; what a product’s publisher may rely on, or learn of, is only what was sent for that product, and what it may name in public is
 * only what was sent as public. Otherwise a digest alone (a manifest’s stands in its release) would give source away: another
 * product’s, or its own to whoever has no more than its key.
 *
 * Rows are HMACs of the digest under a key of the product, as the vault’s names are: the disk alone confirms no guess at a content.
 */
import { createHmac } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Visibility } from '@vitrine/api';
import type { LocalDb } from '../local-state/schema.ts';
import { hmacOfDigests } from '../vault/vault-secrets.ts';

/** How many rows one statement names. */
const CHUNK = 500;

export interface Holdings {
  /** @param digests lower-case hex SHA-256 of objects that have arrived, durably, for this product; what is public may serve as secret too */
  add(product: string, visibility: Visibility, digests: readonly string[]): Promise<void>;
  /** Those of the digests that were never received for this product, or never as public, in the order given, each once. */
  lacking(product: string, visibility: Visibility, digests: Iterable<string>): Promise<string[]>;
  /** For which products each of these objects was received. */
  holders(digests: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
}

/** @param key 32 bytes, secret */
export function createHoldings(local: LocalDb, key: Uint8Array): Holdings {
  function namesOf(product: string, visibility: Visibility, digests: readonly string[]): string[] {
    const nameOf = hmacOfDigests(createHmac('sha256', key).update(`${visibility} ${product}`).digest());
    return digests.map((digest) => nameOf(Buffer.from(digest, 'hex')).toString('base64url'));
  }

  async function lacking(
    product: string,
    visibility: Visibility,
    digests: Iterable<string>,
  ): Promise<string[]> {
    const missing: string[] = [];
    for (const chunk of chunksOf([...new Set(digests)])) {
      const names = namesOf(product, visibility, chunk);
      const rows = await local.selectFrom('holdings').select('name').where('name', 'in', names).execute();
      const held = new Set(rows.map(({ name }) => name));
      missing.push(...chunk.filter((_, at) => !held.has(names[at] ?? '')));
      // Queries are synchronous: 100,000 digests must not keep other requests waiting.
      await setImmediate();
    }
    return missing;
  }

  return {
    lacking,
    async holders(digests) {
      const holders = new Map<string, string[]>(digests.map((digest) => [digest, []]));
      const products = await local
        .selectFrom('publications')
        .select('product')
        .distinct()
        .orderBy('product')
        .execute();
      for (const { product } of products) {
        const lacked = new Set(await lacking(product, 'secret', holders.keys()));
        for (const [digest, of] of holders) if (!lacked.has(digest)) of.push(product);
      }
      return holders;
    },
    async add(product, visibility, digests) {
      const unique = [...new Set(digests)];
      const names = namesOf(product, 'secret', unique);
      if (visibility === 'public') names.push(...namesOf(product, 'public', unique));
      await local.transaction().execute(async (tx) => {
        for (const chunk of chunksOf(names)) {
          await tx
            .insertInto('holdings')
            .values(chunk.map((name) => ({ name })))
            .onConflict((conflict) => conflict.column('name').doNothing())
            .execute();
          await setImmediate();
        }
      });
    },
  };
}

function* chunksOf(values: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < values.length; at += CHUNK) yield values.slice(at, at + CHUNK);
}
