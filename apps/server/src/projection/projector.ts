/**
 * Folds the published root log into the read models, in order, each batch in one transaction with its progress, so that a crash
 * leaves nothing half-folded. The registration policy is applied again to every entry: what it does not admit counts for nothing.
 */
import type { Logger } from 'pino';
import {
  admit,
  advanceKeys,
  emptyKeysState,
  HEAD_TYPE,
  parseStatementLeaf,
  StatementError,
} from '@vitrine/statements';
import type { KeysState, StatementLeaf } from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import { verifyWithNode } from '../identity/verify.ts';
import type { Entry, Log } from '../log/log.ts';
import type { Projection } from './projection.ts';
import { clearReadModels, prepareReadModels } from './schema.ts';
import type { ReadDb, ReadTx } from './schema.ts';

const BATCH_ENTRIES = 512;
/** After a fold that failed, of a full disk say, it is tried again; twice as late each time. */
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 15_000;

export interface Projector {
  /** Entries of the root log that the read models show. */
  readonly size: number;
  /** The keys log as the newest folded head anchors it. */
  readonly keys: KeysState;
  /** Why an entry of the keys log counts for nothing; null when it counts, or is not anchored yet. */
  keysRefusal(leafIndex: number): string | null;
  /**
   * Resolves when entries below `size` are shown; `size` must be published or about to be. Rejects with what a fold threw: it is tried
   * again by itself, so the caller may ask again.
   */
  whenFolded(size: number): Promise<void>;
  /** Called after each batch. */
  onFolded(listener: (size: number) => void): void;
  close(): Promise<void>;
}

export interface ProjectorOptions {
  readonly db: ReadDb;
  readonly root: Log;
  readonly keys: Log;
  readonly projections: readonly Projection[];
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

interface AnchoredKeys {
  readonly state: KeysState;
  readonly refusals: ReadonlyMap<number, string>;
}

/** Catches up with what is published, then follows. */
export async function startProjector({
  db,
  root,
  keys,
  projections,
  logger,
}: ProjectorOptions): Promise<Projector> {
  const rootHashAt = async (at: number): Promise<string> => encodeHex(await root.rootAt(at));
  await prepareReadModels(db, {
    origin: root.origin,
    rootAt: async (at) => (at <= root.published.size ? rootHashAt(at) : null),
  });
  const progress = await db.selectFrom('progress').selectAll().executeTakeFirstOrThrow();
  let size = progress.root_size;
  let anchored: AnchoredKeys = { state: emptyKeysState(keys.origin), refusals: new Map() };
  anchored = await foldKeysUpTo(progress.keys_size);

  const waiting: {
    readonly size: number;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  const listeners: ((size: number) => void)[] = [];
  let closed = false;
  let retryMs = RETRY_FIRST_MS;
  let retry: NodeJS.Timeout | undefined;

  async function foldKeysUpTo(end: number): Promise<AnchoredKeys> {
    let { state } = anchored;
    const refusals = new Map(anchored.refusals);
    for await (const { leaf } of keys.readEntries(state.size, end)) {
      const next = advanceKeys(state, leaf, verifyWithNode);
      state = next.state;
      if (!next.entry.counts) refusals.set(next.entry.index, next.entry.reason);
    }
    return { state, refusals };
  }

  /** The keys log with what this head adds to it, when the head tells the truth about the keys log here. */
  async function anchoredBy(told: StatementLeaf): Promise<AnchoredKeys> {
    if (told.statement.predicateType !== HEAD_TYPE) return anchored;
    const { head } = told.statement.predicate;
    if (
      head.origin !== keys.origin ||
      head.treeSize <= anchored.state.size ||
      head.treeSize > keys.published.size
    )
      return anchored;
    return encodeHex(await keys.rootAt(head.treeSize)) === head.root ? foldKeysUpTo(head.treeSize) : anchored;
  }

  async function fold(tx: ReadTx, { leafIndex, leaf }: Entry): Promise<void> {
    let parsed: StatementLeaf;
    try {
      parsed = parseStatementLeaf(leaf);
    } catch (error) {
      if (error instanceof StatementError) return;
      throw error;
    }
    // The key that signs the first head is in the entries that this head anchors, so they are read before it is judged.
    const next = await anchoredBy(parsed);
    const verdict = admit(next.state, { origin: root.origin, leafIndex, leaf }, verifyWithNode);
    let refusal = verdict.admitted ? null : verdict.reason;
    if (verdict.admitted) {
      anchored = next;
      const told = {
        leafIndex,
        registeredAt: verdict.registeredAtMs,
        digest: verdict.payloadDigest,
        signers: verdict.signers,
        statement: verdict.statement,
      };
      for (const projection of projections) refusal ??= await projection.fold(tx, told);
    }
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
  }

  async function foldBatch(end: number): Promise<void> {
    const before = anchored;
    try {
      await db.transaction().execute(async (tx) => {
        let start = size;
        for (;;) {
          const voided = voidedFrom(anchored.state);
          for await (const entry of root.readEntries(start, end)) await fold(tx, entry);
          // A key revoked as compromised voids what it signed before: then everything is judged again, knowing that.
          if (voidedFrom(anchored.state) === voided) break;
          await clearReadModels(tx);
          start = 0;
        }
        await tx
          .updateTable('progress')
          .set({ root_size: end, root_hash: await rootHashAt(end), keys_size: anchored.state.size })
          .execute();
      });
    } catch (error) {
      anchored = before;
      throw error;
    }
    size = end;
    for (const waiter of waiting.splice(0)) {
      if (waiter.size <= size) waiter.resolve();
      else waiting.push(waiter);
    }
    for (const listener of listeners) listener(size);
  }

  let running: Promise<void> | undefined;
  async function catchUp(): Promise<void> {
    while (!closed && size < root.published.size)
      await foldBatch(Math.min(size + BATCH_ENTRIES, root.published.size));
  }
  function follow(): void {
    running ??= catchUp()
      .then(() => {
        retryMs = RETRY_FIRST_MS;
      })
      .catch((error: unknown) => {
        logger.error({ err: error, size }, 'the pages do not follow the log; it is tried again');
        for (const waiter of waiting.splice(0)) waiter.reject(error);
        clearTimeout(retry);
        if (!closed) retry = setTimeout(follow, retryMs);
        retryMs = Math.min(2 * retryMs, RETRY_MOST_MS);
      })
      .finally(() => {
        running = undefined;
      });
  }
  // A first fold that fails, of a full disk say, keeps nobody from reading what is shown already.
  follow();
  await running;
  const unsubscribe = root.onPublished(follow);
  follow();

  return {
    get size() {
      return size;
    },
    get keys() {
      return anchored.state;
    },
    keysRefusal: (leafIndex) => anchored.refusals.get(leafIndex) ?? null,
    whenFolded: (wanted) =>
      wanted <= size
        ? Promise.resolve()
        : new Promise((resolve, reject) => {
            waiting.push({ size: wanted, resolve, reject });
            follow();
          }),
    onFolded: (listener) => listeners.push(listener),
    async close() {
      closed = true;
      clearTimeout(retry);
      unsubscribe();
      await running;
      for (const waiter of waiting.splice(0)) waiter.reject(new Error('the server is closing'));
    },
  };
}
