/**
 * A mirror: it answers add-checkpoint (c2sp.org/tlog-witness) as a witness does, and attests one thing more: that the
 * entries are here. So before it cosigns it holds everything that the checkpoint covers, verified and durable, and the
 * newest entry is not from the future.
 */
import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { equalBytes, formatNote, parseCheckpoint, parseNote } from '@vitrine/tlog';
import type { Clock } from '../log/clock.ts';
import type { LogView } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import {
  type AddCheckpointOutcome,
  type CheckpointCosigner,
  checkSubmission,
  type HeldTree,
  openSubmission,
  type Submission,
  type VerifiersOf,
} from './add-checkpoint.ts';
import { FollowError } from './follow-error.ts';
import type { Follower } from './follower.ts';
import { createWitness, type Witness, type WitnessOptions } from './witness.ts';

/** PROTOCOL: a centre does not cosign as a mirror while the newest entry is further ahead of its own clock. */
const MOST_AHEAD_MS = 60_000;
/** Whoever asks is not kept waiting for longer: the pull goes on, and the next request finds what it brought. */
const PULL_WITHIN_MS = 5_000;

/** How a log comes to be held here: pulled from its writer, or written by this very server. */
export type MirroredLog = { readonly follower: Follower } | { readonly written: LogView };

export type MirrorOptions = WitnessOptions & {
  /** undefined for a log that is not mirrored, which is then not known. */
  readonly mirrored: (origin: string) => MirroredLog | undefined;
  readonly pullWithinMs?: number;
};

/** @throws as createWitness: the key, the name and the state MUST be the mirror's own */
export async function createMirror(options: MirrorOptions): Promise<Mirror> {
  const { mirrored, verifiersOf } = options;
  const known: VerifiersOf = (origin) => (mirrored(origin) === undefined ? [] : verifiersOf(origin));
  return new Mirror(options, known, await createWitness({ ...options, verifiersOf: known }));
}

/** Made by createMirror. */
export class Mirror implements CheckpointCosigner {
  readonly #witness: Witness;
  readonly #verifiersOf: VerifiersOf;
  readonly #mirrored: MirrorOptions['mirrored'];
  readonly #clock: Clock;
  readonly #pullWithinMs: number;

  constructor(options: MirrorOptions, verifiersOf: VerifiersOf, witness: Witness) {
    this.#witness = witness;
    this.#verifiersOf = verifiersOf;
    this.#mirrored = options.mirrored;
    this.#clock = options.clock;
    this.#pullWithinMs = options.pullWithinMs ?? PULL_WITHIN_MS;
  }

  /** The mirror's own verifier key, of type 0x04. */
  get vkey(): string {
    return this.#witness.vkey;
  }

  /** @throws LogError as a witness; `overloaded` while the entries cannot be had yet, `clock-behind` */
  async addCheckpoint(body: Uint8Array): Promise<AddCheckpointOutcome> {
    if (!this.#witness.isReady) await this.#witness.readBack();
    const opened = openSubmission(body, this.#verifiersOf);
    // What a witness refuses is not worth pulling, and the witness says why.
    if (
      'refusal' in opened ||
      checkSubmission(opened.submission, this.#held(opened.submission)) !== undefined
    ) {
      return this.#witness.addCheckpoint(body);
    }
    const { submission } = opened;
    const mirrored = this.#mirrored(submission.origin);
    if (mirrored === undefined) return this.#witness.addCheckpoint(body);
    const refused =
      'follower' in mirrored
        ? await this.#pull(mirrored.follower, submission)
        : await refuseUnlessWritten(mirrored.written, submission);
    if (refused !== null) return refused;
    await this.#checkClock('follower' in mirrored ? mirrored.follower.log : mirrored.written, submission);
    return this.#witness.addCheckpoint(body);
  }

  latest(originHash: string): string | undefined {
    return this.#witness.latest(originHash);
  }

  close(): Promise<void> {
    return this.#witness.close();
  }

  #held({ origin }: Submission): HeldTree | undefined {
    const note = this.#witness.latest(createHash('sha256').update(origin).digest('hex'));
    return note === undefined ? undefined : parseCheckpoint(parseNote(note).text);
  }

  /** @returns why not, or null once it is held */
  async #pull(follower: Follower, submission: Submission): Promise<AddCheckpointOutcome | null> {
    const { text, logSignatures, origin } = submission;
    const pulled = follower
      .pullTo(formatNote({ text, signatures: logSignatures }))
      .then(() => 'held' as const);
    const patience = new AbortController();
    const late = setTimeout(this.#pullWithinMs, 'late' as const, { signal: patience.signal });
    // Nobody waits for whichever of the two comes second.
    for (const either of [pulled, late]) either.catch(() => undefined);
    try {
      if ((await Promise.race([pulled, late])) === 'held') return null;
      throw notYet(`the entries of ${origin} are still being pulled`);
    } catch (error) {
      if (!(error instanceof FollowError)) throw error;
      if (error.code === 'fork' || error.code === 'does-not-hold') {
        return { outcome: 'inconsistent', reason: error.message };
      }
      throw notYet(`the entries of ${origin} cannot be had: ${error.message}`, error);
    } finally {
      patience.abort();
    }
  }

  async #checkClock(log: LogView, { treeSize }: Submission): Promise<void> {
    if (treeSize === 0) return;
    const { registeredAt } = await log.readEntry(treeSize - 1);
    const aheadMs = (registeredAt ?? 0) - this.#clock.nowMs();
    if (aheadMs <= MOST_AHEAD_MS) return;
    throw new LogError(
      'clock-behind',
      `the newest entry of ${log.origin} is registered ${Math.round(aheadMs / 1000)} s ahead of this mirror's clock: one of the two clocks is wrong`,
    );
  }
}

/** Of a log that this server writes, everything that it asks cosignatures for is durable already. */
async function refuseUnlessWritten(
  log: LogView,
  { treeSize, root }: Submission,
): Promise<AddCheckpointOutcome | null> {
  if (treeSize > log.size)
    return { outcome: 'inconsistent', reason: `${log.origin} has ${log.size} entries here` };
  const own = await log.rootAt(treeSize);
  if (equalBytes(own, root)) return null;
  return { outcome: 'inconsistent', reason: `the tree of size ${treeSize} has another root here` };
}

function notYet(message: string, cause?: unknown): LogError {
  return new LogError('overloaded', message, { cause, retryAfterMs: 1_000 });
}
