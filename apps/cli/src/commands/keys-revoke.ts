/** `vitrine keys revoke`: ends a key, in good order or because it is compromised. */
import { type KeysState, keyRevokeStatement } from '@vitrine/statements';
import { couldNotRun } from '../failure.ts';
import { sayInKeysLog } from '../key-statement.ts';
import type { Ground, SayingOptions } from '../key-statement.ts';
import { readKeyid } from '../public-key-option.ts';
import { printable } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';
import { voidedStatements } from '../voided-statements.ts';

export interface KeysRevokeOptions extends SayingOptions {
  readonly revoke: string;
  readonly reason: string;
  readonly validBelow?: number;
}

const LISTED = 20;

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
  return sayInKeysLog(options, terminal, async ({ log, state }: Ground) => {
    if (options.server !== undefined) await showVoided(options.server, key, validBelow, terminal);
    if (state !== undefined) warnAboutSuccessor(state, key, terminal);
    return keyRevokeStatement({ log, key, reason, validBelow });
  });
}

async function showVoided(
  server: string,
  key: string,
  validBelow: number,
  terminal: Terminal,
): Promise<void> {
  const onWait = (why: string) => terminal.note(`waiting: ${printable(why)}`);
  const voided = await voidedStatements({ server, log: 'statements', onWait }, key, validBelow);
  if (voided === undefined) {
    terminal.note('The root log has too many entries since then to list what becomes void.');
    return;
  }
  terminal.note(
    voided.length === 0
      ? `The key signed nothing in the root log from entry ${validBelow} on.`
      : `${voided.length} of the root log’s statements become void:`,
  );
  for (const { leafIndex, words } of voided.slice(0, LISTED))
    terminal.note(`  ${leafIndex}  ${printable(words)}`);
  if (voided.length > LISTED) terminal.note(`  and ${voided.length - LISTED} more`);
}

function warnAboutSuccessor(state: KeysState, keyid: string, terminal: Terminal): void {
  const successor = state.keys.get(keyid)?.successor;
  if (successor !== undefined && state.keys.get(successor)?.voidFrom === undefined)
    terminal.note(
      `warning: its successor ${successor} still stands. If a thief may have made the rotation, revoke it too, with the same --valid-below`,
    );
}
