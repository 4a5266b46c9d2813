/** The commands of reviews: what each is called and takes. */
import type { Command } from 'commander';
import type { Surroundings } from './signer-option.ts';
import type { Terminal } from './terminal.ts';

/** Runs a command on the terminal and sets the exit code. */
type Run = (
  options: { readonly json?: boolean },
  work: (terminal: Terminal) => Promise<number>,
) => Promise<void>;

function withKey(command: Command): Command {
  return command
    .requiredOption('--key <key>', 'the key that signs: a file (Ed25519, PKCS#8 PEM), or pkcs11:URI')
    .option('--pin-file <file>', 'the PIN of a token; else it is asked for');
}

/** Adds `vitrine sign`. */
export function addSignCommand(program: Command, run: Run, surroundings: () => Surroundings): void {
  withKey(program.command('sign <statement>'))
    .description('sign a statement of an intake log, after showing in words what it says')
    .option('--add <envelope>', 'keep the signatures of this envelope: a second partner signs as well')
    .option('--out <file>', 'where the envelope goes; else standard output')
    .option('--yes', 'do not ask')
    .option('--json', 'for programs')
    .action(async (file: string, options: Parameters<typeof import('./commands/sign.ts').sign>[1]) =>
      run(options, async (terminal) =>
        (await import('./commands/sign.ts')).sign(file, options, terminal, surroundings()),
      ),
    );
}
