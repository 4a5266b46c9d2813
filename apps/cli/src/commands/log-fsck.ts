/** `vitrine log fsck (URL | DIR) --vkey VKEY`: derives a whole log again from its entries. */
import { checkLog, FsckError } from '@vitrine/fsck';
import type { LogReport } from '@vitrine/fsck';
import { couldNotRun } from '../failure.ts';
import { printable } from '../printable.ts';
import { styled } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';

export interface LogFsckOptions {
  readonly vkey: string;
  readonly json?: boolean;
}

/** @returns the exit code: 0 sound, 1 not @throws Failure when it could not run */
export async function logFsck(source: string, options: LogFsckOptions, terminal: Terminal): Promise<0 | 1> {
  const report = await check(source, options.vkey, terminal);
  if (options.json === true) {
    const { origin, size, root, problems, ok } = report;
    terminal.print(`${JSON.stringify({ ok, origin, size, root, problems })}\n`);
  } else printReport(report, terminal);
  return report.ok ? 0 : 1;
}

async function check(source: string, vkey: string, terminal: Terminal): Promise<LogReport> {
  let task: ReturnType<Terminal['progress']['start']> | undefined;
  try {
    const report = await checkLog({
      source: /^https?:\/\//.test(source) ? new URL(source) : source,
      vkey,
      onProgress: ({ checkedLeaves, treeSize }) => {
        task ??= terminal.progress.start('checking', 'entries', treeSize);
        task.update(checkedLeaves);
      },
    });
    task?.end(`${report.size ?? 0} entries`);
    return report;
  } catch (thrown) {
    if (!(thrown instanceof FsckError)) throw thrown;
    throw couldNotRun(`${thrown.message} (${thrown.code})`, thrown);
  }
}

function printReport({ ok, origin, size, root, problems }: LogReport, terminal: Terminal): void {
  const what = size === null ? origin : `${origin}, ${size} entries, root ${root ?? ''}`;
  terminal.print(`${styled(terminal, 'bold', `${ok ? 'Sound' : 'Not sound'}: ${printable(what)}.`)}\n`);
  for (const { path, reason } of problems)
    terminal.print(`${styled(terminal, 'red', '✗')} ${printable(`${path}: ${reason}`)}\n`);
}
