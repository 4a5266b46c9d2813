/**
 * The forks that this centre knows, durable with their proof before anyone is told: in the local state, and as a file that outlives
 * it; whichever of the two is lost is made again from the other. A log of which one is not resolved is frozen:
 * nothing of it is signed, cosigned or published here, and it takes no entries.
 */
import { createHash } from 'node:crypto';
import type { ForkResolutionPredicate } from '@vitrine/statements';
import { encodeHex, equalBytes } from '@vitrine/tlog';
import { EvidenceError } from '@vitrine/verifier';
import { type ForkEvidence, formatForkEvidence, parseForkEvidence } from '@vitrine/verifier/fork';
import type { LocalDb } from '../local-state/schema.ts';
import type { EngineLogger } from '../log/engine-logger.ts';
import type { ForkFiles, KeptEvidence } from './fork-files.ts';
import { type HeldLog, publishedSize } from './held-log.ts';
import { type LogCheckpoint, textDigestOf } from './log-checkpoint.ts';

/** So many forks of one log are kept: one is enough to know what it is. */
const MAX_FORKS_OF_A_LOG = 16;

export interface KnownFork {
  /** 32 hex digits. */
  readonly id: string;
  readonly origin: string;
  readonly foundAtMs: number;
  readonly foundBy: string;
  /** Hex SHA-256 of the text of the checkpoint that contradicts what was held. */
  readonly offending: string;
  readonly held: string;
  /** The bytes of the evidence file. */
  readonly evidence: Uint8Array;
  readonly resolvedAtMs: number | null;
}

/** What came of a resolution for one fork. */
export type Resolved = { readonly id: string } & (
  | { readonly resolved: true }
  | { readonly resolved: false; readonly reason: string }
);

export interface ForkRegisterOptions {
  readonly local: LocalDb;
  readonly files: ForkFiles;
  readonly nowMs: () => number;
  readonly logger: EngineLogger;
}

export class ForkRegister {
  readonly #options: ForkRegisterOptions;
  readonly #forks = new Map<string, KnownFork>();
  readonly #listeners = new Set<(fork: KnownFork) => void>();
  /** Origins of forks that are not durable yet, or could not be made so. */
  readonly #unsaved = new Set<string>();

  private constructor(options: ForkRegisterOptions) {
    this.#options = options;
  }

