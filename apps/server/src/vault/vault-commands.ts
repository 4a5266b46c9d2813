/** `vitrine vault check`, `grant` and `recipient`, over an opened vault. */
import { identityToRecipient } from 'age-encryption';
import type { CopyReport } from './check-copies.ts';
import { recipientTagOf } from './recipients.ts';
import type { VaultCopy } from './vault-copy.ts';
import type { CheckProgress, CheckReport, Vault } from './vault-contract.ts';
import type { VaultKeys } from './vault-keys.ts';

export interface CheckCommand {
  readonly vault: Vault;
  /** The copies of another vault's packs; undefined at a centre that has none. */
  readonly copy: VaultCopy | undefined;
  readonly json: boolean;
  readonly print: (text: string) => void;
  readonly onProgress: (progress: CheckProgress) => void;
}

/** @returns whether all is sound */
export async function checkVault({ vault, copy, json, print, onProgress }: CheckCommand): Promise<boolean> {
  const report = await vault.check({ onProgress });
  const copied = await copy?.check();
  const ok = report.ok && copied?.ok !== false;
  if (json) print(`${JSON.stringify({ ...report, ok, ...(copied === undefined ? {} : { copied }) })}\n`);
  else print([...inWords(report), ...(copied === undefined ? [] : copiesInWords(copied))].join(''));
  return ok;
}

function inWords({ ok, packs, objects, bytes, problems }: CheckReport): string[] {
  return [
    `${verdict(ok)}: ${packs} packs, ${objects} objects, ${bytes} bytes\n`,
    ...problems.map(({ pack, reason }) => `${pack}: ${reason}\n`),
  ];
}

function copiesInWords(report: CopyReport): string[] {
  const { ok, packs, readablePacks, ciphertextBytes, objects, problems } = report;
  const unread = packs - readablePacks;
  return [
    `copies of another vault ${verdict(ok)}: ${packs} packs, ${ciphertextBytes} bytes of ciphertext\n`,
    `  ${readablePacks} with a grant: all their ${objects} objects were read\n`,
    `  ${unread} without a grant: of them only the digests of the ciphertext were checked; whether it can be read, this centre cannot tell\n`,
    ...problems.map(({ pack, reason }) => `${pack}: ${reason}\n`),
  ];
}

function verdict(ok: boolean): string {
  return ok ? 'sound' : 'NOT sound';
}

export interface GrantCommand {
  readonly vault: Vault;
  readonly recipient: string;
  readonly packIds: 'all' | 'none' | readonly string[];
  readonly print: (text: string) => void;
}

/** `none` ends the grants. @throws VaultError wrong-recipient · missing · corrupt · disk-full · io */
export async function grantVault({ vault, recipient, packIds, print }: GrantCommand): Promise<void> {
  const name = `recipient ${recipientTagOf(recipient)}`;
  if (packIds === 'none') {
    const ended = await vault.endGrants(recipient);
    print(
      `${ended} packs are not granted to ${name} any more, nor will new ones be. What its holder has read or copied stays with it.\n`,
    );
    return;
  }
  const granted = await vault.grant(recipient, packIds);
  print(
    [
      `${granted} packs are newly granted to ${name}${packIds === 'all' ? ', and new ones will be when they are made' : ''}.\n`,
      'Its holder can read every object in them, also those that a pack still takes until it is full. This cannot be taken back from someone who has read.\n',
    ].join(''),
  );
}

/** What another centre grants its packs to, so that this one can read them. */
export async function recipientOf(keys: VaultKeys): Promise<string> {
  return await identityToRecipient(keys.identity);
}
