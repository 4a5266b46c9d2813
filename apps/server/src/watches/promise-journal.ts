/**
 * What happened to promises, numbered in the order in which this centre found it. A date that passes has no entry of its own, and evidence
 * from an intake log may be older than what was told already: so what is new is what was not there before.
 */
import { setImmediate } from 'node:timers/promises';
import type { CommitmentFacts } from '@vitrine/commitments';
import * as v from 'valibot';
import { promiseChanges } from '../feeds/queries.ts';
import type { LocalDb } from '../local-state/schema.ts';
import { type Teller, type ToldChange, toldChange } from './notification.ts';

/** Ten thousand promises take a while: they are gone through at most this often. */
const AT_MOST_EVERY_MS = 10_000;
const StoredChangeSchema = v.looseObject({ at: v.number() });
type StoredChange = v.InferOutput<typeof StoredChangeSchema>;

/** Added in one transaction. */
const PART = 500;

export interface PromiseJournalOptions {
  readonly local: LocalDb;
  readonly teller: Teller;
  /** What the read models know of every commitment, some at a time. */
  readonly commitments: () => AsyncIterable<readonly CommitmentFacts[]>;
  /** Of the view that is shown. */
  readonly asOfMs: () => Promise<number>;
  /** Never goes back, milliseconds. */
  readonly monotonicMs: () => number;
}

export class PromiseJournal {
  readonly #options: PromiseJournalOptions;
  readonly #known: Set<string>;
  #next: number;
  #asOfMs = -1;
  #updatedAtMs = -Infinity;
  #updating: Promise<void> | undefined;

  private constructor(options: PromiseJournalOptions, known: Set<string>, next: number) {
    this.#options = options;
    this.#known = known;
    this.#next = next;
  }

  static async open(options: PromiseJournalOptions): Promise<PromiseJournal> {
    const rows = await options.local.selectFrom('promise_changes').select(['number', 'name']).execute();
    const last = Math.max(-1, ...rows.map(({ number }) => number));
    return new PromiseJournal(options, new Set(rows.map(({ name }) => name)), last + 1);
  }

  /** The number that comes next. */
  get next(): number {
    return this.#next;
  }

  /** Notes what has happened since, unless that was done just now; `now`: even then. */
  async update({ now = false }: { readonly now?: boolean } = {}): Promise<void> {
    if (now) await this.#updating;
    else if (this.#options.monotonicMs() - this.#updatedAtMs < AT_MOST_EVERY_MS) return this.#updating;
    this.#updating ??= this.#note().finally(() => (this.#updating = undefined));
    return this.#updating;
  }

  /** Changes from a number on, in order. `until`: below it none is left out. */
  async from(
    from: number,
    limit: number,
  ): Promise<{ readonly changes: readonly StoredChange[]; readonly until: number }> {
    const rows = await this.#options.local
      .selectFrom('promise_changes')
      .select(['number', 'change'])
      .where('number', '>=', from)
      .orderBy('number')
      .limit(limit)
      .execute();
    const last = rows.at(-1);
    return {
      changes: rows.map(({ change }) => v.parse(StoredChangeSchema, JSON.parse(change))),
      until: last === undefined ? from : last.number + 1,
    };
  }

  async #note(): Promise<void> {
    const { asOfMs: asOf, commitments, local, monotonicMs, teller } = this.#options;
    this.#updatedAtMs = monotonicMs();
    const asOfMs = await asOf();
    // Whatever is published moves it.
    if (asOfMs === this.#asOfMs) return;
    const found: { readonly name: string; readonly told: ToldChange }[] = [];
    for await (const part of commitments()) {
      for (const change of promiseChanges(part, asOfMs, Infinity)) {
        const told = toldChange(teller, change);
        const name = `${told.name} ${told.at}`;
        if (!this.#known.has(name)) found.push({ name, told });
      }
      await setImmediate();
    }
    found.sort((left, right) => left.told.at - right.told.at || left.told.leafIndex - right.told.leafIndex);
    while (found.length > 0) {
      const part = found.splice(0, PART);
      const rows = part.map(({ name, told }, at) => ({
        number: this.#next + at,
        name,
        change: JSON.stringify(told),
      }));
      await local.insertInto('promise_changes').values(rows).execute();
      for (const { name } of part) this.#known.add(name);
      this.#next += part.length;
    }
    this.#asOfMs = asOfMs;
  }
}
