/** The root log and the keys log of the instance that a centre follows, shown only as the verification policy accepts them. */
import { setTimeout } from 'node:timers/promises';
import { formatVkey, type Policy, verifyCheckpoint } from '@vitrine/tlog';
import type { EngineLogger } from '../log/engine-logger.ts';
import type { PublishedCheckpoint } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import { FollowError } from './follow-error.ts';
import type { Acceptance, FollowedLog } from './followed-log.ts';
import type { FollowedLogs } from './followed-logs.ts';
import type { Follower } from './follower.ts';

const RETRY_MS = 1_000;

export interface FollowedInstance {
  readonly root: FollowedLog;
  readonly keys: FollowedLog;
  /** By origin: how the tiles of a checkpoint that is not published yet are pulled. */
  readonly followers: ReadonlyMap<string, Follower>;
  /** Resolves once a checkpoint can be shown; at once where one was held. */
  whenShown(signal: AbortSignal): Promise<void>;
  /** The newest checkpoint of the root log that the writer shows, or the newest one held where it does not answer. */
  freshest(): Promise<PublishedCheckpoint>;
}

export interface FollowedInstanceOptions {
  readonly followed: FollowedLogs;
  /** Names the two logs and whose cosignatures they need. */
  readonly policy: Policy;
  readonly rootOrigin: string;
  readonly keysOrigin: string;
  /** Of the writer, without a slash at its end. */
  readonly url: string;
  readonly logger: EngineLogger;
}

/** Opens what is held, and goes on following. */
export async function followInstance({
  followed,
  policy,
  rootOrigin,
  keysOrigin,
  url,
  logger,
}: FollowedInstanceOptions): Promise<FollowedInstance> {
  const accept = (note: string): Acceptance => {
    const verdict = verifyCheckpoint(note, policy);
    return verdict.ok ? { ok: true, cosignedAt: verdict.timeSeconds ?? 0 } : verdict;
  };
  const request = (name: string, origin: string) => ({
    name,
    origin,
    vkey: vkeyOf(policy, origin),
    url: `${url}/logs/${name}`,
    kind: 'registered' as const,
    accept,
  });
  const keys = await followed.follow({ ...request('keys', keysOrigin), byItself: false });
  const companions = async (): Promise<Readonly<Record<string, string>>> => {
    await keys.follower.pull();
    return { keys: keys.log.published.note };
  };
  const root = await followed.follow({
    ...request('statements', rootOrigin),
    keepHistory: true,
    companions,
  });
  return {
    root: root.log,
    keys: keys.log,
    followers: new Map([
      [rootOrigin, root.follower],
      [keysOrigin, keys.follower],
    ]),
    async whenShown(signal) {
      while (!root.log.isPublished) {
        try {
          await root.follower.pull();
        } catch (error) {
          if (!(error instanceof FollowError || error instanceof LogError)) throw error;
          logger.warn(
            { err: error, url },
            'nothing of the log can be shown yet; it is tried again, and cosignatures are given meanwhile',
          );
          await setTimeout(RETRY_MS, undefined, { signal });
        }
      }
    },
    async freshest() {
      try {
        await root.follower.pull();
      } catch (error) {
        // What is held is evidence all the same; the verdict tells its age.
        if (!(error instanceof FollowError || error instanceof LogError)) throw error;
      }
      return root.log.published;
    },
  };
}

function vkeyOf(policy: Policy, origin: string): string {
  const found = policy.logs.find(({ key }) => key.name === origin && key.type === 0x01);
  if (found === undefined) throw new TypeError(`the policy names no Ed25519 key of ${origin}`);
  return formatVkey({ name: origin, type: 0x01, publicKey: found.key.publicKey });
}
