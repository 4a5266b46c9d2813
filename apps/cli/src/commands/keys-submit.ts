/** `vitrine keys submit FILE`: sends a statement that enough have signed. The same again changes nothing. */
import { CLOSED_TYPE } from '@vitrine/statements';
import { refused } from '../failure.ts';
import { prospectOf } from '../key-registration.ts';
import { readKeyStatement } from '../key-statement-file.ts';
import { send, showStatement } from '../key-statement.ts';
import { readKeysLog } from '../keys-log-source.ts';
import { readReason } from '../reason-option.ts';
import type { ReasonOptions } from '../reason-option.ts';
import type { Terminal } from '../terminal.ts';
import { showVoided } from '../voided-statements.ts';
import { waiting } from '../waiting.ts';

export interface KeysSubmitOptions extends ReasonOptions {
  readonly server: string;
  readonly json?: boolean;
}

/** @returns the exit code @throws Failure, ApiError */
export async function keysSubmit(path: string, options: KeysSubmitOptions, terminal: Terminal): Promise<0> {
  const file = await readKeyStatement(path);
  showStatement(file, terminal);
  const served = await readKeysLog(options.server, waiting(terminal));
  await showVoided(options.server, file.statement, served.state, terminal);
  const prospect = prospectOf(file, served);
  if (prospect.outlook === 'refused') throw refused(prospect.reason);
  const reason = file.statement.predicateType === CLOSED_TYPE ? await readReason(options) : undefined;
  return send(options.server, file, prospect, options.json === true, terminal, reason);
}
