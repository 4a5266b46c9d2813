/** The way of every statement that an operator makes for the keys log: said in words, signed, then sent, or written to a file for others to sign. */
import {
  CLOSED_TYPE,
  FORK_RESOLUTION_TYPE,
  type KeysState,
  type KeysStatement,
  logOrigin,
  type Signer,
} from '@vitrine/statements';
import * as v from 'valibot';
import { couldNotRun, refused } from './failure.ts';
import { prospectOf, registerKeyStatement } from './key-registration.ts';
import type { Prospect } from './key-registration.ts';
import { formatKeyStatement, signedBy, unsigned } from './key-statement-file.ts';
import type { KeyStatementFile } from './key-statement-file.ts';
import { tellResolution } from './fork-resolution.ts';
import { registerClosing } from './closing-registration.ts';
import { inWords, shortType } from './key-statement-in-words.ts';
import { readKeysLog } from './keys-log-source.ts';
import { createFile } from './new-file.ts';
import { readSigningKey } from './signing-key.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';
import { showVoided } from './voided-statements.ts';
import { waiting } from './waiting.ts';

/** How and where a statement is said. */
export interface SayingOptions {
  /** The centre: its keys log is read first, and it gets the statement unless `out` is given. */
  readonly server?: string;
  /** Without a centre: the log that the statement is for. */
  readonly log?: string;
  readonly key?: readonly string[];
  readonly out?: string;
  readonly json?: boolean;
}

/** What is known before the statement is made. */
export interface Ground {
  /** NAME/keys. */
  readonly log: string;
  /** Unknown without a centre. */
  readonly state: KeysState | undefined;
  readonly signers: readonly Signer[];
}

/**
 * @param make the statement, from what is known; may note what somebody should know
 * @param alsoSigning signers besides those of --key
 * @returns the exit code @throws Failure, ApiError
 */
export async function sayInKeysLog(
  options: SayingOptions,
  terminal: Terminal,
  make: (ground: Ground) => KeysStatement | Promise<KeysStatement>,
  alsoSigning: readonly Signer[] = [],
): Promise<0> {
  checkOptions(options);
  const onWait = waiting(terminal);
  const signers = distinct([...(await readSigners(options.key ?? [], terminal)), ...alsoSigning]);
  const served = options.server === undefined ? undefined : await readKeysLog(options.server, onWait);
  const log = served?.origin ?? keysOrigin(options.log ?? '');
  const statement = await make({ log, state: served?.state, signers });
  const draft = unsigned(statement);
  showStatement(draft, terminal);
  if (served !== undefined && options.server !== undefined)
    await showVoided(options.server, statement, served.state, terminal);
  const { file } = await signedBy(draft, signers);
  const prospect = served === undefined ? undefined : prospectOf(file, served);
  if (prospect?.outlook === 'refused') throw refused(prospect.reason);
  if (options.out === undefined)
    return send(options.server ?? '', file, prospect, options.json === true, terminal);
  await createFile(options.out, formatKeyStatement(file), 0o644);
  reportFile(options.out, file, prospect, options.json === true, terminal);
  return 0;
}

/** Sends what should count, and reports it. @param reason the public body that a closing names @returns the exit code @throws Failure, ApiError */
export async function send(
  server: string,
  file: KeyStatementFile,
  prospect: Prospect | undefined,
  json: boolean,
  terminal: Terminal,
  reason?: Uint8Array,
): Promise<0> {
  if (prospect?.outlook === 'unfinished')
    throw refused(
      `more must sign: ${prospect.reason}. Give several --key, or write it to a file (--out FILE), let the others sign it (vitrine keys sign) and send it (vitrine keys submit)`,
    );
  if (prospect?.outlook === 'counts')
    for (const warning of prospect.warnings) terminal.note(`warning: ${printable(warning)}`);
  const onWait = waiting(terminal);
  const { predicate, predicateType } = file.statement;
  if (predicateType === FORK_RESOLUTION_TYPE && !(await tellResolution(server, file, onWait, json, terminal)))
    return 0;
  const accepted =
    predicateType === CLOSED_TYPE
      ? await registerClosing(server, file, reason, onWait)
      : await registerKeyStatement(server, file, onWait);
  if (json)
    terminal.print(
      `${JSON.stringify({ log: predicate.log, type: predicateType, signers: file.signatures.map(({ keyid }) => keyid), accepted })}\n`,
    );
  else
    terminal.print(
      `${accepted.duplicate ? 'registered before, nothing changed:' : 'registered:'} ${shortType(predicateType)}, entry ${accepted.index} of ${printable(predicate.log)}, ${new Date(accepted.registeredAt).toISOString()}\n`,
    );
  return 0;
}

/** Says on standard error, in full, what is about to be signed. */
export function showStatement({ statement, digest }: KeyStatementFile, terminal: Terminal): void {
  for (const line of inWords(statement)) terminal.note(printable(line));
  terminal.note(`payload SHA-256 ${digest}`);
}

/** Says who has signed the statement in a file, and what is known to be missing. */
export function reportFile(
  path: string,
  { statement, digest, signatures }: KeyStatementFile,
  prospect: Prospect | undefined,
  json: boolean,
  terminal: Terminal,
): void {
  const signers = signatures.map(({ keyid }) => keyid);
  const { predicate, predicateType } = statement;
  if (json) {
    terminal.print(
      `${JSON.stringify({ file: path, log: predicate.log, type: predicateType, digest, signers })}\n`,
    );
    return;
  }
  const missing = prospect?.outlook === 'unfinished' ? [`missing  ${prospect.reason}`] : [];
  const complete =
    prospect?.outlook === 'counts' ? [`complete  vitrine keys submit ${path} --server URL`] : [];
  const signed =
    signers.length === 0 ? ['signed by nobody yet'] : signers.map((keyid) => `signed by  ${keyid}`);
  terminal.print(`${printable([`written  ${path}`, ...signed, ...missing, ...complete].join('\n'))}\n`);
}

function checkOptions({ server, log, key = [], out }: SayingOptions): void {
  if ((server === undefined) === (log === undefined))
    throw couldNotRun(
      'say for which log once: --server URL, or --log NAME/keys to make the statement without a server',
    );
  if (log !== undefined && out === undefined)
    throw couldNotRun('with --log the statement is not sent anywhere: give --out FILE');
  if (key.length === 0 && out === undefined)
    throw couldNotRun(
      'give the keys that sign (--key FILE), or --out FILE to write the statement for others to sign',
    );
}

/** @throws Failure */
function keysOrigin(log: string): string {
  if (!v.is(logOrigin, log) || !log.endsWith('/keys'))
    throw couldNotRun(`--log ${log}: NAME/keys is expected`);
  return log;
}

/** @throws Failure */
export async function readSigners(files: readonly string[], terminal: Terminal): Promise<readonly Signer[]> {
  return Promise.all(files.map((file) => readSigningKey(file, (text) => terminal.note(text))));
}

function distinct(signers: readonly Signer[]): readonly Signer[] {
  return [...new Map(signers.map((signer) => [signer.keyid, signer])).values()];
}

/** The version that a statement has: the one after `current` of what is known, or the one given for a log that is not read. @throws Failure */
export function nextVersion(
  { state }: Ground,
  current: (state: KeysState) => number,
  asVersion: number | undefined,
): number {
  if (state === undefined) {
    if (asVersion === undefined)
      throw couldNotRun(
        'without a server say which version this is: --as-version N, one more than vitrine keys list shows',
      );
    return asVersion;
  }
  if (asVersion !== undefined)
    throw couldNotRun('--as-version belongs to --log; with --server the version follows from the log');
  return current(state) + 1;
}
