/** The vault's storage in one folder of the local file system: packs, staging, and beside them the derived index. */
import { mkdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { VaultFiles, VaultIndex } from '../../vault/ports.ts';
import { openSqliteIndex } from './sqlite-index.ts';
import { openVaultFolder } from './vault-folder.ts';

/**
 * The ports that `openVault` asks for, over the folder `dir` (made when it does not exist):
 * `openVault({ ...openVaultStorage(dir), keys })`. The vault closes the index.
 * @param index `in-memory`: made from the tables, and gone with the process
 * @throws VaultError disk-full · io
 */
export function openVaultStorage(
  dir: string,
  { index = 'on-disk' }: { readonly index?: 'on-disk' | 'in-memory' } = {},
): { readonly files: VaultFiles; readonly index: VaultIndex } {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return {
    files: openVaultFolder(dir),
    index: openSqliteIndex(index === 'on-disk' ? join(dir, 'index.sqlite') : ':memory:'),
  };
}

/** How many bytes this process may still write where a folder lies. */
export async function freeBytesIn(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
