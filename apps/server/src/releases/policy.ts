/** Which callers may use the release routes. That a statement is admitted is decided elsewhere, by the registration policy, again and again. */
import { isValidAt } from '@vitrine/statements';
import type { KeysState } from '@vitrine/statements';
import { CentreError } from '../error.ts';

/** Whether the key holds `publisher` for the product now. */
export function isPublisher(keys: KeysState, keyid: string, product: string, nowMs: number): boolean {
  const key = keys.keys.get(keyid);
  const atMs = Math.max(nowMs, keys.lastRegisteredAtMs);
  const grants = key === undefined || key.voidFrom !== undefined || !isValidAt(key, atMs) ? [] : key.roles;
  return grants.some(
    ({ role, products }) => role === 'publisher' && products.some((name) => name === '*' || name === product),
  );
}

/** @throws CentreError `forbidden` unless the caller is one */
export function mayPublish(keys: KeysState, keyid: string, product: string, nowMs: number): void {
  if (isPublisher(keys, keyid, product, nowMs)) return;
  throw new CentreError(
    'forbidden',
    `The key ${keyid} does not hold the role “publisher” for “${product}”. A key-add statement grants it.`,
  );
}
