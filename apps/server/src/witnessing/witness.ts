/**
 * A witness (c2sp.org/tlog-witness): for each log it knows it holds the newest checkpoint that it has cosigned, and
 * cosigns only what follows that one. What it answers is durable before it is answered.
 *
 * A check and the change that follows from it are one step, which nothing interrupts: the next submission is checked
 * against what is on its way to the disk, not against what is on it. Submissions that arrive while a commit is under
 * way go together into the next, so that many logs share one sync. When a commit fails, all that were checked since
 * it began fail with it.
 */
import { createHash } from 'node:crypto';
import {
  cosign,
  cosignatureTime,
  equalBytes,
  formatNote,
  formatSignatureLines,
  formatVkey,
  type NoteSignature,
  noteVerifier,
  parseCheckpoint,
  parseNote,
} from '@vitrine/tlog';
import type { Clock } from '../log/clock.ts';
import type { Ed25519Key } from '../log/ed25519-key.ts';
import { type EngineLogger, silent } from '../log/engine-logger.ts';
import { LogError } from '../log/log-error.ts';
import { RegistrationClock } from '../log/registration-clock.ts';
import {
  type AddCheckpointOutcome,
  type CheckpointCosigner,
  checkSubmission,
  type HeldTree,
  isFork,
  openSubmission,
  type Submission,
  type VerifiersOf,
} from './add-checkpoint.ts';
import type { WitnessState } from './witness-state.ts';

/** Submissions that may wait for the disk. More come in only when it has stopped answering. */
const MAX_WAITING = 4096;

export interface WitnessOptions {
  /** Goes into the key's ID. Never the name of a log, nor a key that another cosigner has: the name is not signed. */
  readonly name: string;
  readonly key: Ed25519Key;
  readonly verifiersOf: VerifiersOf;
  readonly state: WitnessState;
  readonly clock: Clock;
  readonly logger?: EngineLogger;
  /** Told of two checkpoints of one size, both signed by their log, with different roots: proof of a fork. */
  readonly onFork?: (fork: Fork) => void;
}

/** Both notes carry signatures of the log's trusted keys. */
export interface Fork {
  readonly origin: string;
  readonly held: string;
  readonly submitted: string;
}

interface Held extends HeldTree {
  readonly timeSeconds: number;
  /** The checkpoint with the log's signatures and this witness's. */
  readonly note: string;
}

/** What is held once `durable` resolves. */
interface Pending extends Held {
  readonly durable: Promise<void>;
}

interface Waiting {
  readonly origin: string;
  readonly held: Held;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Reads back what the witness holds, and starts it. On a full disk it starts all the same, signs nothing and says nothing of
 * what it holds, and reads back what it holds once it is asked and there is space.
 *
 * @throws LogError `log-missing`, `corrupt`; `wrong-key` if what is stored was cosigned by another key
 * @throws TlogError `malformed-vkey` on an invalid name
 */
export async function createWitness(options: WitnessOptions): Promise<Witness> {
  const witness = new Witness(options);
  try {
    await witness.readBack();
  } catch (error) {
    if (error instanceof LogError && error.code === 'disk-full') {
      options.logger?.warn({ err: error }, 'nothing is cosigned before the disk has space');
      return witness;
    }
    await witness.close();
    throw error;
  }
  return witness;
}

/** Made by createWitness. */
export class Witness implements CheckpointCosigner {
  /** This witness's own verifier key, of type 0x04. */
  readonly vkey: string;
  readonly #options: WitnessOptions;
  readonly #logger: EngineLogger;
  readonly #keyId: number;
  /** By origin: what is durable. */
  readonly #held = new Map<string, Held>();
  /** By SHA-256 of the origin. */
  readonly #origins = new Map<string, string>();
  /** By origin: what the next submission is checked against, where that is not durable yet. */
  readonly #pending = new Map<string, Pending>();
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | null = null;
  /** Null while the state has to be read back: at the start, and after a commit of unknown outcome. */
  #time: RegistrationClock | null = null;
  #reading: Promise<void> | null = null;
  /** Whether what is held has been read back in this process. */
  #isRead = false;
  #closing = false;

  constructor(options: WitnessOptions) {
    const { name, key, logger = silent } = options;
    this.#options = options;
    this.#logger = logger;
    this.vkey = formatVkey({ name, type: 0x04, publicKey: key.publicKey });
    this.#keyId = noteVerifier(name, 0x04, key.publicKey).keyId;
  }

  /** Whether the next submission can be answered without reading the state back first. */
  get isReady(): boolean {
    return this.#time !== null && !this.#closing;
  }

