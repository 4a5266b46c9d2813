/**
 * The cosigners that a writer asks: the witnesses of its policy (c2sp.org/tlog-policy) that have a URL, each by C2SP
 * tlog-witness. All are asked at once; one that is slow, away or lying costs the others nothing but the grace time.
 */
import { createHash } from 'node:crypto';
import {
  type Checkpoint,
  formatAddCheckpoint,
  formatNote,
  type NoteSignature,
  openCosignatures,
  openNote,
  parseCheckpoint,
  parseNote,
  parseTreeSizeLine,
  type Policy,
  type PolicyWitness,
  TlogError,
  verifyCheckpoint,
} from '@vitrine/tlog';
import { type Clock, systemClock } from '../log/clock.ts';
import type { Cosignable, Cosigners, FoundLog } from '../log/cosigners.ts';
import { type EngineLogger, silent } from '../log/engine-logger.ts';
import { LogError } from '../log/log-error.ts';
import type { WitnessAnswer, WitnessTransport } from './witness-transport.ts';

/** What the pool knows of one witness, for people: nothing is decided by it. */
export interface WitnessStanding {
  /** As the policy calls it. */
  readonly name: string;
  readonly keyName: string;
  readonly url: string;
  /** POSIX seconds of its newest cosignature for any log, null before the first. */
  readonly lastCosignedAt: number | null;
  /** By origin: the size of the checkpoint that it cosigned last. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Why it did not cosign when it was asked last; null if it did. */
  readonly problem: string | null;
}

export interface WitnessPoolLimits {
  /** For one question to one witness. */
  readonly timeoutMs: number;
  /** How long the others are waited for once the quorum is met. */
  readonly graceMs: number;
  /** One that fails is asked again no earlier; doubled each time, up to `backOffMostMs`. */
  readonly backOffFirstMs: number;
  readonly backOffMostMs: number;
}

const DEFAULT_LIMITS: WitnessPoolLimits = {
  timeoutMs: 5_000,
  graceMs: 100,
  backOffFirstMs: 500,
  backOffMostMs: 30_000,
};

/** How often one question may learn that the witness holds another size than was thought. */
const MAX_CATCH_UPS = 3;
const AWAITING_RETRY_MS = 1_000;

interface AskedWitness {
  readonly policy: PolicyWitness;
  readonly url: string;
  readonly sizes: Map<string, number>;
  /** The origins that it is being asked about. */
  readonly busy: Set<string>;
  lastCosignedAt: number | null;
  problem: string | null;
  failures: number;
  /** On the monotonic clock: before this it is asked only where the quorum needs it. */
  notBeforeMs: number;
}

export interface WitnessPoolOptions {
  /** Its keys verified natively: see `parseCosignerVkey`. Of its logs the pool is concerned with all. */
  readonly policy: Policy;
  readonly transport: WitnessTransport;
  readonly limits?: Partial<WitnessPoolLimits>;
  readonly clock?: Clock;
  readonly logger?: EngineLogger;
  /** Told of a checkpoint that a witness holds, that a log here signed, and that it does not contain. MUST NOT throw. */
  readonly onContradiction?: (note: string, witness: string) => void;
}

export class WitnessPool implements Cosigners {
  readonly #policy: Policy;
  readonly #transport: WitnessTransport;
  readonly #limits: WitnessPoolLimits;
  readonly #clock: Clock;
  readonly #logger: EngineLogger;
  readonly #onContradiction: (note: string, witness: string) => void;
  readonly #witnesses: readonly AskedWitness[];

