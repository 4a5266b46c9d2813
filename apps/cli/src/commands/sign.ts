/** `vitrine sign STATEMENT`: shows in words what a statement of an intake log says, and signs it. Needs no server. */
import { equalBytes } from '@vitrine/tlog';
import { confirm } from '../confirmation.ts';
import { refused } from '../failure.ts';
import {
  formatIntakeEnvelope,
  missingSigners,
  readIntakeStatement,
  requireNamed,
  signedIntake,
} from '../intake-statement-file.ts';
import { intakeInWords } from '../intake-statement-in-words.ts';
import { createFile } from '../new-file.ts';
import { printable } from '../printable.ts';
import { readSigner } from '../signer-option.ts';
import type { Surroundings } from '../signer-option.ts';
import type { Terminal } from '../terminal.ts';

export interface SignOptions {
  readonly key: string;
  readonly pinFile?: string;
  /** An envelope of the same statement, whose signatures are kept. */
  readonly add?: string;
  /** Where the envelope goes; standard output where it is not given. */
  readonly out?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** @param path a statement in JSON, or an envelope, whose signatures are kept @returns the exit code @throws Failure */
export async function sign(
  path: string,
  options: SignOptions,
  terminal: Terminal,
  surroundings: Surroundings,
): Promise<0> {
  const asked = await readIntakeStatement(path);
  const read = options.add === undefined ? asked : await readIntakeStatement(options.add);
  if (!equalBytes(asked.payload, read.payload))
    throw refused(`${options.add ?? ''} is an envelope of another statement than ${path}`);
  const signer = await readSigner(options.key, options.pinFile, terminal, surroundings);
  requireNamed(read, signer.keyid);
  for (const line of intakeInWords(read.statement)) terminal.note(printable(line));
  terminal.note(`payload SHA-256 ${read.digest}`);
  if (options.yes !== true) await confirm('Sign this?', surroundings.answers, terminal);
  const file = await signedIntake(read, signer);
  const missing = missingSigners(file);
  const bytes = formatIntakeEnvelope(file);
  if (options.out === undefined) terminal.print(`${new TextDecoder().decode(bytes)}\n`);
  else await createFile(options.out, bytes, 0o644);
  const signers = file.signatures.map(({ keyid }) => keyid);
  if (options.out !== undefined && options.json === true)
    terminal.print(`${JSON.stringify({ file: options.out, digest: file.digest, signers, missing })}\n`);
  else for (const keyid of signers) terminal.note(`signed by  ${keyid}`);
  for (const keyid of missing) terminal.note(`missing    ${keyid}`);
  return 0;
}
