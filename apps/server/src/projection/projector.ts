/**
 * Folds the published root log into the read models, in order, each batch in one transaction with its progress, so that a crash
 * leaves nothing half-folded. The registration policy is applied again to every entry: what it does not admit counts for nothing.
 *
 * A key revoked as compromised voids what it signed before: then everything is judged anew, knowing that, in another copy, which is
 * shown once it is further than the one that readers have.
 */
import { setImmediate, setTimeout as setTimeoutPromise } from 'node:timers/promises';
import type { Logger } from 'pino';
import {
  admit,
  advanceKeys,
  emptyKeysState,
  HEAD_TYPE,
  parseStatementLeaf,
  StatementError,
} from '@vitrine/statements';
import type { Admitted, KeysState, StatementLeaf } from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import { CentreError } from '../error.ts';
import { verifyWithNode } from '../identity/verify.ts';
import type { Entry, LogView } from '../log/log.ts';
import type { Entered as EnteredStatement, Projection, Told } from './projection.ts';
import type { ReadModelCopy, ReadModelStore } from './read-model-store.ts';
import { createFoldTables, SEMANTICS } from './schema.ts';
import type { Fact, ReadTx } from './schema.ts';
import { emptyViewDigest, nextViewDigest } from './view-digest.ts';

const BATCH_ENTRIES = 512;
/** Requests are answered in between: so many entries are judged in about two milliseconds. */
const ENTRIES_AT_A_STRETCH = 4;
/** After a fold that failed, of a full disk say, it is tried again; twice as late each time. */
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 15_000;
/** A start waits so long for the newest entries to be shown; a longer catch-up keeps nobody from reading what is shown already. */
const START_WAIT_MS = 1_000;
/** Longer than a fold of what was just published takes on any machine that is well. */
const PATIENCE_MS = 5_000;

export interface Projector {
  /** Entries of the root log that the read models show. */
  readonly size: number;
  /** Why an entry of the keys log counts for nothing; null when it counts, or is not anchored yet. */
  keysRefusal(leafIndex: number): string | null;
  /**
   * Resolves when entries below `size` are shown; `size` must be published or about to be. Rejects with what a fold threw: it is tried
   * again by itself, so the caller may ask again. @throws CentreError `not-published-yet` when it takes longer than anyone should wait
   */
  whenFolded(size: number): Promise<void>;
  /** Called after each batch that is shown. */
  onFolded(listener: (size: number) => void): void;
  close(): Promise<void>;
}

export interface ProjectorOptions<Copy extends ReadModelCopy> {
  readonly store: ReadModelStore<Copy>;
  readonly root: LogView;
  readonly keys: LogView;
  readonly projections: readonly Projection[];
  /** Whether the root log ended before the entry that is folded: what stands there has never counted. */
  readonly hasEnded: (tx: ReadTx) => Promise<boolean>;
  readonly logger: Logger;
}

/** Which keys void which entries, and whether anything counts at all, as one comparable text. */
function voidedFrom(state: KeysState): string {
  return [...state.keys.values()]
    .flatMap((key) => (key.voidFrom === undefined ? [] : [`${key.keyid} ${key.voidFrom}`]))
    .concat(state.unsound === undefined ? [] : ['unsound'])
    .sort()
    .join('\n');
}

/** The keys log as the newest folded head anchors it. */
interface AnchoredKeys {
  readonly state: KeysState;
  readonly refusals: ReadonlyMap<number, string>;
}

/** A copy of the read models, and how far it has been folded. */
interface Fold<Copy> {
  readonly copy: Copy;
  readonly size: number;
  readonly anchored: AnchoredKeys;
  /** Of the view at `size`. */
  readonly digest: string;
}

/** What one entry leaves behind it. */
type Entered = Pick<Fold<never>, 'anchored' | 'digest'>;

/** The keys to judge everything anew with, and the root size from which on they are known. */
interface Revoked {
  readonly anchored: AnchoredKeys;
  readonly knownFrom: number;
}

interface Waiter {
  readonly size: number;
  /** Ends the waiting; with what went wrong, if anything did. */
  readonly end: (error?: unknown) => void;
}

