/**
 * The watches of this centre: kept in memory, written through to local state. What comes together is written in one transaction, as each
 * costs the disk, and all who wait, a moment.
 */
import type { Transaction } from 'kysely';
import type { LocalDb, LocalState } from '../local-state/schema.ts';
import type { WatchTables } from './tables.ts';

export type WatchRow = Readonly<WatchTables['watches']>;
export type DeliveryRow = Readonly<WatchTables['watch_deliveries']>;
type LocalTx = Transaction<LocalState>;

/** Writes are gathered for so long. */
const GATHER_MS = 10;

interface Write {
  readonly into: (tx: LocalTx) => Promise<unknown>;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export class WatchRegister {
  readonly #db: LocalDb;
  readonly #watches = new Map<string, WatchRow>();
  /** By watch. */
  readonly #deliveries = new Map<string, DeliveryRow>();
  #writes: Write[] = [];
  #writing: Promise<void> | undefined;

  private constructor(db: LocalDb) {
    this.#db = db;
  }

  /** Reads what is kept; the tables of local state are there. */
  static async open(db: LocalDb): Promise<WatchRegister> {
    const register = new WatchRegister(db);
    for (const row of await db.selectFrom('watches').selectAll().execute())
      register.#watches.set(row.id, row);
    for (const row of await db.selectFrom('watch_deliveries').selectAll().execute())
      register.#deliveries.set(row.watch, row);
    return register;
  }

  get all(): readonly WatchRow[] {
    return [...this.#watches.values()];
  }

  get(id: string): WatchRow | undefined {
    return this.#watches.get(id);
  }

  deliveryOf(id: string): DeliveryRow | undefined {
    return this.#deliveries.get(id);
  }

  /** Since when the oldest delivery waits to be taken, milliseconds since 1970; undefined when none does. */
  get waitingSinceMs(): number | undefined {
    const times = [...this.#deliveries.values()]
      .filter(({ watch }) => this.#watches.get(watch)?.state === 'active')
      .map((delivery) => delivery.made_at);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Counted at once, so that two that come together cannot both be the last. Resolves when it is durable; gone again if that fails. */
  async add(watch: WatchRow): Promise<void> {
    this.#watches.set(watch.id, watch);
    try {
      await this.#write((tx) => tx.insertInto('watches').values(watch).execute());
    } catch (error) {
      this.#watches.delete(watch.id);
      throw error;
    }
  }

  /** Changes a watch, once that is durable; nothing if it has been removed meanwhile. */
  async change(id: string, change: Partial<Omit<WatchRow, 'id'>>): Promise<void> {
    await this.#write((tx) => tx.updateTable('watches').set(change).where('id', '=', id).execute());
    const watch = this.#watches.get(id);
    if (watch !== undefined) this.#watches.set(id, { ...watch, ...change });
  }

  /** The receiver wants nothing more; what was under way is dropped. */
  async end(id: string, atMs: number, expiresAtMs: number): Promise<void> {
    await this.#write((tx) => tx.deleteFrom('watch_deliveries').where('watch', '=', id).execute());
    this.#deliveries.delete(id);
    await this.change(id, {
      state: 'ended',
      expires_at: expiresAtMs,
      failed_at: atMs,
      failure: 'it answered 410',
    });
  }

  async remove(id: string): Promise<void> {
    this.#watches.delete(id);
    this.#deliveries.delete(id);
    await this.#write(async (tx) => {
      await tx.deleteFrom('watch_deliveries').where('watch', '=', id).execute();
      await tx.deleteFrom('watches').where('id', '=', id).execute();
    });
  }

  /** Nothing is sent before this has resolved: after a crash the same is sent again under the same ID. */
  async begin(delivery: DeliveryRow): Promise<void> {
    await this.#write((tx) => tx.insertInto('watch_deliveries').values(delivery).execute());
    if (this.#watches.has(delivery.watch)) this.#deliveries.set(delivery.watch, delivery);
    else await this.remove(delivery.watch);
  }

  /** The receiver has taken it: the watch goes on behind it. */
  async taken({ entries, id, next_position, watch }: DeliveryRow, atMs: number): Promise<void> {
    const change = {
      position: next_position,
      delivery: id,
      delivered_at: atMs,
      delivered_entries: entries,
      attempts: 0,
      failing_since: null,
      failed_at: null,
      failure: null,
      next_attempt_at: 0,
    };
    await this.#write(async (tx) => {
      await tx.updateTable('watches').set(change).where('id', '=', watch).execute();
      await tx.deleteFrom('watch_deliveries').where('watch', '=', watch).execute();
    });
    this.#deliveries.delete(watch);
    const known = this.#watches.get(watch);
    if (known !== undefined) this.#watches.set(watch, { ...known, ...change });
  }

  /** Resolves when what was begun is written, or has failed. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #write(into: Write['into']): Promise<void> {
    return new Promise((done, failed) => {
      this.#writes.push({ into, done, failed });
      this.#writing ??= this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#writes.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      const writes = this.#writes;
      this.#writes = [];
      try {
        await this.#db.transaction().execute(async (tx) => {
          for (const { into } of writes) await into(tx);
        });
        for (const { done } of writes) done();
      } catch (error) {
        for (const { failed } of writes) failed(error);
      }
    }
    this.#writing = undefined;
  }
}