  constructor(options: WitnessPoolOptions) {
    this.#policy = options.policy;
    this.#transport = options.transport;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silent;
    this.#onContradiction = options.onContradiction ?? (() => undefined);
    this.#witnesses = options.policy.witnesses.flatMap((policy) =>
      policy.url === undefined
        ? []
        : [
            {
              policy,
              url: policy.url.replace(/\/$/, ''),
              sizes: new Map(),
              busy: new Set(),
              lastCosignedAt: null,
              problem: null,
              failures: 0,
              notBeforeMs: Number.NEGATIVE_INFINITY,
            },
          ],
    );
  }

  /** In the policy's order. */
  get standings(): readonly WitnessStanding[] {
    return this.#witnesses.map(({ policy, url, sizes, lastCosignedAt, problem }) => ({
      name: policy.name,
      keyName: policy.key.name,
      url,
      lastCosignedAt,
      sizes: Object.fromEntries(sizes),
      problem,
    }));
  }

  concern(origin: string): boolean {
    return this.#witnesses.length > 0 && this.#policy.logs.some(({ key }) => key.name === origin);
  }

  async ask(checkpoint: Cosignable): Promise<readonly NoteSignature[]> {
    const came: NoteSignature[] = [];
    const met = (): boolean => this.isQuorum(withSignatures(checkpoint.note, came));
    const asking = this.#toAsk(checkpoint).map(async (witness) => {
      const signature = await this.#askOne(witness, checkpoint);
      if (signature !== null) came.push(signature);
    });
    // Whoever answers later is heard at the next publication.
    await firstOf(asking, met, this.#limits.graceMs);
    const signatures = [...came];
    const note = withSignatures(checkpoint.note, signatures);
    if (!this.isQuorum(note)) throw this.#noQuorum(checkpoint, note);
    return signatures;
  }

  isQuorum(note: string): boolean {
    return verifyCheckpoint(note, this.#policy).ok;
  }

  requireQuorum(note: string): void {
    const verdict = verifyCheckpoint(note, this.#policy);
    if (!verdict.ok) {
      throw new LogError('no-quorum', `the checkpoint is not published: ${verdict.reason}`, {
        retryAfterMs: AWAITING_RETRY_MS,
      });
    }
  }

  async confirm(log: FoundLog): Promise<void> {
    const silentOnes: AskedWitness[] = [];
    await Promise.all(
      this.#witnesses.map(async (witness) => {
        const held = await this.#heldBy(witness, log.origin);
        if (held === undefined) silentOnes.push(witness);
        else if (held !== null) await this.#requireHeld(witness, log, held);
      }),
    );
    if (!couldBeQuorum(this.#policy.quorum, new Set(silentOnes.map(({ policy }) => policy)))) return;
    throw new LogError(
      'awaiting-witnesses',
      `${log.origin} signs nothing before its witnesses have said what they hold; without an answer: ${silentOnes
        .map(({ policy, problem }) => `${policy.name} (${problem ?? 'not asked'})`)
        .join(', ')}`,
      { retryAfterMs: AWAITING_RETRY_MS },
    );
  }

  /** Those that fail are left alone for a while, unless there is no quorum without them. None is asked twice at once. */
  #toAsk({ origin, note }: Cosignable): readonly AskedWitness[] {
    const nowMs = performance.now();
    const free = this.#witnesses.filter(({ busy }) => !busy.has(origin));
    const well = free.filter(({ notBeforeMs }) => notBeforeMs <= nowMs);
    const own = new Set(parseNote(note).signatures.map(({ name }) => name));
    const possible = new Set(
      this.#policy.witnesses.filter(
        (witness) => own.has(witness.key.name) || well.some(({ policy }) => policy === witness),
      ),
    );
    return couldBeQuorum(this.#policy.quorum, possible) ? well : free;
  }

  async #askOne(witness: AskedWitness, checkpoint: Cosignable): Promise<NoteSignature | null> {
    witness.busy.add(checkpoint.origin);
    try {
      const signature = await this.#cosignatureOf(witness, checkpoint);
      witness.sizes.set(checkpoint.origin, checkpoint.size);
      witness.problem = null;
      witness.failures = 0;
      witness.notBeforeMs = Number.NEGATIVE_INFINITY;
      return signature;
    } catch (error) {
      const { backOffFirstMs, backOffMostMs } = this.#limits;
      witness.problem = error instanceof Error ? error.message : String(error);
      witness.failures++;
      witness.notBeforeMs =
        performance.now() + Math.min(backOffFirstMs * 2 ** (witness.failures - 1), backOffMostMs);
      if (witness.failures === 1) {
        this.#logger.warn(
          { witness: witness.policy.name, origin: checkpoint.origin, err: error },
          'a witness did not cosign',
        );
      }
      return null;
    } finally {
      witness.busy.delete(checkpoint.origin);
    }
  }

  async #cosignatureOf(witness: AskedWitness, checkpoint: Cosignable): Promise<NoteSignature> {
    const { origin, size, note } = checkpoint;
    for (let tries = 0; tries <= MAX_CATCH_UPS; tries++) {
      const oldSize = witness.sizes.get(origin) ?? 0;
      if (oldSize > size) {
        throw new Error(
          `it holds a checkpoint of ${origin} of size ${oldSize}, and this log has ${size} entries: it was shown a fork, or this log lost entries`,
        );
      }
      const proof = oldSize === 0 || oldSize === size ? [] : await checkpoint.consistencyProof(oldSize);
      const answer = await this.#transport.addCheckpoint(
        witness.url,
        formatAddCheckpoint({ oldSize, proof, checkpointNote: note }),
        AbortSignal.timeout(this.#limits.timeoutMs),
      );
      if (answer.status === 200) return this.#opened(witness, note, answer);
      if (answer.status !== 409) throw new Error(explain(answer));
      const held = parseTreeSizeLine(answer.body);
      if (held === oldSize) throw new Error(`it answers 409 and holds size ${held}, which it was told`);
      witness.sizes.set(origin, held);
    }
    throw new Error('it names another size each time');
  }

  #opened({ policy, lastCosignedAt }: AskedWitness, note: string, { body }: WitnessAnswer): NoteSignature {
    const [signature] = openCosignatures(parseNote(note).text, body, [policy.key]);
    if (signature === undefined) throw new Error('its answer holds no cosignature by its key');
    const timeSeconds = timeOf(signature);
    const aheadSeconds = timeSeconds - Math.floor(this.#clock.nowMs() / 1000);
    // A time from the future would make evidence look fresh for as long as it lies ahead.
    if (aheadSeconds > 60) throw new Error(`its cosignature is dated ${aheadSeconds} s ahead of this clock`);
    const witness = this.#witnesses.find((each) => each.policy === policy);
    if (witness !== undefined) witness.lastCosignedAt = Math.max(lastCosignedAt ?? 0, timeSeconds);
    return { name: signature.name, keyId: signature.keyId, signature: signature.signature };
  }

  /** The note of the checkpoint that the witness holds of this log; null if it holds none, undefined if it does not say. */
  async #heldBy(witness: AskedWitness, origin: string): Promise<string | null | undefined> {
    try {
      const answer = await this.#transport.latestCheckpoint(
        witness.url,
        createHash('sha256').update(origin).digest('hex'),
        AbortSignal.timeout(this.#limits.timeoutMs),
      );
      if (answer.status === 404) return null;
      if (answer.status === 200) return new TextDecoder('utf-8', { fatal: true }).decode(answer.body);
      witness.problem = explain(answer);
    } catch (error) {
      witness.problem = error instanceof Error ? error.message : String(error);
    }
    return undefined;
  }

  /** @throws LogError `behind-witness` unless the log contains what the witness holds */
  async #requireHeld({ policy, sizes }: AskedWitness, log: FoundLog, note: string): Promise<void> {
    const verifiers = this.#policy.logs.map(({ key }) => key).filter(({ name }) => name === log.origin);
    let held: Checkpoint;
    try {
      held = parseCheckpoint(openNote(note, verifiers).text);
      if (held.origin !== log.origin) throw new TlogError('origin-mismatch', `it is of ${held.origin}`);
    } catch (error) {
      // What the log has not signed binds it to nothing.
      if (!(error instanceof TlogError)) throw error;
      this.#logger.warn(
        { witness: policy.name, origin: log.origin, err: error },
        'a witness shows as held what this log has not signed',
      );
      return;
    }
    const { treeSize, root } = held;
    if (treeSize <= log.size && Buffer.from(await log.rootAt(treeSize)).equals(root)) {
      sizes.set(log.origin, treeSize);
      return;
    }
    this.#onContradiction(note, policy.name);
    const contradiction =
      treeSize > log.size
        ? `has ${treeSize} entries, and this log only ${log.size}: these data are older, as after a restore from a backup`
        : `has another root at size ${treeSize} than this log`;
    throw new LogError(
      'behind-witness',
      `${policy.name} holds a checkpoint that ${log.origin} signed and that ${contradiction}. Nothing is signed here, since it would be a fork. ` +
        `Bring back the newest data: stop this server, then “vitrine restore” takes them from a mirror (or, if the log has forked: docs/operating.md, “A fork”). The checkpoint held:\n${note}`,
    );
  }

  #noQuorum({ origin, size }: Cosignable, note: string): LogError {
    const cosigned = new Set(parseNote(note).signatures.map(({ name }) => name));
    const missing = this.#witnesses.filter(({ policy }) => !cosigned.has(policy.key.name));
    return new LogError(
      'no-quorum',
      `${origin} has ${size} durable entries and waits for cosignatures; missing: ${missing
        .map(({ policy, problem }) => `${policy.name}${problem === null ? '' : ` (${problem})`}`)
        .join(', ')}`,
      { retryAfterMs: AWAITING_RETRY_MS },
    );
  }
}