function toldOf(
  { payloadDigest, registeredAtMs, signers, statement }: Admitted,
  leafIndex: number,
  keys: KeysState,
): Told {
  return { leafIndex, registeredAt: registeredAtMs, digest: payloadDigest, signers, statement, keys };
}

/** Catches up with what is published, then follows. */
export async function startProjector<Copy extends ReadModelCopy>({
  store,
  root,
  keys,
  projections,
  hasEnded,
  logger,
}: ProjectorOptions<Copy>): Promise<Projector> {
  const rootHashAt = async (at: number): Promise<string> => encodeHex(await root.rootAt(at));
  const noKeys: AnchoredKeys = { state: emptyKeysState(keys.origin), refusals: new Map() };

  async function advance(from: AnchoredKeys, end: number): Promise<AnchoredKeys> {
    let { state } = from;
    const refusals = new Map(from.refusals);
    for await (const { leaf } of keys.readEntries(state.size, end)) {
      const next = advanceKeys(state, leaf, verifyWithNode);
      state = next.state;
      if (!next.entry.counts) refusals.set(next.entry.index, next.entry.reason);
    }
    return { state, refusals };
  }

  /** An empty copy, in which everything is judged knowing these keys. */
  async function begin({ anchored, knownFrom }: Revoked): Promise<Fold<Copy>> {
    const digest = emptyViewDigest(SEMANTICS);
    const copy = await store.create();
    const rootHash = await rootHashAt(0);
    await copy.db.transaction().execute(async (tx) => {
      await createFoldTables(tx);
      for (const projection of projections) await projection.createTables(tx);
      await tx
        .insertInto('progress')
        .values({
          id: 1,
          semantics: SEMANTICS,
          origin: root.origin,
          root_size: 0,
          root_hash: rootHash,
          keys_size: anchored.state.size,
          judged_from: knownFrom,
        })
        .execute();
      await tx.insertInto('view_digests').values({ root_size: 0, digest }).execute();
    });
    return { copy, size: 0, anchored, digest };
  }

  /** Null unless the copy was folded by these semantics and, which after a restore may be otherwise, from entries that are in this log. */
  async function resume(copy: Copy): Promise<Fold<Copy> | null> {
    const present = await copy.db.introspection.getTables();
    if (!present.some(({ name }) => name === 'progress')) return null;
    const known = await copy.db.selectFrom('progress').select('semantics').executeTakeFirst();
    if (known?.semantics !== SEMANTICS) return null;
    const progress = await copy.db.selectFrom('progress').selectAll().executeTakeFirstOrThrow();
    const { root_size: size } = progress;
    if (progress.origin !== root.origin || size > root.published.size) return null;
    if (progress.root_hash !== (await rootHashAt(size))) return null;
    const { digest } = await copy.db
      .selectFrom('view_digests')
      .select('digest')
      .where('root_size', '=', size)
      .executeTakeFirstOrThrow();
    return { copy, size, anchored: await advance(noKeys, progress.keys_size), digest };
  }

  /** The keys log with what this head adds to it, when the head tells the truth about the keys log here. */
  async function anchoredBy(told: StatementLeaf, anchored: AnchoredKeys): Promise<AnchoredKeys> {
    if (told.statement.predicateType !== HEAD_TYPE) return anchored;
    const { head } = told.statement.predicate;
    if (
      head.origin !== keys.origin ||
      head.treeSize <= anchored.state.size ||
      head.treeSize > keys.published.size
    )
      return anchored;
    return encodeHex(await keys.rootAt(head.treeSize)) === head.root
      ? advance(anchored, head.treeSize)
      : anchored;
  }

  async function record(tx: ReadTx, facts: readonly Fact[]): Promise<void> {
    for (const fact of facts) for (const projection of projections) await projection.record(tx, fact);
  }

  /** Each may rest on what those before it said, so what it makes known is recorded before the next. @returns the digest of the view */
  async function foldEntered(
    tx: ReadTx,
    statements: AsyncIterable<EnteredStatement>,
    digest: string,
  ): Promise<string> {
    let viewDigest = digest;
    let told = 0;
    for await (const statement of statements) {
      const facts: Fact[] = [];
      for (const projection of projections)
        facts.push(...((await projection.foldEntered?.(tx, statement, facts)) ?? []));
      await record(tx, facts);
      viewDigest = nextViewDigest(viewDigest, true, facts);
      if (++told % ENTRIES_AT_A_STRETCH === 0) await setImmediate();
    }
    return viewDigest;
  }

  async function foldEntry(
    tx: ReadTx,
    { leafIndex, leaf }: Entry,
    { anchored, digest }: Entered,
  ): Promise<Entered> {
    let parsed: StatementLeaf;
    try {
      parsed = parseStatementLeaf(leaf);
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      return { anchored, digest: nextViewDigest(digest, false, []) };
    }
    // The key that signs the first head is in the entries that this head anchors, so they are read before it is judged.
    const next = await anchoredBy(parsed, anchored);
    const verdict = admit(next.state, { origin: root.origin, leafIndex, leaf }, verifyWithNode);
    let refusal = verdict.admitted ? null : verdict.reason;
    const facts: Fact[] = [];
    const entering: AsyncIterable<EnteredStatement>[] = [];
    if (!verdict.admitted && verdict.voided !== undefined && !(await hasEnded(tx))) {
      const { admission, ...voided } = verdict.voided;
      const told = toldOf(admission, leafIndex, next.state);
      for (const projection of projections)
        facts.push(...((await projection.foldVoided?.(tx, told, { ...voided, origin: keys.origin })) ?? []));
    }
    if (verdict.admitted) {
      const told = toldOf(verdict, leafIndex, next.state);
      for (const projection of projections) {
        const folded = await projection.fold(tx, told);
        if ('refusal' in folded) {
          // The others are not asked: they may wait for entries that a log never had.
          refusal = folded.refusal;
          break;
        }
        facts.push(...folded.facts);
        if (folded.entered !== undefined) entering.push(folded.entered);
      }
    }
    const stated = refusal === null || !verdict.admitted ? facts : [];
    await record(tx, stated);
    let viewDigest = nextViewDigest(digest, refusal === null, stated);
    if (refusal === null)
      for (const statements of entering) viewDigest = await foldEntered(tx, statements, viewDigest);
    const { statement } = parsed;
    await tx
      .insertInto('statements')
      .values({
        leaf_index: leafIndex,
        digest: parsed.payloadDigest,
        registered_at: parsed.registeredAtMs,
        predicate_type: statement.predicateType,
        product: 'product' in statement.predicate ? statement.predicate.product : null,
        refusal,
      })
      .execute();
    return {
      // What was said past the end of the root log anchors nothing either.
      anchored: refusal === null ? next : anchored,
      digest: viewDigest,
    };
  }

  /** @returns the fold with this batch, or, when that revokes a key as compromised, the keys to judge everything anew with */
  async function foldBatch(from: Fold<Copy>, end: number): Promise<Fold<Copy> | Revoked> {
    let entered: Entered = from;
    const digests: { root_size: number; digest: string }[] = [];
    const voided = voidedFrom(from.anchored.state);
    const tx = await from.copy.db.startTransaction().execute();
    try {
      for await (const entry of root.readEntries(from.size, end)) {
        const next = await foldEntry(tx, entry, entered);
        if (next.anchored !== entered.anchored && voidedFrom(next.anchored.state) !== voided) {
          await tx.rollback().execute();
          return { anchored: next.anchored, knownFrom: entry.leafIndex + 1 };
        }
        entered = next;
        digests.push({ root_size: entry.leafIndex + 1, digest: next.digest });
        if (entry.leafIndex % ENTRIES_AT_A_STRETCH === 0) await setImmediate();
      }
      if (digests.length > 0) await tx.insertInto('view_digests').values(digests).execute();
      await tx
        .updateTable('progress')
        .set({ root_size: end, root_hash: await rootHashAt(end), keys_size: entered.anchored.state.size })
        .execute();
      await tx.commit().execute();
    } catch (error) {
      await tx
        .rollback()
        .execute()
        .catch((cause: unknown) => logger.warn({ err: cause }, 'a batch was not rolled back'));
      throw error;
    }
    return { copy: from.copy, size: end, ...entered };
  }

  /** The two oldest copies that can be gone on with: the one to show and, when a crash left it, its successor. */
  async function copiesLeft(): Promise<readonly Fold<Copy>[]> {
    const left: Fold<Copy>[] = [];
    for (const copy of await store.open()) {
      const fold = left.length < 2 ? await resume(copy) : null;
      if (fold === null) await store.remove(copy);
      else left.push(fold);
    }
    return left;
  }

  const [oldest = await begin({ anchored: noKeys, knownFrom: 0 }), successor = oldest] = await copiesLeft();
  let shown = oldest;
  /** Another than the one shown while everything is judged anew. */
  let folding = successor;
  await store.show(shown.copy);

  const waiting = new Set<Waiter>();
  const listeners: ((size: number) => void)[] = [];
  let closed = false;
  let retryMs = RETRY_FIRST_MS;
  let retry: NodeJS.Timeout | undefined;

  function announce(): void {
    for (const waiter of waiting) if (waiter.size <= shown.size) waiter.end();
    for (const listener of listeners) listener(shown.size);
  }

  async function foldOn(): Promise<void> {
    const folded = await foldBatch(folding, Math.min(folding.size + BATCH_ENTRIES, root.published.size));
    if ('copy' in folded) {
      const isShown = folding === shown;
      folding = folded;
      if (isShown) shown = folded;
      return;
    }
    logger.info({ size: folding.size }, 'a key was revoked as compromised: everything is judged anew');
    const unfinished = folding;
    folding = shown;
    if (unfinished !== shown) await store.remove(unfinished.copy);
    folding = await begin(folded);
  }

  async function catchUp(): Promise<void> {
    for (;;) {
      if (folding !== shown && folding.size > shown.size) {
        await store.show(folding.copy);
        shown = folding;
      }
      if (folding === shown) announce();
      if (closed || folding.size >= root.published.size) return;
      await foldOn();
    }
  }

  let running: Promise<void> | undefined;
  async function run(): Promise<void> {
    try {
      await catchUp();
      retryMs = RETRY_FIRST_MS;
    } catch (error) {
      logger.error({ err: error, size: shown.size }, 'the pages do not follow the log; it is tried again');
      for (const waiter of waiting) waiter.end(error);
      clearTimeout(retry);
      if (!closed) retry = setTimeout(follow, retryMs);
      retryMs = Math.min(2 * retryMs, RETRY_MOST_MS);
    } finally {
      running = undefined;
    }
  }
  function follow(): void {
    running ??= run();
  }
  const unsubscribe = root.onPublished(follow);
  follow();
  // A first fold that fails, of a full disk say, keeps nobody from reading what is shown already either.
  await Promise.race([running, setTimeoutPromise(START_WAIT_MS, undefined, { ref: false })]);

  return {
    get size() {
      return shown.size;
    },
    keysRefusal: (leafIndex) => shown.anchored.refusals.get(leafIndex) ?? null,
    async whenFolded(wanted) {
      if (wanted <= shown.size) return;
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      const waiter: Waiter = {
        size: wanted,
        end(error) {
          clearTimeout(late);
          waiting.delete(waiter);
          if (error === undefined) resolve(undefined);
          else reject(error);
        },
      };
      const late = setTimeout(() => {
        waiter.end(
          new CentreError(
            'not-published-yet',
            `The pages are still catching up with the log: they show ${shown.size} entries of ${wanted}.`,
            { retryAfterMs: 1000 },
          ),
        );
      }, PATIENCE_MS).unref();
      waiting.add(waiter);
      follow();
      await promise;
    },
    onFolded: (listener) => listeners.push(listener),
    async close() {
      closed = true;
      clearTimeout(retry);
      unsubscribe();
      await running;
      for (const waiter of waiting) waiter.end(new Error('the server is closing'));
    },
  };
}
