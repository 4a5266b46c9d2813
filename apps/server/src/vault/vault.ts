/**
 * The vault: content-addressed objects, encrypted, gathered in packs, ended only by a disposal. Format and reasons:
 * docs/formats/vault.md. What it promises: vault-contract.ts.
 */
import { EncryptedVault } from './encrypted-vault.ts';
import type { Vault, VaultOptions } from './vault-contract.ts';

export { CopyError } from './copy-error.ts';
export type { ListedPack } from './pack-export.ts';
export type { PackManifest } from './pack-manifest.ts';
export { type PackSource, VaultCopy } from './vault-copy.ts';
export type * from './vault-contract.ts';
export { VaultError, type VaultErrorCode } from './vault-error.ts';
export { formatVaultKeys, generateVaultKeys, parseVaultKeys, type VaultKeys } from './vault-keys.ts';

/**
 * Opens the vault in a folder, making it when the folder is empty; completes disposals that a crash interrupted, brings
 * the index up to date with the tables, removes stale staging. The caller holds the data folder's lock: one process at a
 * time.
 * @throws VaultError wrong-keys · unsupported-format · disk-full · io
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  return await EncryptedVault.open(options);
}
