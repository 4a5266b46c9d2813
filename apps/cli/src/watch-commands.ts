/** The commands about watches: what each is called and takes. */
import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** Runs a command on the terminal and sets the exit code. */
type Run = (
  options: { readonly json?: boolean },
  work: (terminal: Terminal) => Promise<number>,
) => Promise<void>;

type Commands = typeof import('./commands/watch.ts');
type WatchOptions = Parameters<Commands['watchShow']>[0];

/** The options of every command about a watch that is there. */
function known(command: Command): Command {
  return command
    .requiredOption('--server <url>', 'the centre')
    .requiredOption('--id <id>', 'the watch')
    .requiredOption('--secret-file <file>', 'the secret that came with it')
    .option('--json', 'for programs');
}

/** Adds `vitrine watch add`, `show`, `confirm` and `remove`. */
export function addWatchCommands(program: Command, run: Run): void {
  const watch = program.command('watch').description('have a centre tell an address of what it publishes');
  const load = (): Promise<Commands> => import('./commands/watch.ts');

  watch
    .command('add')
    .description('tell an address of anything signed with a key, about a product, or of the promises')
    .requiredOption('--server <url>', 'the centre')
    .requiredOption('--url <url>', 'the address, which must answer a challenge')
    .option('--keyid <digest>', 'of anything signed with this key')
    .option('--product <name>', 'of anything about this product')
    .option('--promises', 'of what happens to promises')
    .option('--secret-out <file>', 'where the secret goes; else to standard output')
    .option('--json', 'for programs')
    .action(async (options: Parameters<Commands['watchAdd']>[0]) =>
      run(options, async (terminal) => (await load()).watchAdd(options, terminal)),
    );

  known(watch.command('show'))
    .description('how a watch is doing; exit 1 unless it is active')
    .action(async (options: WatchOptions) =>
      run(options, async (terminal) => (await load()).watchShow(options, terminal)),
    );

  known(watch.command('confirm'))
    .description('have the address challenged again; exit 1 unless it answers')
    .action(async (options: WatchOptions) =>
      run(options, async (terminal) => (await load()).watchConfirm(options, terminal)),
    );

  known(watch.command('remove'))
    .description('end a watch')
    .action(async (options: WatchOptions) =>
      run(options, async (terminal) => (await load()).watchRemove(options, terminal)),
    );
}
