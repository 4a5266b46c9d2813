/** The commands about commitments, events and centres: what each is called and takes. */
import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';

/** Runs a command on the terminal and sets the exit code. */
type Run = (
  options: { readonly json?: boolean },
  work: (terminal: Terminal) => Promise<number>,
) => Promise<void>;

/** The options of every command that says something in the root log. */
function saying(command: Command): Command {
  return command
    .requiredOption('--server <url>', 'the centre')
    .requiredOption('--key <file>', 'the key that signs: Ed25519, PKCS#8 PEM')
    .option('--policy <file>', "whom the evidence must convince; else the centre's own policy")
    .option('--json', 'for programs');
}

function reasoned(command: Command): Command {
  return command
    .option('--reason <text>', 'why, in public')
    .option('--reason-file <file>', 'why, in public, UTF-8');
}

/** Adds `vitrine publish commitment`, `amendment`, `commitment-withdrawal`, `event` and `centre`. */
export function addSpokespersonCommands(publish: Command, run: Run): void {
  saying(publish.command('commitment'))
    .description('promise something, with a date and what shows that it is kept')
    .requiredOption('--file <file>', 'terms and text, JSON')
    .action(
      async (options: Parameters<typeof import('./commands/publish-commitment.ts').publishCommitment>[0]) =>
        run(options, async (terminal) =>
          (await import('./commands/publish-commitment.ts')).publishCommitment(options, terminal),
        ),
    );

  reasoned(saying(publish.command('amendment')))
    .description('let a promise read differently, with a public reason; the old text stays')
    .requiredOption('--file <file>', 'the new terms and text, JSON')
    .action(
      async (options: Parameters<typeof import('./commands/publish-amendment.ts').publishAmendment>[0]) =>
        run(options, async (terminal) =>
          (await import('./commands/publish-amendment.ts')).publishAmendment(options, terminal),
        ),
    );

  reasoned(saying(publish.command('commitment-withdrawal')))
    .description('withdraw a promise, with a public reason')
    .requiredOption('--commitment <id>', 'the promise')
    .action(
      async (
        options: Parameters<
          typeof import('./commands/publish-commitment-withdrawal.ts').publishCommitmentWithdrawal
        >[0],
      ) =>
        run(options, async (terminal) =>
          (await import('./commands/publish-commitment-withdrawal.ts')).publishCommitmentWithdrawal(
            options,
            terminal,
          ),
        ),
    );

  saying(publish.command('event'))
    .description('record that something happened in the world, with its sources')
    .requiredOption('--file <file>', 'what, when and where it can be read, JSON')
    .action(async (options: Parameters<typeof import('./commands/publish-event.ts').publishEvent>[0]) =>
      run(options, async (terminal) =>
        (await import('./commands/publish-event.ts')).publishEvent(options, terminal),
      ),
    );

  saying(publish.command('centre'))
    .description('announce a transparency centre, or that it has closed')
    .requiredOption('--file <file>', 'who runs it, where, and its keys, JSON')
    .action(async (options: Parameters<typeof import('./commands/publish-centre.ts').publishCentre>[0]) =>
      run(options, async (terminal) =>
        (await import('./commands/publish-centre.ts')).publishCentre(options, terminal),
      ),
    );
}

/** Adds `vitrine commitments check`. */
export function addCommitmentCommands(program: Command, run: Run): void {
  program
    .command('commitments')
    .description('promises')
    .command('check')
    .description('recompute from the log how every promise stands, and compare the centre’s board with it')
    .requiredOption('--server <url>', 'the centre')
    .option('--policy <file>', 'whom you believe; without it no checkpoint is verified')
    .option('--json', 'for programs')
    .action(
      async (options: Parameters<typeof import('./commands/commitments-check.ts').commitmentsCheck>[0]) =>
        run(options, async (terminal) =>
          (await import('./commands/commitments-check.ts')).commitmentsCheck(options, terminal),
        ),
    );
}
