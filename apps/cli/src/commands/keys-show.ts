/** `vitrine keys show`: what a key file is called in a keys log. */
import { formatPublicKey } from '@vitrine/statements';
import { readPublicKey } from '../public-key-option.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysShowOptions {
  readonly json?: boolean;
}

/** @param key a file or an SPKI in base64 @returns the exit code @throws Failure */
export async function keysShow(key: string, { json }: KeysShowOptions, terminal: Terminal): Promise<0> {
  const { isPrivate, ...publicKey } = await readPublicKey(key);
  const { keyid } = publicKey;
  const spki = formatPublicKey(publicKey);
  if (json === true) terminal.print(`${JSON.stringify({ keyid, spki, private: isPrivate })}\n`);
  else
    terminal.print(
      `keyid    ${keyid}\nSPKI     ${spki}\n${isPrivate ? 'private  the file also holds the private key\n' : ''}`,
    );
  return 0;
}
