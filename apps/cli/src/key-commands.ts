/** The commands about keys and disposals: what each is called and takes. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { AnswerSource } from './confirmation.ts';
import type { Terminal } from './terminal.ts';

/** Runs a command on the terminal and sets the exit code. */
type Run = (
  options: { readonly json?: boolean },
  work: (terminal: Terminal) => Promise<number>,
) => Promise<void>;

function wholeNumber(text: string): number {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw new InvalidArgumentError('A whole number is expected.');
  return Number(text);
}

/** Several by naming the option again: the file may then stand before or after it. */
function gathered(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** The options of every command that says something in the keys log. */
function saying(command: Command): Command {
  return command
    .option('--key <file...>', 'the keys that sign: Ed25519, PKCS#8 PEM')
    .option('--server <url>', 'the centre')
    .option('--log <origin>', 'without a centre: the log it is for, NAME/keys')
    .option('--out <file>', 'write it to a file for others to sign, instead of sending it')
    .option('--json', 'for programs');
}

/** Adds `vitrine keys …`. `answers`: where those are read who can be asked. */
export function addKeyCommands(program: Command, run: Run, answers: () => AnswerSource): void {
  const keys = program.command('keys').description('who may say what: the keys log, and key files');

  keys
    .command('list')
    .description('root keys, rules, witnesses and every key, as the keys log says')
    .requiredOption('--server <url>', 'the centre')
    .option('--policy <file>', 'whom you believe; without it nothing is verified')
    .option(
      '--policy-out <file>',
      'with --policy: write what it becomes with the witnesses that the log names',
    )
    .option('--holder <file>', 'who stands behind a key, from vitrine keys holder; once for each', gathered)
    .option('--json', 'for programs')
    .action(async (options: Parameters<typeof import('./commands/keys-list.ts').keysList>[0]) =>
      run(options, async (terminal) => (await import('./commands/keys-list.ts')).keysList(options, terminal)),
    );

  keys
    .command('generate')
    .description('make a new key file; never over another')
    .requiredOption('--out <file>', 'where it goes: Ed25519, PKCS#8 PEM, readable by its owner only')
    .option('--json', 'for programs')
    .action(async (options: Parameters<typeof import('./commands/keys-generate.ts').keysGenerate>[0]) =>
      run(options, async (terminal) =>
        (await import('./commands/keys-generate.ts')).keysGenerate(options, terminal),
      ),
    );

  keys
    .command('show <key>')
    .description('the keyid and SPKI of a key file, private or public')
    .option('--json', 'for programs')
    .action(async (key: string, options: { readonly json?: boolean }) =>
      run(options, async (terminal) =>
        (await import('./commands/keys-show.ts')).keysShow(key, options, terminal),
      ),
    );

  saying(keys.command('add'))
    .description('let a key speak in roles; what it may say cannot be changed later')
    .requiredOption('--public <key>', 'the key that is added: a file, or its SPKI in base64')
    .requiredOption('--role <role...>', 'ROLE for every product, or ROLE=PRODUCT,PRODUCT')
    .option(
      '--holder <file>',
      'who stands behind it: a file of vitrine keys holder, or the commitment to one',
    )
    .action(async (options: Parameters<typeof import('./commands/keys-add.ts').keysAdd>[0]) =>
      run(options, async (terminal) => (await import('./commands/keys-add.ts')).keysAdd(options, terminal)),
    );

  saying(keys.command('rotate'))
    .description('hand the roles of a key over to a successor, which signs too')
    .requiredOption('--successor <key>', 'the new key: its private file signs; a public one signs later')
    .option(
      '--rotate <keyid>',
      'the key that ends: its keyid or a file; that of --key when there is one only',
    )
    .action(async (options: Parameters<typeof import('./commands/keys-rotate.ts').keysRotate>[0]) =>
      run(options, async (terminal) =>
        (await import('./commands/keys-rotate.ts')).keysRotate(options, terminal),
      ),
    );

  saying(keys.command('revoke'))
    .description('end a key')
    .requiredOption('--revoke <keyid>', 'the key: its keyid or a file')
    .requiredOption('--reason <reason>', 'retired or compromised')
    .option(
      '--valid-below <size>',
      'compromised: from this entry of the root log on its signatures are void',
      wholeNumber,
    )
    .action(async (options: Parameters<typeof import('./commands/keys-revoke.ts').keysRevoke>[0]) =>
      run(options, async (terminal) =>
        (await import('./commands/keys-revoke.ts')).keysRevoke(options, terminal),
      ),
    );

  saying(keys.command('root'))
    .description('another set of root keys; the old and the new sign')
    .requiredOption('--root <key...>', 'the new root keys: files, or SPKIs in base64')
    .requiredOption('--threshold <n>', 'how many of them must sign', wholeNumber)
    .option('--as-version <n>', 'with --log: the version of this set', wholeNumber)
    .action(async (options: Parameters<typeof import('./commands/keys-root.ts').keysRoot>[0]) =>
      run(options, async (terminal) => (await import('./commands/keys-root.ts')).keysRoot(options, terminal)),
    );

  saying(keys.command('policy'))
    .description('other rules of registration')
    .requiredOption('--rules <file>', 'a list of {"predicateType", "role", "threshold"}')
    .option('--as-version <n>', 'with --log: the version of these rules', wholeNumber)
    .action(async (options: Parameters<typeof import('./commands/keys-policy.ts').keysPolicy>[0]) =>
      run(options, async (terminal) =>
        (await import('./commands/keys-policy.ts')).keysPolicy(options, terminal),
      ),
    );

  saying(keys.command('witnesses'))
    .description('who must cosign, and who operates whose key')
    .requiredOption('--witness <witness>', 'OPERATOR=VKEY or OPERATOR=VKEY@URL; once for each', gathered)
    .requiredOption('--quorum <n>', 'how many operators of witnesses must cosign', wholeNumber)
    .option('--mirror <mirror>', 'the same, of a key that cosigns as a mirror; once for each', gathered)
    .option('--mirror-quorum <n>', 'how many operators of mirrors must cosign', wholeNumber)
    .option('--as-version <n>', 'with --log: the version of these witnesses', wholeNumber)
    .action(async (options: Parameters<typeof import('./commands/keys-witnesses.ts').keysWitnesses>[0]) =>
      run(options, async (terminal) =>
        (await import('./commands/keys-witnesses.ts')).keysWitnesses(options, terminal),
      ),
    );

  saying(keys.command('resolve-fork'))
    .description(
      'after a fork: the log goes on with the branch that a centre shows; to be sent to every centre',
    )
    .requiredOption(
      '--evidence <file>',
      'a proof of misbehaviour; once for each that a centre keeps',
      gathered,
    )
    .option('--branch-of <url>', 'the centre that shows the branch which is kept; --server unless given')
    .action(
      async (options: Parameters<typeof import('./commands/keys-resolve-fork.ts').keysResolveFork>[0]) =>
        run(options, async (terminal) =>
          (await import('./commands/keys-resolve-fork.ts')).keysResolveFork(options, terminal),
        ),
    );

  keys
    .command('close-log <log>')
    .description('end a log for good, at the size that it has; of the root log, with everything')
    .requiredOption('--server <url>', 'the centre that writes the root log')
    .option('--shown-by <url>', 'the centre that shows the log; --server unless given')
    .option('--key <file...>', 'the root keys that sign: Ed25519, PKCS#8 PEM')
    .option('--successor <log>', 'where it goes on: VKEY@URL, the URL of its tiles; without it, nowhere')
    .option('--successor-entry0 <sha256>', 'of the root log: SHA-256 of entry 0 of the successor’s keys log')
    .option('--reason <text>', 'why, in public')
    .option('--reason-file <file>', 'why, in public, UTF-8')
    .option('--out <file>', 'write it to a file for others to sign, instead of sending it')
    .option('--dry-run', 'say what would be, and write nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'for programs')
    .action(
      async (
        log: string,
        options: Parameters<typeof import('./commands/keys-close-log.ts').keysCloseLog>[1],
      ) =>
        run(options, async (terminal) =>
          (await import('./commands/keys-close-log.ts')).keysCloseLog(log, options, terminal, answers()),
        ),
    );

  keys
    .command('holder <who>')
    .description('a file that says who stands behind a key, for keys add --holder; needs no server')
    .requiredOption('--out <file>', 'where it goes; readable by its owner only')
    .option('--json', 'for programs')
    .action(
      async (who: string, options: Parameters<typeof import('./commands/keys-holder.ts').keysHolder>[1]) =>
        run(options, async (terminal) =>
          (await import('./commands/keys-holder.ts')).keysHolder(who, options, terminal),
        ),
    );

  keys
    .command('sign <file>')
    .description('show what a statement says, and sign it; needs no server')
    .requiredOption('--key <file>', 'a key that signs; once for each', gathered)
    .option('--out <file>', 'leave the file as it is and write another')
    .option('--yes', 'do not ask')
    .option('--json', 'for programs')
    .action(async (file: string, options: Parameters<typeof import('./commands/keys-sign.ts').keysSign>[1]) =>
      run(options, async (terminal) =>
        (await import('./commands/keys-sign.ts')).keysSign(file, options, terminal, answers()),
      ),
    );

  keys
    .command('unsign <file>')
    .description('take a signature off a statement')
    .requiredOption('--signer <keyid>', 'whose: a keyid or a file')
    .option('--json', 'for programs')
    .action(
      async (file: string, options: Parameters<typeof import('./commands/keys-unsign.ts').keysUnsign>[1]) =>
        run(options, async (terminal) =>
          (await import('./commands/keys-unsign.ts')).keysUnsign(file, options, terminal),
        ),
    );

  keys
    .command('submit <file>')
    .description('send a statement that enough have signed')
    .requiredOption('--server <url>', 'the centre')
    .option('--reason <text>', 'of a closing: why, in public')
    .option('--reason-file <file>', 'of a closing: why, in public, UTF-8')
    .option('--json', 'for programs')
    .action(
      async (file: string, options: Parameters<typeof import('./commands/keys-submit.ts').keysSubmit>[1]) =>
        run(options, async (terminal) =>
          (await import('./commands/keys-submit.ts')).keysSubmit(file, options, terminal),
        ),
    );
}

/** Adds `vitrine publish disposal`. */
export function addDisposalCommand(publish: Command, run: Run, answers: () => AnswerSource): void {
  publish
    .command('disposal')
    .description('end objects of the vault for good, with a public reason')
    .requiredOption('--server <url>', 'the centre')
    .requiredOption('--key <file>', 'the key that signs; it needs the role custodian')
    .requiredOption('--product <name>', 'the product')
    .option('--policy <file>', "whom the evidence must convince; else the centre's own policy")
    .option('--object <sha256...>', 'the objects')
    .option('--object-list <file>', 'the objects, one SHA-256 a line; what follows it is ignored')
    .option('--reason <text>', 'why, in public')
    .option('--reason-file <file>', 'why, in public, UTF-8')
    .option('--yes', 'do not ask')
    .option('--json', 'for programs')
    .action(async (options: Parameters<typeof import('./commands/publish-disposal.ts').publishDisposal>[0]) =>
      run(options, async (terminal) =>
        (await import('./commands/publish-disposal.ts')).publishDisposal(options, terminal, answers()),
      ),
    );
}
