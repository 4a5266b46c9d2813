/** `vitrine keys generate`: a new Ed25519 key in a file that only its owner reads. */
import { generateKeyPairSync } from 'node:crypto';
import { formatPublicKey, parseSpki } from '@vitrine/statements';
import { createFile } from '../new-file.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysGenerateOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** @returns the exit code @throws Failure */
export async function keysGenerate({ out, json }: KeysGenerateOptions, terminal: Terminal): Promise<0> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = String(privateKey.export({ format: 'pem', type: 'pkcs8' }));
  const key = parseSpki(new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })));
  await createFile(out, new TextEncoder().encode(pem), 0o600);
  if (json === true)
    terminal.print(`${JSON.stringify({ file: out, keyid: key.keyid, spki: formatPublicKey(key) })}\n`);
  else
    terminal.print(
      `written  ${printable(out)}   (secret: keep a copy where this machine is not)\nkeyid    ${key.keyid}\nSPKI     ${formatPublicKey(key)}\n`,
    );
  return 0;
}
