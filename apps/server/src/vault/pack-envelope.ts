/**
 * The age encryption of a pack's table to the pack's identity, and of that identity to a recipient of the vault (a grant).
 * age-encryption.org/v1, post-quantum hybrid recipients (mlkem768x25519). Format: docs/formats/vault.md, "Grants".
 */
import { randomBytes } from 'node:crypto';
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from 'age-encryption';
import { formatPackTable, type PackTable, parsePackTable } from './pack-table.ts';
import { VaultError } from './vault-error.ts';
import type { VaultSecrets } from './vault-secrets.ts';

/** A pack's name and key pair. The name is random: it tells nothing of the content. */
export interface PackIdentity {
  /** 16 bytes, hex. */
  readonly packId: string;
  readonly identity: string;
  readonly recipient: string;
}

const PACK_ID = /^[0-9a-f]{32}$/;

export function isPackId(text: string): boolean {
  return PACK_ID.test(text);
}

export async function generatePackIdentity(): Promise<PackIdentity> {
  const identity = await generateHybridIdentity();
  return {
    packId: randomBytes(16).toString('hex'),
    identity,
    recipient: await identityToRecipient(identity),
  };
}

/** A grant: the pack's identity, for one recipient. */
export async function sealGrant(pack: PackIdentity, recipient: string): Promise<Uint8Array> {
  return await encryptTo(recipient, Buffer.from(`${pack.identity}\n`, 'latin1'));
}

/** @throws VaultError corrupt */
export async function openGrant(sealed: Uint8Array, packId: string, identity: string): Promise<PackIdentity> {
  try {
    const text = Buffer.from(await decryptWith(identity, sealed)).toString('latin1');
    const packIdentity = text.slice(0, -1);
    if (!text.endsWith('\n')) throw new Error('no line end after the identity');
    return { packId, identity: packIdentity, recipient: await identityToRecipient(packIdentity) };
  } catch (cause) {
    throw new VaultError('corrupt', `the grant of pack ${packId} does not open with the vault identity`, {
      cause,
    });
  }
}

export async function sealTable(
  pack: PackIdentity,
  table: PackTable,
  secrets: VaultSecrets,
): Promise<Uint8Array> {
  return await encryptTo(pack.recipient, formatPackTable(table, pack.packId, secrets));
}

/** @throws VaultError corrupt */
export async function openTable(
  sealed: Uint8Array,
  pack: PackIdentity,
  secrets: VaultSecrets,
): Promise<PackTable> {
  let plain: Uint8Array;
  try {
    plain = await decryptWith(pack.identity, sealed);
  } catch (cause) {
    throw new VaultError(
      'corrupt',
      `the table of pack ${pack.packId} does not open with the pack's identity`,
      {
        cause,
      },
    );
  }
  return parsePackTable(plain, pack.packId, secrets);
}

async function encryptTo(recipient: string, plain: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return await encrypter.encrypt(plain);
}

async function decryptWith(identity: string, sealed: Uint8Array): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return await decrypter.decrypt(sealed);
}
