/** `vitrine keys rotate`: a key hands its roles to a successor, which signs too. */
import { formatPublicKey, keyRotateStatement } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { couldNotRun } from '../failure.ts';
import { sayInKeysLog } from '../key-statement.ts';
import type { Ground, SayingOptions } from '../key-statement.ts';
import { readKeyid, readPublicKey } from '../public-key-option.ts';
import { readSigningKey } from '../signing-key.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysRotateOptions extends SayingOptions {
  /** The key that ends; that of --key when there is one only. */
  readonly rotate?: string;
  readonly successor: string;
}

/** @returns the exit code @throws Failure, ApiError */
export async function keysRotate(options: KeysRotateOptions, terminal: Terminal): Promise<0> {
  const successor = await readPublicKey(options.successor);
  const old = options.rotate === undefined ? undefined : await readKeyid(options.rotate);
  const signing: Signer[] = successor.isPrivate
    ? [await readSigningKey(options.successor, (text) => terminal.note(text))]
    : [];
  return sayInKeysLog(
    options,
    terminal,
    (ground) => {
      const key = old ?? onlySigner(ground, successor.keyid);
      if (key === successor.keyid)
        throw couldNotRun('a key cannot succeed itself; make a new one: vitrine keys generate');
      if (!successor.isPrivate)
        terminal.note(
          'The successor itself must sign this too: vitrine keys sign, where its private key is.',
        );
      return keyRotateStatement({ log: ground.log, key, successor: formatPublicKey(successor) });
    },
    signing,
  );
}

function onlySigner({ signers }: Ground, successor: string): string {
  const [key, ...others] = signers.filter(({ keyid }) => keyid !== successor);
  if (key === undefined || others.length > 0)
    throw couldNotRun(
      'say which key ends: --rotate KEYID (it is the one of --key only where there is a single one)',
    );
  return key.keyid;
}
