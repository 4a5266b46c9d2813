/** Child processes of the scripts: none outlives the script that started it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { root } from './repository.ts';

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const running = new Set<ChildProcess>();

/**
 * From now on a signal to this process ends its children first, then itself with the shell's exit code for that signal.
 * Signals that arrive while they end change nothing.
 */
export function endChildrenOnSignals(): void {
  for (const signal of endingSignals) {
    process.on(signal, () => void endChildren().then(() => process.exit(128 + constants.signals[signal])));
  }
}

/**
 * From now on a signal ends this process at once, as if it had never asked for signals; to be called when no child is left, right
 * before execve. One that arrived before has been acted on when this resolves: execve would lose it.
 */
export async function leaveSignalsToSystem(): Promise<void> {
  await setImmediate();
  for (const signal of endingSignals) process.removeAllListeners(signal);
}

/** Asks all children to end and waits until they have. */
export async function endChildren(): Promise<void> {
  await Promise.all(
    Array.from(running, async (child) => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }),
  );
}

/** A child whose errors, and output unless it is ignored, are this process's own. The caller watches its `exit`. */
export function start(
  command: string,
  args: readonly string[],
  { output = 'inherit' }: { readonly output?: 'inherit' | 'ignore' } = {},
): ChildProcess {
  return track(spawn(command, args, { cwd: root, stdio: ['ignore', output, 'inherit'] }));
}

export interface RunOptions {
  readonly cwd?: string;
}

export interface RunToEndOptions extends RunOptions {
  /** Whether its standard error is kept back, and shown only when it fails. */
  readonly quiet?: boolean;
}

/**
 * Runs a command to its end; its standard error is this process's own unless it is quiet.
 * @returns what it wrote to standard output
 * @throws Error when it cannot be started, fails or is ended by a signal
 */
export async function run(
  command: string,
  args: readonly string[],
  { quiet = false, ...options }: RunToEndOptions = {},
): Promise<string> {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  track(child);
  if (!quiet) child.stderr.pipe(process.stderr, { end: false });
  const [output, errors] = await Promise.all([
    text(child.stdout),
    quiet ? text(child.stderr) : '',
    once(child, 'close'),
  ]);
  if (child.exitCode !== 0) {
    // Compilers report on standard output.
    process.stderr.write(output + errors);
    const end =
      child.exitCode === null ? `was ended by ${String(child.signalCode)}` : `failed (${child.exitCode})`;
    throw new Error(`${command} ${args.join(' ')} ${end}`);
  }
  return output;
}

function track(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}