/** Resolves when all of them have, or `graceMs` after `met` holds. None of them rejects. */
async function firstOf(all: readonly Promise<void>[], met: () => boolean, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    let grace: NodeJS.Timeout | undefined;
    const look = (): void => {
      if (grace === undefined && met()) grace = setTimeout(resolve, graceMs);
    };
    look();
    for (const each of all) void each.then(look);
    void Promise.all(all).then(() => {
      clearTimeout(grace);
      resolve();
    });
  });
}

function timeOf({ signature }: NoteSignature): number {
  return Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
}

function withSignatures(note: string, more: Iterable<NoteSignature>): string {
  const { text, signatures } = parseNote(note);
  return formatNote({ text, signatures: [...signatures, ...more] });
}

/** Whether these witnesses alone could meet the quorum. */
function couldBeQuorum(member: Policy['quorum'], witnesses: ReadonlySet<PolicyWitness>): boolean {
  if (member === 'none') return false;
  if (member.kind === 'witness') return witnesses.has(member);
  return member.members.filter((each) => couldBeQuorum(each, witnesses)).length >= member.threshold;
}

function explain({ status, body }: WitnessAnswer): string {
  const text = Buffer.from(body.subarray(0, 200)).toString('utf8').replaceAll(/\s+/g, ' ').trim();
  return `it answers ${status}${text === '' ? '' : `: ${text}`}`;
}