  /** Reads what is known, from both places; the tables of local state are there. */
  static async open(options: ForkRegisterOptions): Promise<ForkRegister> {
    const register = new ForkRegister(options);
    const rows = await options.local
      .selectFrom('forks')
      .selectAll()
      .orderBy('found_at')
      .orderBy('id')
      .execute();
    for (const row of rows) {
      register.#forks.set(row.id, {
        id: row.id,
        origin: row.origin,
        foundAtMs: row.found_at,
        foundBy: row.found_by,
        offending: row.offending,
        held: row.held,
        evidence: new TextEncoder().encode(row.evidence),
        resolvedAtMs: row.resolved_at,
      });
    }
    await register.#reconcile(await options.files.all());
    return register;
  }

  /** The oldest first. */
  get all(): readonly KnownFork[] {
    return [...this.#forks.values()];
  }

  /** Origins of the logs that are frozen. */
  get frozen(): readonly string[] {
    const open = this.all.filter(({ resolvedAtMs }) => resolvedAtMs === null).map(({ origin }) => origin);
    return [...new Set([...this.#unsaved, ...open])].sort();
  }

  get(id: string): KnownFork | undefined {
    return this.#forks.get(id);
  }

  /** Whether any log is frozen. */
  get anyFrozen(): boolean {
    return this.frozen.length > 0;
  }

  isFrozen(origin: string): boolean {
    return this.frozen.includes(origin);
  }

  /** Told of each fork that was not known before, once it is durable. MUST NOT throw. */
  onFound(listener: (fork: KnownFork) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Keeps a fork, and freezes the log. Told again of the same checkpoint, it changes nothing, also once that was resolved.
   *
   * @param offending the checkpoint that contradicts what was held
   */
  async add(
    evidence: ForkEvidence,
    {
      offending,
      held,
      foundBy,
    }: { readonly offending: LogCheckpoint; readonly held: LogCheckpoint; readonly foundBy: string },
  ): Promise<KnownFork> {
    const { origin } = offending;
    const ofLog = this.all.filter((fork) => fork.origin === origin);
    const known = ofLog.find(
      (fork) => [fork.offending, fork.held].includes(offending.textDigest) || isPair(fork, offending, held),
    );
    if (known !== undefined) return known;
    const [first] = ofLog.filter(({ resolvedAtMs }) => resolvedAtMs === null);
    if (first !== undefined && ofLog.length >= MAX_FORKS_OF_A_LOG) return first;
    const bytes = formatForkEvidence(evidence);
    const fork: KnownFork = {
      id: forkId(offending.textDigest, held.textDigest),
      origin,
      foundAtMs: this.#options.nowMs(),
      foundBy,
      offending: offending.textDigest,
      held: held.textDigest,
      evidence: bytes,
      resolvedAtMs: null,
    };
    // Frozen before it is durable, and also if it never is: nothing may be signed in between.
    this.#unsaved.add(origin);
    await this.#save(fork);
    this.#forks.set(fork.id, fork);
    this.#unsaved.delete(origin);
    for (const listener of this.#listeners) listener(fork);
    return fork;
  }

  /**
   * Applies what the root keys said: each fork of that log with an ended checkpoint is resolved, unless the copy that this centre
   * holds is of an ended branch itself.
   *
   * @param log the log, if it is held here
   */
  async resolve(
    { ended, kept }: ForkResolutionPredicate,
    log: HeldLog | undefined,
  ): Promise<readonly Resolved[]> {
    const concerned = this.all.filter(
      (fork) =>
        fork.origin === kept.origin &&
        fork.resolvedAtMs === null &&
        (ended.includes(fork.offending) || ended.includes(fork.held)),
    );
    const reason = await whyNotOnBranch(kept, log);
    const outcomes: Resolved[] = [];
    for (const fork of concerned) {
      if (reason !== undefined) {
        outcomes.push({ id: fork.id, resolved: false, reason });
        continue;
      }
      const resolvedAtMs = this.#options.nowMs();
      await this.#options.local
        .updateTable('forks')
        .set({ resolved_at: resolvedAtMs })
        .where('id', '=', fork.id)
        .execute();
      this.#forks.set(fork.id, { ...fork, resolvedAtMs });
      outcomes.push({ id: fork.id, resolved: true });
    }
    return outcomes;
  }

  /** Durable in one place at least. @throws what the second place threw, if it is durable in neither */
  async #save(fork: KnownFork): Promise<void> {
    const { files, logger } = this.#options;
    const [filed, told] = await Promise.allSettled([files.save(fork.id, fork.evidence), this.#insert(fork)]);
    if (filed.status === 'fulfilled' && told.status === 'fulfilled') return;
    const err: unknown =
      filed.status === 'rejected' ? filed.reason : told.status === 'rejected' && told.reason;
    if (filed.status === 'rejected' && told.status === 'rejected') throw err;
    logger.error(
      { fork: fork.id, origin: fork.origin, err },
      'the proof of a fork is stored in one of two places only; the next start tries the other again',
    );
  }

  async #insert(fork: KnownFork): Promise<void> {
    await this.#options.local
      .insertInto('forks')
      .values({
        id: fork.id,
        origin: fork.origin,
        offending: fork.offending,
        held: fork.held,
        found_by: fork.foundBy,
        found_at: fork.foundAtMs,
        evidence: Buffer.from(fork.evidence).toString('utf8'),
        resolved_at: fork.resolvedAtMs,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  }

  /** Makes again what one of the two places lacks. A log whose file alone is left is frozen until its keys log resolves it anew. */
  async #reconcile(kept: readonly KeptEvidence[]): Promise<void> {
    const { files, logger } = this.#options;
    for (const file of kept) {
      if (this.#forks.has(file.id)) continue;
      const fork = forkOf(file);
      if (fork === undefined) {
        logger.error(
          { fork: file.id },
          'a file named as the proof of a fork is not that: it is left where it is, and nothing is frozen for it',
        );
        continue;
      }
      this.#forks.set(fork.id, fork);
      logger.warn({ fork: fork.id, origin: fork.origin }, 'a fork is known again from its evidence file');
      await this.#insert(fork).catch((err: unknown) => {
        logger.error({ fork: fork.id, err }, 'a fork could not be stored again; its evidence file is there');
      });
    }
    for (const fork of this.all) {
      const file = kept.find(({ id }) => id === fork.id);
      if (file !== undefined && equalBytes(file.bytes, fork.evidence)) continue;
      await files.save(fork.id, fork.evidence).catch((err: unknown) => {
        logger.error({ fork: fork.id, err }, 'the evidence file of a fork could not be stored again');
      });
    }
  }
}

/** 32 hex digits, of hex SHA-256 digests of what the log signed. */
function forkId(offending: string, held: string): string {
  return createHash('sha256').update(offending).update(held).digest('hex').slice(0, 32);
}

/** Which of the two contradicted what was held, its name tells; undefined for a file that is not what it is named as. */
function forkOf({ bytes, id, savedAtMs }: KeptEvidence): KnownFork | undefined {
  try {
    const { checkpoints, claimed } = parseForkEvidence(bytes);
    const [first, second] = [textDigestOf(checkpoints[0]), textDigestOf(checkpoints[1])];
    const [offending, held] = forkId(first, second) === id ? [first, second] : [second, first];
    if (forkId(offending, held) !== id || claimed[0].origin !== claimed[1].origin) return undefined;
    return {
      id,
      origin: claimed[0].origin,
      foundAtMs: savedAtMs,
      foundBy: 'an evidence file that this centre kept when its local state was lost',
      offending,
      held,
      evidence: bytes,
      resolvedAtMs: null,
    };
  } catch (error) {
    if (error instanceof EvidenceError) return undefined;
    throw error;
  }
}

function isPair(fork: KnownFork, offending: LogCheckpoint, held: LogCheckpoint): boolean {
  return fork.offending === held.textDigest && fork.held === offending.textDigest;
}

async function whyNotOnBranch(
  { origin, root, treeSize }: ForkResolutionPredicate['kept'],
  log: HeldLog | undefined,
): Promise<string | undefined> {
  const size = log === undefined ? 0 : publishedSize(log);
  if (log === undefined || treeSize > size) return undefined;
  if (encodeHex(await log.rootAt(treeSize)) === root) return undefined;
  return (
    `this centre holds a branch of ${origin} that was ended: it has another root at ${treeSize} entries than the branch that is ` +
    'kept. Move its folder away, so that it is followed anew (docs/operating.md, “A fork”)'
  );
}
