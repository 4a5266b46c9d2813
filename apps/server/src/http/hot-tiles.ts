/**
 * Tiles and entry bundles that were read lately, in memory: most readers of a log ask for the same few, and what stands under
 * the path of a tile never changes. Keyed by log and path; what is not there is not remembered.
 */

const MOST_BYTES = 64 * 1024 * 1024;
/** A bundle of the longest entries has 16 MiB: a few of those would drive out all the others. */
const LARGEST_BYTES = 1024 * 1024;
/** What an entry of the table takes beside its tile, about: of the narrowest tiles there could be millions. */
const ENTRY_BYTES = 512;

export class HotTiles {
  readonly #tiles = new Map<string, Buffer>();
  #bytes = 0;

  /** undefined if it was not read lately. */
  get(log: string, path: string): Buffer | undefined {
    const key = `${log} ${path}`;
    const tile = this.#tiles.get(key);
    if (tile === undefined) return undefined;
    // Last in order: the first are the first to go.
    this.#tiles.delete(key);
    this.#tiles.set(key, tile);
    return tile;
  }

  /** Keeps a copy: `tile` may be a view of something larger. */
  keep(log: string, path: string, tile: Uint8Array): void {
    if (tile.length > LARGEST_BYTES) return;
    const key = `${log} ${path}`;
    this.#drop(key);
    this.#tiles.set(key, Buffer.from(tile));
    this.#bytes += tile.length + ENTRY_BYTES;
    for (const oldest of this.#tiles.keys()) {
      if (this.#bytes <= MOST_BYTES) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const tile = this.#tiles.get(key);
    if (tile === undefined) return;
    this.#tiles.delete(key);
    this.#bytes -= tile.length + ENTRY_BYTES;
  }
}
