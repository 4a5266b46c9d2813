/** A resolution of a fork on its way to the centres: each has to hear it by itself, since a frozen log publishes nothing. */
import { connect, patiently } from './centre-connection.ts';
import { refused } from './failure.ts';
import { formatKeyStatement } from './key-statement-file.ts';
import type { KeyStatementFile } from './key-statement-file.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

/**
 * Tells a centre, and says what came of it.
 *
 * @returns whether the statement can be registered there too: a centre that only follows the keys log registers nothing
 * @throws Failure when the centre stays frozen; ApiError
 */
export async function tellResolution(
  server: string,
  file: KeyStatementFile,
  onWait: (reason: string) => void,
  json: boolean,
  terminal: Terminal,
): Promise<boolean> {
  const client = connect(server);
  const envelope = new TextDecoder().decode(formatKeyStatement(file));
  const { forks } = await patiently(() => client.call('resolveFork', { body: { envelope } }), onWait);
  const { logs } = await client.call('centre');
  const isWriter = logs.some(({ kind, state }) => kind === 'keys' && state !== 'following');
  if (json && !isWriter) terminal.print(`${JSON.stringify({ server, forks })}\n`);
  if (!json) {
    for (const fork of forks)
      terminal.print(
        `${printable(server)}: fork ${fork.id} ${fork.resolved ? 'is resolved, the log goes on' : 'is not resolved'}\n`,
      );
    if (forks.length === 0) terminal.print(`${printable(server)}: no fork that it knows is concerned\n`);
  }
  const stuck = forks.find((fork) => !fork.resolved);
  if (stuck?.resolved === false) throw refused(stuck.reason);
  return isWriter;
}
