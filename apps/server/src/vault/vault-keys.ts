/**
 * The two secrets of a vault, and the file that holds them: an age identity file (so that `age -d -i FILE` opens the
 * grants), with the vault key in a comment line. Format: docs/formats/vault.md.
 */
import { randomBytes } from 'node:crypto';
import { generateHybridIdentity } from 'age-encryption';
import { VaultError } from './vault-error.ts';

export interface VaultKeys {
  /** The age identity that every pack is granted to: `AGE-SECRET-KEY-PQ-1…`. */
  readonly identity: string;
  /** 32 bytes: names objects, and authenticates tables. */
  readonly vaultKey: Uint8Array;
}

const IDENTITY = /^AGE-SECRET-KEY-PQ-1[02-9AC-HJ-NP-Z]{58}$/;
const VAULT_KEY_LINE = /^#vitrine vault-key ([0-9a-f]{64})$/;

/** New random keys. */
export async function generateVaultKeys(): Promise<VaultKeys> {
  return { identity: await generateHybridIdentity(), vaultKey: randomBytes(32) };
}

/** The text of a key file. Inverse of `parseVaultKeys`. */
export function formatVaultKeys(keys: VaultKeys): string {
  return [
    '# Keys of a Vitrine vault. Whoever has this file and the vault reads every object in it.',
    '# Without this file nobody does: keep a copy of it, apart from the copies of the vault.',
    `#vitrine vault-key ${Buffer.from(keys.vaultKey).toString('hex')}`,
    keys.identity,
    '',
  ].join('\n');
}

/**
 * Reads a key file: one age identity (post-quantum hybrid), one `#vitrine vault-key` line, other comments.
 * @throws VaultError wrong-keys
 */
export function parseVaultKeys(text: string): VaultKeys {
  const lines = text.split('\n').filter((line) => line !== '');
  const identities = lines.filter((line) => !line.startsWith('#'));
  const vaultKeys = lines.flatMap((line) => VAULT_KEY_LINE.exec(line)?.[1] ?? []);
  const [identity] = identities;
  const [vaultKey] = vaultKeys;
  if (identity === undefined || identities.length !== 1 || !IDENTITY.test(identity)) {
    throw new VaultError(
      'wrong-keys',
      'the vault key file must hold exactly one AGE-SECRET-KEY-PQ-1… identity',
    );
  }
  if (vaultKey === undefined || vaultKeys.length !== 1) {
    throw new VaultError(
      'wrong-keys',
      'the vault key file must hold exactly one line "#vitrine vault-key HEX"',
    );
  }
  return { identity, vaultKey: Buffer.from(vaultKey, 'hex') };
}
