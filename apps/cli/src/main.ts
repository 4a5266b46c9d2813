/** The command line: what each command is called, where it writes, and its exit code. The only file that reads the process. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { SourceError } from '@vitrine/source';
import * as v from 'valibot';
import { explain } from './centre-connection.ts';
import { addCommitmentCommands, addSpokespersonCommands } from './commitment-commands.ts';
import { Failure, reasonOf } from './failure.ts';
import { addDisposalCommand, addKeyCommands } from './key-commands.ts';
import { barProgress, plainProgress, silent } from './progress.ts';
import { printable } from './printable.ts';
import { addSignCommand } from './review-commands.ts';
import type { Terminal } from './terminal.ts';
import { addWatchCommands } from './watch-commands.ts';

const COULD_NOT_RUN = 2;

// `vitrine … | head` ends the reader first: what is left unsaid was not wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

function openTerminal(json: boolean): Terminal {
  const write = (text: string) => void process.stderr.write(text);
  const now = () => performance.now();
  return {
    print: (text) => void process.stdout.write(text),
    note: (text) => write(`${text}\n`),
    colour: process.stdout.isTTY && process.env['NO_COLOR'] === undefined && process.env['TERM'] !== 'dumb',
    progress: json ? silent : process.stderr.isTTY ? barProgress(write, now) : plainProgress(write, now),
  };
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return v.parse(v.object({ version: v.string() }), JSON.parse(text)).version;
}

function count(text: string): number {
  if (!/^[1-9][0-9]{0,15}$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new InvalidArgumentError('A whole number from 1 is expected.');
  return Number(text);
}

/** Runs a command and sets the exit code. Commands are loaded when they run, so that each starts quickly. */
async function run(
  options: { readonly json?: boolean },
  work: (terminal: Terminal) => Promise<number>,
): Promise<void> {
  const terminal = openTerminal(options.json === true);
  try {
    process.exitCode = await work(terminal);
  } catch (thrown) {
    const failure = explain(thrown);
    const expected = failure instanceof Failure || failure instanceof SourceError;
    const message =
      failure instanceof SourceError ? `${failure.message} (${failure.code})` : reasonOf(failure);
    terminal.note(`vitrine: ${printable(message)}`);
    if (!expected && failure instanceof Error) terminal.note(failure.stack ?? '');
    process.exitCode =
      failure instanceof Failure ? failure.exitCode : failure instanceof SourceError ? 1 : COULD_NOT_RUN;
  }
}

const program = new Command('vitrine')
  .description(
    'A transparency centre in a box: publish releases with confidential source, and let anyone verify them.',
  )
  .version(version())
  .exitOverride()
  .addHelpText(
    'after',
    `
The server:
  init --data DIR --origin NAME   make a data folder
  serve --data DIR                run a centre
  centre describe --data DIR      the keys by which a centre is announced
  vault check --data DIR          check every object of the vault
  witness serve --data DIR        run a C2SP witness of any logs

Exit codes: 0 yes, 1 no, 2 could not run. docs/cli.md explains every command.`,
  );

const publish = program.command('publish').description('say something as a publisher');

publish
  .command('release')
  .description('publish a release; running the same command again goes on where it stopped')
  .requiredOption('--server <url>', 'the centre')
  .requiredOption('--key <file>', 'the key that signs: Ed25519, PKCS#8 PEM')
  .requiredOption('--product <name>', 'a-z 0-9 . _ -')
  .requiredOption('--release <version>', 'the version')
  .option('--source <dir>', 'the source: a folder')
  .option('--git <dir@rev>', 'the source: a git revision')
  .option('--source-archive <file>', 'the source: .tar, plain or with gzip, zstd, xz, bzip2')
  .option('--artifact <file...>', 'files that customers get')
  .option('--sbom <file>', 'CycloneDX or SPDX, JSON')
  .option('--provenance <file>', 'SLSA v1 provenance')
  .option('--notes <file>', 'public release notes, UTF-8')
  .option('--supersedes <version>', 'the version that this one replaces')
  .option('--policy <file>', "whom the evidence must convince; else the centre's own policy")
  .option('--evidence-out <dir>', 'where the evidence of each artifact goes')
  .option('--dry-run', 'do everything but write on the server')
  .addOption(new Option('--max-source-files <n>', 'limit of the source').argParser(count))
  .addOption(new Option('--max-source-bytes <n>', 'limit of the source').argParser(count))
  .addOption(new Option('--max-compression-ratio <n>', 'limit of an archive').argParser(count))
  .option('--json', 'for programs')
  .action(async (options: Parameters<typeof import('./commands/publish-release.ts').publishRelease>[0]) =>
    run(options, async (terminal) => {
      const { publishRelease } = await import('./commands/publish-release.ts');
      return publishRelease(options, terminal, process.env);
    }),
  );

publish
  .command('withdraw')
  .description('withdraw a release, with a public reason')
  .requiredOption('--server <url>', 'the centre')
  .requiredOption('--key <file>', 'the key that signs')
  .requiredOption('--product <name>', 'the product')
  .requiredOption('--release <version>', 'the version')
  .option('--policy <file>', "whom the evidence must convince; else the centre's own policy")
  .option('--reason <text>', 'why, in public')
  .option('--reason-file <file>', 'why, in public, UTF-8')
  .option('--json', 'for programs')
  .action(async (options: Parameters<typeof import('./commands/publish-withdraw.ts').publishWithdraw>[0]) =>
    run(options, async (terminal) => {
      const { publishWithdraw } = await import('./commands/publish-withdraw.ts');
      return publishWithdraw(options, terminal);
    }),
  );

