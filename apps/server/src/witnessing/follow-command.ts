/** `vitrine follow`: mirrors a log into a folder, once or until it is told to end. */
import { encodeBase64 } from '@vitrine/tlog';
import { FollowError } from './follow-error.ts';
import { FollowedLog, type Received } from './followed-log.ts';
import type { FollowedStore } from './followed-store.ts';
import { Follower } from './follower.ts';

export type FollowCommand = {
  readonly store: FollowedStore;
  readonly url: string;
  readonly vkey: string;
  /** Ends after one look. */
  readonly once: boolean;
  readonly json: boolean;
  /** Ends what is under way, and the command, with exit code 0. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
  readonly warn: (line: string) => void;
};

/**
 * @returns the exit code: 0 held, 1 the log does not hold or has forked
 * @throws FollowError `unreachable`, `no-checkpoint` @throws LogError @throws TlogError when it could not run
 */
export async function follow(command: FollowCommand): Promise<0 | 1> {
  const { store, url, vkey, signal, warn } = command;
  const log = await FollowedLog.open({ name: 'followed', vkey, kind: 'open', store });
  const refused = Promise.withResolvers<FollowError>();
  const follower = new Follower({
    log,
    url,
    onReceived: (received) => {
      if (received.outcome === 'grown' || received.outcome === 'stale') report(command, log, received);
    },
    onFailure: (error) => {
      if (isVerdict(error)) refused.resolve(error);
      else warn(`${error.message}; trying again`);
    },
  });
  const ended = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  try {
    if (command.once) {
      void ended.then(() => follower.stop());
      report(command, log, await follower.pull());
      return 0;
    }
    follower.start();
    const refusal = await Promise.race([refused.promise, ended]);
    if (refusal === undefined) return 0;
    throw refusal;
  } catch (error) {
    if (error instanceof FollowError && error.code === 'stopped') return 0;
    if (!isVerdict(error)) throw error;
    refuse(command, log, error);
    return 1;
  } finally {
    await follower.stop();
    await log.close();
  }
}

/** Whether it says something of the log, not of the way to it or of this machine. */
function isVerdict(error: unknown): error is FollowError {
  return (
    error instanceof FollowError &&
    (error.code === 'fork' || error.code === 'does-not-hold' || error.code === 'bad-checkpoint')
  );
}

function report({ json, print, warn }: FollowCommand, log: FollowedLog, received: Received): void {
  const { outcome, offeredSize, heldSize } = received;
  const { origin } = log;
  const root = encodeBase64(log.published.root);
  if (outcome === 'stale') {
    warn(
      `${origin}: the server shows an older checkpoint, of size ${offeredSize}; ${heldSize} entries are held. Nothing is taken back`,
    );
  }
  if (json) print(JSON.stringify({ ok: true, origin, outcome, size: heldSize, root, offeredSize }));
  else if (outcome !== 'stale') print(`${origin}: ${heldSize} entries held and verified, root ${root}`);
}

function refuse(
  { json, print, warn }: FollowCommand,
  { origin, size }: FollowedLog,
  error: FollowError,
): void {
  if (json) print(JSON.stringify({ ok: false, origin, outcome: error.code, size, reason: error.message }));
  else warn(`${origin} does not hold: ${error.message}`);
}
