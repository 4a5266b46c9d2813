/** `vitrine keys unsign FILE`: takes a signature off a statement, since one that does not count spoils the others. */
import { refused } from '../failure.ts';
import { formatKeyStatement, readKeyStatement } from '../key-statement-file.ts';
import { reportFile } from '../key-statement.ts';
import { replaceFile } from '../local-file.ts';
import { readKeyid } from '../public-key-option.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysUnsignOptions {
  readonly signer: string;
  readonly json?: boolean;
}

/** @returns the exit code @throws Failure */
export async function keysUnsign(path: string, options: KeysUnsignOptions, terminal: Terminal): Promise<0> {
  const read = await readKeyStatement(path);
  const signer = await readKeyid(options.signer);
  const signatures = read.signatures.filter(({ keyid }) => keyid !== signer);
  if (signatures.length === read.signatures.length) throw refused(`${path} has no signature by ${signer}`);
  const file = { ...read, signatures };
  await replaceFile(path, formatKeyStatement(file));
  reportFile(path, file, undefined, options.json === true, terminal);
  return 0;
}
