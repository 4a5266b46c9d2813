/** `vitrine keys submit FILE`: sends a statement that enough have signed. The same again changes nothing. */
import { refused } from '../failure.ts';
import { prospectOf } from '../key-registration.ts';
import { readKeyStatement } from '../key-statement-file.ts';
import { send, showStatement } from '../key-statement.ts';
import { readKeysLog } from '../keys-log-source.ts';
import type { Terminal } from '../terminal.ts';
import { showVoided } from '../voided-statements.ts';
import { waiting } from '../waiting.ts';

export interface KeysSubmitOptions {
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
  return send(options.server, file, prospect, options.json === true, terminal);
}
