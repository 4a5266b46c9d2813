/** `vitrine keys sign FILE`: shows in words what a statement says, and signs it. Needs no server. */
import { confirm, isPerson } from '../confirmation.ts';
import type { AnswerSource } from '../confirmation.ts';
import { formatKeyStatement, readKeyStatement, signedBy } from '../key-statement-file.ts';
import { readSigners, reportFile, showStatement } from '../key-statement.ts';
import { replaceFile } from '../local-file.ts';
import { createFile } from '../new-file.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysSignOptions {
  readonly key: readonly string[];
  readonly out?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** @param answers asked for confirmation when it is a person @returns the exit code @throws Failure */
export async function keysSign(
  path: string,
  options: KeysSignOptions,
  terminal: Terminal,
  answers: AnswerSource,
): Promise<0> {
  const read = await readKeyStatement(path);
  const signers = await readSigners(options.key, terminal);
  showStatement(read, terminal);
  if (options.yes !== true && isPerson(answers)) await confirm('Sign this?', answers, terminal);
  const { file, added } = await signedBy(read, signers);
  if (added.length === 0) terminal.note('These keys have signed it already.');
  const target = options.out ?? path;
  const bytes = formatKeyStatement(file);
  if (options.out !== undefined) await createFile(options.out, bytes, 0o644);
  else if (added.length > 0) await replaceFile(path, bytes);
  reportFile(target, file, undefined, options.json === true, terminal);
  return 0;
}
