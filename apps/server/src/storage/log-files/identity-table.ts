/**
 * Recent identities in memory: an open-addressing hash table of 64 keyed bits to leaf index, 12 bytes a slot. It
 * holds the entries from `start` on, without a gap. Which slot a key takes is decided by bits that an attacker
 * cannot foresee (see identity-key.ts).
 */
const FIRST_SLOTS = 1_024;
const NONE: readonly number[] = [];

export class IdentityTable {
  readonly start: number;
  #high = new Uint32Array(FIRST_SLOTS);
  #low = new Uint32Array(FIRST_SLOTS);
  /** Leaf index less `start`, plus one; 0: the slot is free. */
  #place = new Uint32Array(FIRST_SLOTS);
  #count = 0;

  constructor(start: number) {
    this.start = start;
  }

  get count(): number {
    return this.#count;
  }

  /** Leaf indices at or after `from` whose key is this. */
  find(high: number, low: number, from: number): readonly number[] {
    const mask = this.#place.length - 1;
    let found: number[] | null = null;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const place = this.#place[slot] ?? 0;
      if (place === 0) return found ?? NONE;
      if (this.#low[slot] !== low || this.#high[slot] !== high) continue;
      const leafIndex = this.start + place - 1;
      if (leafIndex >= from) (found ??= []).push(leafIndex);
    }
  }

  /** Adds the key of entry `start + count`. */
  add(high: number, low: number): void {
    if (2 * (this.#count + 1) > this.#place.length) this.#resize(2 * this.#place.length, this.#count);
    this.#insert(high, low, ++this.#count);
  }

  /** Forgets all but the first `count` entries. */
  truncate(count: number): void {
    if (count >= this.#count) return;
    this.#resize(this.#place.length, count);
    this.#count = count;
  }

  /** The keys in entry order: `high` and `low` words. */
  keys(): { readonly high: Uint32Array<ArrayBuffer>; readonly low: Uint32Array<ArrayBuffer> } {
    const high = new Uint32Array(this.#count);
    const low = new Uint32Array(this.#count);
    for (let slot = 0; slot < this.#place.length; slot++) {
      const place = this.#place[slot] ?? 0;
      if (place === 0) continue;
      high[place - 1] = this.#high[slot] ?? 0;
      low[place - 1] = this.#low[slot] ?? 0;
    }
    return { high, low };
  }

  #insert(high: number, low: number, place: number): void {
    const mask = this.#place.length - 1;
    let slot = low & mask;
    while (this.#place[slot] !== 0) slot = (slot + 1) & mask;
    this.#high[slot] = high;
    this.#low[slot] = low;
    this.#place[slot] = place;
  }

  #resize(slots: number, keep: number): void {
    const [high, low, place] = [this.#high, this.#low, this.#place];
    this.#high = new Uint32Array(slots);
    this.#low = new Uint32Array(slots);
    this.#place = new Uint32Array(slots);
    for (let slot = 0; slot < place.length; slot++) {
      const at = place[slot] ?? 0;
      if (at !== 0 && at <= keep) this.#insert(high[slot] ?? 0, low[slot] ?? 0, at);
    }
  }
}
