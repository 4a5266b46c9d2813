/**
 * The forks that this centre knows, durable with their proof before anyone is told. A log of which one is not resolved is frozen:
 * nothing of it is signed, cosigned or published here, and it takes no entries.
 */
import { createHash } from 'node:crypto';
import type { ForkResolutionPredicate } from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import { type ForkEvidence, formatForkEvidence } from '@vitrine/verifier/fork';
import type { LocalDb } from '../local-state/schema.ts';
import { type HeldLog, publishedSize } from './held-log.ts';
import type { LogCheckpoint } from './log-checkpoint.ts';

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

export class ForkRegister {
  readonly #db: LocalDb;
  readonly #nowMs: () => number;
  readonly #forks = new Map<string, KnownFork>();
  readonly #listeners = new Set<(fork: KnownFork) => void>();
  /** Origins of forks that are not durable yet, or could not be made so. */
  readonly #unsaved = new Set<string>();

  private constructor(db: LocalDb, nowMs: () => number) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /** Reads what is known; the tables of local state are there. */
  static async open(db: LocalDb, nowMs: () => number): Promise<ForkRegister> {
    const register = new ForkRegister(db, nowMs);
    const rows = await db.selectFrom('forks').selectAll().orderBy('found_at').orderBy('id').execute();
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
    return register;
  }

  /** The oldest first. */
  get all(): readonly KnownFork[] {
    return [...this.#forks.values()];
  }

  get(id: string): KnownFork | undefined {
    return this.#forks.get(id);
  }

  /** Whether any log is frozen. */
  get anyFrozen(): boolean {
    return this.#unsaved.size > 0 || this.all.some(({ resolvedAtMs }) => resolvedAtMs === null);
  }

  isFrozen(origin: string): boolean {
    if (this.#unsaved.has(origin)) return true;
    return this.all.some((fork) => fork.origin === origin && fork.resolvedAtMs === null);
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
      id: createHash('sha256')
        .update(offending.textDigest)
        .update(held.textDigest)
        .digest('hex')
        .slice(0, 32),
      origin,
      foundAtMs: this.#nowMs(),
      foundBy,
      offending: offending.textDigest,
      held: held.textDigest,
      evidence: bytes,
      resolvedAtMs: null,
    };
    // Frozen before it is durable, and also if it never is: nothing may be signed in between.
    this.#unsaved.add(origin);
    await this.#db
      .insertInto('forks')
      .values({
        id: fork.id,
        origin,
        offending: fork.offending,
        held: fork.held,
        found_by: foundBy,
        found_at: fork.foundAtMs,
        evidence: Buffer.from(bytes).toString('utf8'),
        resolved_at: null,
      })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
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
      const resolvedAtMs = this.#nowMs();
      await this.#db
        .updateTable('forks')
        .set({ resolved_at: resolvedAtMs })
        .where('id', '=', fork.id)
        .execute();
      this.#forks.set(fork.id, { ...fork, resolvedAtMs });
      outcomes.push({ id: fork.id, resolved: true });
    }
    return outcomes;
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
