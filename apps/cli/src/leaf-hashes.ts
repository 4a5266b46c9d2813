/** The hash tree of a log that was read: its root at any size. 64 bytes an entry, for logs of statements. */
import { hashLeaf, hashNode, treeRoot } from '@vitrine/tlog';

const HASH_BYTES = 32;
const FIRST_HASHES = 1024;

/** The hashes of one level, one after another. */
class Level {
  #bytes = new Uint8Array(FIRST_HASHES * HASH_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  at(index: number): Uint8Array {
    return this.#bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  push(hash: Uint8Array): void {
    if ((this.#length + 1) * HASH_BYTES > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(hash, this.#length * HASH_BYTES);
    this.#length += 1;
  }
}

export class LeafHashes {
  readonly #levels: Level[] = [];

  append(leaf: Uint8Array): void {
    let hash = hashLeaf(leaf);
    for (let depth = 0; ; depth += 1) {
      const level = (this.#levels[depth] ??= new Level());
      level.push(hash);
      if (level.length % 2 === 1) return;
      hash = hashNode(level.at(level.length - 2), level.at(level.length - 1));
    }
  }

  /** The root of the first `size` leaves. @throws RangeError when there are not so many */
  rootAt(size: number): Promise<Uint8Array> {
    if (size > (this.#levels[0]?.length ?? 0)) throw new RangeError(`there are not ${size} leaves`);
    return treeRoot(size, (addresses) =>
      Promise.resolve(
        addresses.map(({ index, level }) => this.#levels[level]?.at(index) ?? new Uint8Array(HASH_BYTES)),
      ),
    );
  }
}
