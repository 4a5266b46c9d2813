import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { formatVaultKeys, generateVaultKeys, parseVaultKeys } from './vault-keys.ts';
import { deriveVaultSecrets } from './vault-secrets.ts';

describe('the vault keys', () => {
  test('a key file round-trips, and derives the same secrets', async () => {
    const keys = await generateVaultKeys();
    const read = parseVaultKeys(formatVaultKeys(keys));
    expect(read.identity).toBe(keys.identity);
    expect(Buffer.from(read.vaultKey)).toEqual(Buffer.from(keys.vaultKey));
    expect((await deriveVaultSecrets(read)).keyCheck).toBe((await deriveVaultSecrets(keys)).keyCheck);
  });

  test.each([
    ['empty', () => ''],
    ['no vault key', (text: string) => text.replace(/^#vitrine.*$/m, '')],
    ['two vault keys', (text: string) => `${text}#vitrine vault-key ${'0'.repeat(64)}\n`],
    ['two identities', (text: string) => text + (text.split('\n').at(-2) ?? '')],
    [
      'a classical identity',
      (text: string) => text.replace(/AGE-SECRET-KEY-PQ-1.*/, `AGE-SECRET-KEY-1${'Q'.repeat(58)}`),
    ],
    ['a short vault key', (text: string) => text.replace(/(vault-key [0-9a-f]{62})../, '$1')],
  ])('a key file is refused: %s', async (_name, alter) => {
    const text = alter(formatVaultKeys(await generateVaultKeys()));
    expect(() => parseVaultKeys(text)).toThrow(expect.objectContaining({ code: 'wrong-keys' }));
  });

  test('an identity whose bech32 checksum is wrong is refused', async () => {
    const keys = await generateVaultKeys();
    const last = keys.identity.endsWith('Q') ? 'P' : 'Q';
    await expect(
      deriveVaultSecrets({ ...keys, identity: keys.identity.slice(0, -1) + last }),
    ).rejects.toMatchObject({ code: 'wrong-keys' });
  });

  test('names are HMAC-SHA-256 of the digest, by an independent implementation', async () => {
    const keys = await generateVaultKeys();
    const secrets = await deriveVaultSecrets(keys);
    for (let round = 0; round < 50; round++) {
      const digest = randomBytes(32);
      expect(secrets.nameOf(digest)).toEqual(createHmac('sha256', keys.vaultKey).update(digest).digest());
    }
    expect(() => secrets.nameOf(randomBytes(31))).toThrow(RangeError);
  });
});
