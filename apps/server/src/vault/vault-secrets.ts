/**
 * What is derived from a vault's keys: object names, the authentication of tables, the recipient of grants.
 * Format: docs/formats/vault.md, "Keys".
 */
import { createHmac, hash, hkdfSync, timingSafeEqual } from 'node:crypto';
import { identityToRecipient } from 'age-encryption';
import { recipientTagOf } from './recipients.ts';
import { VaultError } from './vault-error.ts';
import type { VaultKeys } from './vault-keys.ts';

export interface VaultSecrets {
  readonly identity: string;
  readonly recipient: string;
  /** Hex of the first 16 bytes of SHA-256 of the recipient: names its grant in every pack. */
  readonly recipientTag: string;
  /** The name of an object: HMAC-SHA-256(vault key, its digest). `digest` and result: 32 bytes. */
  nameOf(digest: Uint8Array): Buffer;
  /** Authenticates a table. 32 bytes. */
  tableMac(tableWithoutMac: Uint8Array): Buffer;
  isTableMac(mac: Uint8Array, tableWithoutMac: Uint8Array): boolean;
  /** Tells these keys from others without telling them. Hex. */
  readonly keyCheck: string;
}

/** @throws VaultError wrong-keys when the keys are malformed */
export async function deriveVaultSecrets({ identity, vaultKey }: VaultKeys): Promise<VaultSecrets> {
  if (vaultKey.length !== 32) {
    throw new VaultError('wrong-keys', `the vault key must have 32 bytes, not ${vaultKey.length}`);
  }
  let recipient: string;
  try {
    recipient = await identityToRecipient(identity);
  } catch (cause) {
    throw new VaultError('wrong-keys', 'the vault identity is not an age identity', { cause });
  }
  const tableMacKey = subkey(vaultKey, 'table');
  const tableMac = (table: Uint8Array) => createHmac('sha256', tableMacKey).update(table).digest();
  const recipientTag = recipientTagOf(recipient);
  return {
    identity,
    recipient,
    recipientTag,
    nameOf: hmacOfDigests(vaultKey),
    tableMac,
    isTableMac: (mac, table) => mac.length === 32 && timingSafeEqual(mac, tableMac(table)),
    keyCheck: createHmac('sha256', subkey(vaultKey, 'key check')).update(recipientTag).digest('hex'),
  };
}

/**
 * The secrets by which a copy of another vault's packs is read: objects are named, and grants opened, with this vault's own keys. The
 * MAC of a table is under the other vault's key, which is not here, so it is not checked: what a table leads to counts only once it
 * has the digest asked for.
 */
export function secretsOfCopy(secrets: VaultSecrets): VaultSecrets {
  return { ...secrets, isTableMac: () => true };
}

function subkey(vaultKey: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', vaultKey, '', `vitrine-vault/v1 ${purpose}`, 32));
}

/**
 * HMAC-SHA-256 (RFC 2104) of 32-byte messages under one key, as two one-shot hashes: a third of the time of
 * createHmac, whose cost is the object it makes, and names are computed for every object of every request.
 */
export function hmacOfDigests(key: Uint8Array): (digest: Uint8Array) => Buffer {
  const inner = Buffer.alloc(96, 0x36);
  const outer = Buffer.alloc(96, 0x5c);
  for (const [index, byte] of key.entries()) {
    inner[index] = byte ^ 0x36;
    outer[index] = byte ^ 0x5c;
  }
  return (digest) => {
    if (digest.length !== 32) throw new RangeError(`a digest has 32 bytes, not ${digest.length}`);
    inner.set(digest, 64);
    outer.set(hash('sha256', inner, 'buffer'), 64);
    return hash('sha256', outer, 'buffer');
  };
}
