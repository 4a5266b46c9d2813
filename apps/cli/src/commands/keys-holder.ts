/** `vitrine keys holder WHO`: a file that says who stands behind a key, under a random salt, for `keys add --holder`. */
import { randomBytes } from 'node:crypto';
import { commitmentTo, formatKeyHolder, StatementError } from '@vitrine/statements';
import { couldNotRun } from '../failure.ts';
import { createFile } from '../new-file.ts';
import { printable } from '../printable.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysHolderOptions {
  readonly out: string;
  readonly json?: boolean;
}

/** @param who in words @returns the exit code @throws Failure */
export async function keysHolder(
  who: string,
  { out, json }: KeysHolderOptions,
  terminal: Terminal,
): Promise<0> {
  const holder = { holder: who, salt: randomBytes(32).toString('hex') };
  await createFile(out, bytesOf(holder), 0o600);
  const commitment = commitmentTo(holder);
  if (json === true) terminal.print(`${JSON.stringify({ file: out, commitment })}\n`);
  else
    terminal.print(
      `${printable(`written     ${out}`)}\ncommitment  ${commitment}\nOnly the commitment goes into the log (vitrine keys add --holder). Keep the file: without it nobody can show who it was.\n`,
    );
  return 0;
}

function bytesOf(holder: Parameters<typeof formatKeyHolder>[0]): Uint8Array {
  try {
    return formatKeyHolder(holder);
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw couldNotRun(cause.message, cause);
  }
}
