/** `vitrine keys revoke`: ends a key, in good order or because it is compromised. */
import { keyRevokeStatement } from '@vitrine/statements';
import { couldNotRun } from '../failure.ts';
import { sayInKeysLog } from '../key-statement.ts';
import type { SayingOptions } from '../key-statement.ts';
import { readKeyid } from '../public-key-option.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysRevokeOptions extends SayingOptions {
  readonly revoke: string;
  readonly reason: string;
  readonly validBelow?: number;
}

/** @returns the exit code @throws Failure, ApiError */
export async function keysRevoke(options: KeysRevokeOptions, terminal: Terminal): Promise<0> {
  const { reason, validBelow } = options;
  if (reason !== 'retired' && reason !== 'compromised')
    throw couldNotRun(`--reason ${reason}: retired or compromised is expected`);
  const key = await readKeyid(options.revoke);
  if (reason === 'retired') {
    if (validBelow !== undefined)
      throw couldNotRun(
        '--valid-below belongs to --reason compromised: what a retired key signed before stands',
      );
    return sayInKeysLog(options, terminal, ({ log }) => keyRevokeStatement({ log, key, reason }));
  }
  if (validBelow === undefined)
    throw couldNotRun(
      '--reason compromised needs --valid-below SIZE: from that entry of the root log on, whatever the key signed is void. It is the index of the first statement by it that was not yours',
    );
  return sayInKeysLog(options, terminal, ({ log }) => keyRevokeStatement({ log, key, reason, validBelow }));
}
