/**
 * Whom the vault is granted to besides itself: every pack made from now on is. Other centres' age recipients, one a line, in the
 * vault's folder. Format: docs/formats/vault.md, "Grants".
 */
import { hash } from 'node:crypto';
import { Encrypter } from 'age-encryption';
import type { VaultFiles } from './ports.ts';
import { VaultError } from './vault-error.ts';

const RECIPIENTS_FILE = 'recipients';
/** A recipient has 1,959 characters. */
const MAX_RECIPIENTS_BYTES = 4 * 1024 * 1024;
const RECIPIENT = /^age1pq1[02-9ac-hj-np-z]{1952}$/;

/** Hex of the first 16 bytes of SHA-256 of the recipient: names its grant in every pack. */
export function recipientTagOf(recipient: string): string {
  return hash('sha256', recipient, 'hex').slice(0, 32);
}

/** @throws VaultError wrong-recipient unless it is a post-quantum hybrid recipient of age */
export function checkRecipient(recipient: string): void {
  try {
    if (!RECIPIENT.test(recipient)) throw new Error('its characters are not those of age1pq1…');
    new Encrypter().addRecipient(recipient);
  } catch (cause) {
    throw new VaultError(
      'wrong-recipient',
      'a grant goes to a post-quantum recipient of age, age1pq1…, which “vitrine vault recipient” prints at the other centre',
      { cause },
    );
  }
}

/** @throws VaultError unsupported-format */
export async function readRecipients(files: VaultFiles): Promise<readonly string[]> {
  const bytes = await files.read(RECIPIENTS_FILE, MAX_RECIPIENTS_BYTES);
  if (bytes === undefined) return [];
  const lines = Buffer.from(bytes)
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '');
  try {
    lines.forEach(checkRecipient);
  } catch (cause) {
    throw new VaultError('unsupported-format', `the vault's ${RECIPIENTS_FILE} file is damaged`, { cause });
  }
  return lines;
}

export async function writeRecipients(files: VaultFiles, recipients: readonly string[]): Promise<void> {
  await files.replace(RECIPIENTS_FILE, Buffer.from(recipients.map((line) => `${line}\n`).join(''), 'latin1'));
}