program
  .command('submit <file>')
  .description('say something to the vendor at any centre, and keep the acceptance')
  .requiredOption('--server <url>', 'the centre')
  .requiredOption('--key <file>', 'your key: Ed25519, PKCS#8 PEM')
  .requiredOption(
    '--kind <kind>',
    'letter, finding, opinion, vulnerability-report, access-request, government-request',
  )
  .option('--product <name>', 'the product that it is about')
  .option('--intake-vkey <vkey>', "the key of the centre's intake log; else the centre's own word for it")
  .option('--acceptance-out <file>', 'where the signed acceptance goes')
  .option('--wait', "wait until the vendor's log names it")
  .option('--json', 'for programs')
  .action(async (file: string, options: Parameters<typeof import('./commands/submit.ts').submit>[1]) =>
    run(options, async (terminal) => {
      const { submit } = await import('./commands/submit.ts');
      return submit(file, options, terminal);
    }),
  );

program
  .command('centre')
  .description('centres')
  .command('status')
  .description('how a centre is doing; exit 1 when something is amiss')
  .requiredOption('--server <url>', 'the centre')
  .option('--json', 'for programs')
  .action(async (options: Parameters<typeof import('./commands/centre-status.ts').centreStatus>[0]) =>
    run(options, async (terminal) => {
      const { centreStatus } = await import('./commands/centre-status.ts');
      return centreStatus(options, terminal);
    }),
  );

addDisposalCommand(publish, run, () => process.stdin);
addSpokespersonCommands(publish, run);
addKeyCommands(program, run, () => process.stdin);
addCommitmentCommands(program, run);
addSignCommand(program, run, () => ({ answers: process.stdin, environment: process.env }));
addWatchCommands(program, run);

program
  .command('verify <file>')
  .description('what is shown of a file')
  .requiredOption('--policy <file>', 'whom you believe')
  .option('--evidence <file>', 'the evidence')
  .option('--server <url>', 'the centre to ask for evidence')
  .option('--max-age <duration>', 'refuse an older view: 90s, 15m, 12h, 30d')
  .option('--json', 'for programs')
  .action(async (file: string, options: Parameters<typeof import('./commands/verify.ts').verify>[1]) =>
    run(options, async (terminal) => {
      const { verify } = await import('./commands/verify.ts');
      return verify(file, options, terminal);
    }),
  );

const evidence = program.command('evidence').description('evidence files');

evidence
  .command('show <file>')
  .description('decode an evidence file; verifies nothing without a policy')
  .option('--policy <file>', 'whom you believe: adds the verdict')
  .option('--server <url>', 'a centre: show the newest evidence about the same statement instead')
  .option('--json', 'for programs')
  .action(
    async (file: string, options: Parameters<typeof import('./commands/evidence-show.ts').evidenceShow>[1]) =>
      run(options, async (terminal) => {
        const { evidenceShow } = await import('./commands/evidence-show.ts');
        return evidenceShow(file, options, terminal);
      }),
  );

evidence
  .command('verify <file>')
  .description('the verdict on evidence by itself: statements that have no file, proofs of misbehaviour')
  .requiredOption('--policy <file>', 'whom you believe')
  .option('--server <url>', 'a centre: judge the newest evidence about the same statement instead')
  .option('--max-age <duration>', 'refuse an older view')
  .option('--log-vkey <vkey...>', 'keys of logs that the policy does not name, for a proof of misbehaviour')
  .option('--json', 'for programs')
  .action(
    async (
      file: string,
      options: Parameters<typeof import('./commands/evidence-verify.ts').evidenceVerify>[1],
    ) =>
      run(options, async (terminal) => {
        const { evidenceVerify } = await import('./commands/evidence-verify.ts');
        return evidenceVerify(file, options, terminal);
      }),
  );

evidence
  .command('refresh <file>')
  .description('replace an evidence file by the newest about the same statement')
  .requiredOption('--server <url>', 'the centre')
  .option('--policy <file>', 'whom you believe; the new evidence must hold under it')
  .option('--json', 'for programs')
  .action(
    async (
      file: string,
      options: Parameters<typeof import('./commands/evidence-refresh.ts').evidenceRefresh>[1],
    ) =>
      run(options, async (terminal) => {
        const { evidenceRefresh } = await import('./commands/evidence-refresh.ts');
        return evidenceRefresh(file, options, terminal);
      }),
  );

program
  .command('log')
  .description('logs')
  .command('fsck <url-or-dir>')
  .description('derive a whole C2SP log again from its entries')
  .requiredOption('--vkey <vkey>', "the log's verifier key")
  .option('--json', 'for programs')
  .action(async (source: string, options: Parameters<typeof import('./commands/log-fsck.ts').logFsck>[1]) =>
    run(options, async (terminal) => {
      const { logFsck } = await import('./commands/log-fsck.ts');
      return logFsck(source, options, terminal);
    }),
  );

try {
  await program.parseAsync();
} catch (thrown) {
  if (!(thrown instanceof CommanderError)) throw thrown;
  process.exitCode = thrown.exitCode === 0 ? 0 : COULD_NOT_RUN;
}
