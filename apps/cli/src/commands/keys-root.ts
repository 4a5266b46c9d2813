/** `vitrine keys root`: another set of root keys, or another threshold. The old set and the new one both sign. */
import { formatPublicKey, rootKeysStatement } from '@vitrine/statements';
import type { PublicKey } from '@vitrine/statements';
import { couldNotRun, refused } from '../failure.ts';
import { nextVersion, sayInKeysLog } from '../key-statement.ts';
import type { SayingOptions } from '../key-statement.ts';
import { readPublicKey } from '../public-key-option.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysRootOptions extends SayingOptions {
  readonly root: readonly string[];
  readonly threshold: number;
  readonly asVersion?: number;
}

/** @returns the exit code @throws Failure, ApiError */
export async function keysRoot(options: KeysRootOptions, terminal: Terminal): Promise<0> {
  const { threshold } = options;
  const keys = await Promise.all(options.root.map(readPublicKey));
  if (new Set(keys.map(({ keyid }) => keyid)).size !== keys.length)
    throw couldNotRun('--root: a key is named twice');
  if (threshold > keys.length)
    throw couldNotRun(`--threshold ${threshold}: there are ${keys.length} root keys`);
  if (keys.length > 1 && threshold === 1)
    terminal.note('warning: with --threshold 1 each of these keys alone may do everything');
  if (threshold === keys.length && keys.length > 1)
    terminal.note('warning: when one of these keys is lost, no key can ever be added or revoked again');
  return sayInKeysLog(options, terminal, (ground) => {
    const { log, state } = ground;
    const current = state?.rootKeys;
    const version = nextVersion(ground, () => current?.version ?? 0, options.asVersion);
    if (current !== undefined && sameSet(current.keys, keys) && current.threshold === threshold)
      throw refused('these are the root keys in force already');
    return rootKeysStatement({
      log,
      instance: log.slice(0, -'/keys'.length),
      version,
      keys: keys.map(formatPublicKey),
      threshold,
    });
  });
}

function sameSet(a: readonly PublicKey[], b: readonly PublicKey[]): boolean {
  return a.length === b.length && a.every(({ keyid }) => b.some((key) => key.keyid === keyid));
}