  async addCheckpoint(body: Uint8Array): Promise<AddCheckpointOutcome> {
    const opened = openSubmission(body, this.#options.verifiersOf);
    if ('refusal' in opened) return opened.refusal;
    const { submission } = opened;
    while (this.#time === null) await this.readBack();
    // From here to the commit's beginning nothing may wait: what is checked must be what is followed.
    this.#checkOpen();
    const { origin } = submission;
    const pending = this.#pending.get(origin);
    const held = pending ?? this.#held.get(origin);
    const refusal = checkSubmission(submission, held);
    if (refusal !== undefined) {
      if (held !== undefined && isFork(submission, held)) this.#reportFork(submission, held);
      // What a refusal tells of what is held has to be durable, too.
      await pending?.durable;
      return refusal;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      throw new LogError('overloaded', 'too many submissions wait for the disk: try again in a second', {
        retryAfterMs: 1000,
      });
    }
    const timeSeconds = Math.floor(this.#time.read() / 1000);
    this.#time.advance(timeSeconds * 1000);
    const { treeSize, root, text, logSignatures } = submission;
    const signature = this.#sign(text, timeSeconds);
    const note = formatNote({ text, signatures: [...logSignatures, signature] });
    await this.#commit(origin, { treeSize, root, timeSeconds, note });
    return { outcome: 'cosigned', signatureLines: formatSignatureLines([signature]) };
  }

  latest(originHash: string): string | undefined {
    if (!this.#isRead) {
      // Silence is safe; to say that nothing is held, before that is known, would let a log sign a fork.
      this.readBack().catch(() => undefined);
      throw new LogError(
        'disk-full',
        'what was cosigned here cannot be read back before the disk has space',
        {
          retryAfterMs: 1000,
        },
      );
    }
    const origin = this.#origins.get(originHash);
    return origin === undefined ? undefined : this.#held.get(origin)?.note;
  }

  /** Ends once what is on its way to the disk has arrived; nothing is signed from now on. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#reading?.catch(() => undefined);
    await this.#flushing;
    await this.#options.state.close();
  }

  /** Reads the state back from the disk; who asks meanwhile waits for the same reading. @throws LogError */
  readBack(): Promise<void> {
    this.#reading ??= this.#readBack().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readBack(): Promise<void> {
    await this.#flushing;
    this.#checkOpen();
    const stored = new Map<string, Held>();
    for (const note of await this.#options.state.open()) {
      const { origin, held } = this.#readHeld(note);
      stored.set(origin, held);
    }
    for (const [origin, before] of this.#held) {
      const now = stored.get(origin);
      if (now === undefined || isBehind(now, before)) {
        throw new LogError(
          'corrupt',
          `what is stored of the log ${origin} is older than what was cosigned (size ${before.treeSize}): the disk has lost a write that it had confirmed. Nothing is signed; restore nothing, replace the disk and the key`,
        );
      }
    }
    let newestSeconds = 0;
    for (const [origin, held] of stored) {
      this.#hold(origin, held);
      newestSeconds = Math.max(newestSeconds, held.timeSeconds);
    }
    this.#time = new RegistrationClock(this.#options.clock, newestSeconds * 1000);
    this.#isRead = true;
  }

  #readHeld(note: string): { readonly origin: string; readonly held: Held } {
    const { text, signatures } = parseNote(note);
    const { origin, treeSize, root } = parseCheckpoint(text);
    const own = signatures.find((one) => this.#isOwn(one));
    if (own === undefined) {
      throw new LogError(
        'wrong-key',
        `the stored checkpoint of ${origin} is not cosigned by ${this.vkey}: put the key back that this folder began with`,
      );
    }
    const timeSeconds = cosignatureTime(own.signature);
    // An Ed25519 signature is a function of key and message: to sign again is to verify, and faster.
    if (!equalBytes(this.#sign(text, timeSeconds).signature, own.signature)) {
      throw new LogError(
        'corrupt',
        `the stored checkpoint of ${origin} carries a cosignature that does not verify`,
      );
    }
    return { origin, held: { treeSize, root, timeSeconds, note } };
  }

  #sign(text: string, timeSeconds: number): NoteSignature {
    const { name, key } = this.#options;
    return cosign(text, timeSeconds, { name, publicKey: key.publicKey, sign: key.sign });
  }

  #isOwn(signature: NoteSignature): boolean {
    return signature.name === this.#options.name && signature.keyId === this.#keyId;
  }

  #hold(origin: string, held: Held): void {
    this.#held.set(origin, held);
    this.#origins.set(createHash('sha256').update(origin).digest('hex'), origin);
  }

  #commit(origin: string, held: Held): Promise<void> {
    const durable = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ origin, held, resolve, reject });
    });
    this.#pending.set(origin, { ...held, durable });
    this.#flushing ??= this.#flush();
    return durable;
  }

  /** Commits until nothing waits. Never rejects: each who waits is told. */
  async #flush(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting;
        this.#waiting = [];
        await this.#options.state.commit(batch.map(({ held }) => held.note)).then(
          () => this.#settle(batch),
          (cause: unknown) => this.#fail([...batch, ...this.#waiting.splice(0)], cause),
        );
      }
    } finally {
      // At once: who comes after the last look at what waits has to start anew.
      this.#flushing = null;
    }
  }

  #settle(batch: readonly Waiting[]): void {
    for (const { origin, held, resolve } of batch) {
      this.#hold(origin, held);
      if (this.#pending.get(origin)?.note === held.note) this.#pending.delete(origin);
      resolve();
    }
  }

  #fail(waiting: readonly Waiting[], cause: unknown): void {
    this.#pending.clear();
    const isFull = cause instanceof LogError && cause.code === 'disk-full';
    if (!isFull) this.#time = null;
    const error = isFull
      ? cause
      : new LogError(
          'writer-stopped',
          'it is not known whether the checkpoint was stored, so it was not cosigned: send it again',
          { cause, retryAfterMs: 1000 },
        );
    this.#logger.error({ err: cause, submissions: waiting.length }, 'checkpoints could not be stored');
    for (const { reject } of waiting) reject(error);
  }

  #reportFork(submission: Submission, held: Held): void {
    const { origin, text, logSignatures } = submission;
    const fork = { origin, held: held.note, submitted: formatNote({ text, signatures: logSignatures }) };
    this.#options.onFork?.(fork);
  }

  #checkOpen(): void {
    if (this.#closing) throw new LogError('closed', 'this witness is ending: send it again later');
  }
}

function isBehind(now: Held, before: Held): boolean {
  if (now.treeSize !== before.treeSize) return now.treeSize < before.treeSize;
  return now.timeSeconds < before.timeSeconds || !equalBytes(now.root, before.root);
}
