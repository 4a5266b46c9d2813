/** `vitrine keys close-log LOG`: that a log has ended, where it goes on and why. Its root keys say so. */
import type { ApiClient, LogDetail } from '@vitrine/api';
import { closedStatement } from '@vitrine/statements';
import type { ClosedPredicate } from '@vitrine/statements';
import { parseVkey, TlogError } from '@vitrine/tlog';
import { connect, statementsOrigin } from '../centre-connection.ts';
import { digestOf } from '../commitment-draft.ts';
import { confirm, isPerson } from '../confirmation.ts';
import type { AnswerSource } from '../confirmation.ts';
import { couldNotRun, refused } from '../failure.ts';
import { prospectOf } from '../key-registration.ts';
import type { Prospect } from '../key-registration.ts';
import { formatKeyStatement, signedBy, unsigned } from '../key-statement-file.ts';
import type { KeyStatementFile } from '../key-statement-file.ts';
import { inWords } from '../key-statement-in-words.ts';
import { readSigners, reportFile, send, showStatement } from '../key-statement.ts';
import { readKeysLog } from '../keys-log-source.ts';
import { createFile } from '../new-file.ts';
import { printable } from '../printable.ts';
import { readReason } from '../reason-option.ts';
import type { ReasonOptions } from '../reason-option.ts';
import type { Terminal } from '../terminal.ts';
import { waiting } from '../waiting.ts';

export interface KeysCloseLogOptions extends ReasonOptions {
  readonly server: string;
  /** The centre that shows the log; `server` unless given. */
  readonly shownBy?: string;
  readonly key?: readonly string[];
  /** VKEY@URL */
  readonly successor?: string;
  readonly successorEntry0?: string;
  readonly out?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/**
 * @param name of the log, or its origin
 * @param answers asked for confirmation when it is a person
 * @returns the exit code @throws Failure, ApiError
 */
export async function keysCloseLog(
  name: string,
  options: KeysCloseLogOptions,
  terminal: Terminal,
  answers: AnswerSource,
): Promise<0> {
  const { dryRun = false, json = false, key = [], out, server, shownBy = server } = options;
  if (key.length === 0 && out === undefined && !dryRun)
    throw couldNotRun(
      'give the root keys that sign (--key FILE), or --out FILE to write the statement for others to sign',
    );
  const onWait = waiting(terminal);
  const reason = await readReason(options);
  const signers = await readSigners(key, terminal);
  const log = await statementsOrigin(connect(server));
  const closing = await logShown(connect(shownBy), name);
  const { origin, root, size: treeSize } = closing;
  const successor = successorOf(options, origin === log);
  const draft = unsigned(
    closedStatement({
      closed: { origin, root, treeSize },
      log,
      reason: { digest: digestOf(reason) },
      ...(successor === undefined ? {} : { successor }),
    }),
  );
  const served = await readKeysLog(server, onWait);
  const { file } = await signedBy(draft, signers);
  const prospect = prospectOf(file, served);
  const refusal =
    closing.closed === null ? refusalOf(prospect) : `${closing.closed.origin} is closed already`;
  if (dryRun) {
    tell(file, closing, prospect, refusal, json, terminal);
    return 0;
  }
  showStatement(draft, terminal);
  if (refusal !== undefined) throw refused(refusal);
  if (out !== undefined) {
    await createFile(out, formatKeyStatement(file), 0o644);
    reportFile(out, file, prospect, json, terminal);
    return 0;
  }
  if (options.yes !== true && isPerson(answers))
    await confirm('This cannot be taken back. Close the log?', answers, terminal);
  return send(server, file, prospect, json, terminal, reason);
}

/** What the run without --dry-run would do, and what would come of it. */
function tell(
  { digest, signatures, statement }: KeyStatementFile,
  { durableSize, size }: LogDetail,
  prospect: Prospect,
  refusal: string | undefined,
  json: boolean,
  terminal: Terminal,
): void {
  const signers = signatures.map(({ keyid }) => keyid);
  const missing = prospect.outlook === 'unfinished' ? prospect.reason : undefined;
  const waitingEntries = durableSize - size;
  if (json) {
    const admitted = {
      ok: prospect.outlook === 'counts' && refusal === undefined,
      reason: refusal ?? missing ?? null,
    };
    terminal.print(
      `${JSON.stringify({ dryRun: true, statement, digest, signers, admitted, waiting: waitingEntries })}\n`,
    );
    return;
  }
  const lines = [
    'Nothing was written. This would be said:',
    ...inWords(statement),
    ...signers.map((keyid) => `signed by  ${keyid}`),
    ...(missing === undefined ? [] : [`missing  ${missing}`]),
    ...(refusal === undefined ? [] : [`refused  ${refusal}`]),
    ...(waitingEntries === 0
      ? []
      : [
          `waiting  ${waitingEntries} accepted entries are not published yet: the log is closed once they are, at another size`,
        ]),
  ];
  terminal.print(`${printable(lines.join('\n'))}\n`);
}

function refusalOf(prospect: Prospect): string | undefined {
  return prospect.outlook === 'refused' ? prospect.reason : undefined;
}

/** @throws Failure, ApiError */
async function logShown(client: ApiClient, name: string): Promise<LogDetail> {
  const { logs } = await client.call('centre');
  const found = logs.find((log) => log.name === name || log.origin === name);
  if (found === undefined)
    throw couldNotRun(
      `the centre shows no log ${name}: it has ${logs.map((log) => log.name).join(', ')}. Of another centre’s log say --shown-by URL`,
    );
  return client.call('log', { params: { log: found.name } });
}

/** @throws Failure */
function successorOf(
  { successor, successorEntry0: entry0 }: KeysCloseLogOptions,
  isRoot: boolean,
): ClosedPredicate['successor'] {
  if (successor === undefined) {
    if (entry0 !== undefined) throw couldNotRun('--successor-entry0 belongs to --successor');
    return undefined;
  }
  const at = successor.lastIndexOf('@http');
  if (at === -1) throw couldNotRun(`--successor ${successor}: VKEY@URL is expected`);
  const vkey = successor.slice(0, at);
  if (isRoot !== (entry0 !== undefined))
    throw couldNotRun(
      isRoot
        ? 'the successor of a root log is pinned by its readers: give --successor-entry0, the entry0 of its vitrine keys list --json'
        : '--successor-entry0 is of the successor of a root log only',
    );
  try {
    return {
      origin: parseVkey(vkey).name,
      url: successor.slice(at + 1).replace(/\/$/, ''),
      vkey,
      ...(entry0 === undefined ? {} : { entry0 }),
    };
  } catch (thrown) {
    if (!(thrown instanceof TlogError)) throw thrown;
    throw couldNotRun(`--successor: ${thrown.message}`, thrown);
  }
}
