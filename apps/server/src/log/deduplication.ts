/**
 * Strict idempotence: which entries of a batch the log has already. The identity index names candidates; each is
 * confirmed against the entry itself, so a collision in the index costs a read, and never a wrong answer.
 */
import { HASH_BYTES, TILE_WIDTH } from '@vitrine/tlog';
import { writeLeafHash } from './hashing.ts';
import type { Appended, EntryKind } from './log.ts';
import type { LogReader } from './log-reader.ts';
import type { IdentityIndex } from './log-store.ts';

/** Bytes of an identity. */
export const IDENTITY_BYTES = 32;

/** Writes the identity of an entry (without registeredAt) to 32 bytes of `into`. */
export function writeIdentity(kind: EntryKind, entry: Uint8Array, into: Buffer, offset: number): void {
  if (kind.kind === 'open') {
    writeLeafHash(entry, into, offset);
    return;
  }
  const identity = kind.identityOf(entry);
  if (identity.length !== IDENTITY_BYTES) throw new TypeError('an identity has 32 bytes');
  into.set(identity, offset);
}

/** `identities`: 32 bytes an entry. */
type Identified = { readonly identities: Buffer };

/** By position in a group: the entries that the log has, and where. */
export type Known = ReadonlyMap<number, Appended>;

type Lookup = {
  readonly group: number;
  readonly position: number;
  readonly identity: Buffer;
  readonly candidates: readonly number[] | Promise<readonly number[]>;
};

export class Deduplication {
  readonly #kind: EntryKind;
  readonly #index: IdentityIndex;
  readonly #reader: LogReader;

  constructor(kind: EntryKind, index: IdentityIndex, reader: LogReader) {
    this.#kind = kind;
    this.#index = index;
    this.#reader = reader;
  }

  /**
   * For each group, those of its entries that stand in the log below `size`, by position; null if none of any
   * group does (the usual case, answered without waiting).
   */
  findKnown(groups: readonly Identified[], size: number): Promise<Known[]> | null {
    let lookups: Lookup[] | null = null;
    for (const [group, { identities }] of groups.entries()) {
      for (let offset = 0; offset < identities.length; offset += IDENTITY_BYTES) {
        const candidates = this.#index.candidates(identities, offset);
        if (candidates instanceof Promise || candidates.length > 0) {
          const identity = identities.subarray(offset, offset + IDENTITY_BYTES);
          (lookups ??= []).push({ group, position: offset / IDENTITY_BYTES, identity, candidates });
        }
      }
    }
    return lookups === null ? null : this.#confirmAll(groups.length, size, lookups);
  }

  async #confirmAll(groups: number, size: number, lookups: readonly Lookup[]): Promise<Known[]> {
    const known = Array.from({ length: groups }, () => new Map<number, Appended>());
    const tiles = new Map<number, Promise<Uint8Array>>();
    await Promise.all(
      lookups.map(async ({ group, position, identity, candidates }) => {
        for (const leafIndex of await candidates) {
          if (leafIndex >= size) continue;
          const found = await this.#confirm(identity, leafIndex, tiles);
          if (found === null) continue;
          known[group]?.set(position, found);
          break;
        }
      }),
    );
    return known;
  }

  async #confirm(
    identity: Buffer,
    leafIndex: number,
    tiles: Map<number, Promise<Uint8Array>>,
  ): Promise<Appended | null> {
    if (this.#kind.kind === 'open') {
      const index = Math.floor(leafIndex / TILE_WIDTH);
      const at = (leafIndex % TILE_WIDTH) * HASH_BYTES;
      const hashes = await (tiles.get(index) ?? this.#readLeafHashes(index, tiles));
      const leafHash = hashes.subarray(at, at + HASH_BYTES);
      return identity.equals(leafHash)
        ? { leafIndex, registeredAt: null, leafHash: Buffer.from(leafHash), duplicate: true }
        : null;
    }
    const entry = await this.#reader.readEntry(leafIndex);
    if (!identity.equals(this.#kind.identityOf(entry.bytes))) return null;
    const leafHash = Buffer.alloc(HASH_BYTES);
    writeLeafHash(entry.leaf, leafHash, 0);
    return { leafIndex, registeredAt: entry.registeredAt, leafHash, duplicate: true };
  }

  #readLeafHashes(index: number, tiles: Map<number, Promise<Uint8Array>>): Promise<Uint8Array> {
    const read = this.#reader.leafHashes(index);
    tiles.set(index, read);
    return read;
  }
}

/**
 * Whether the index is of this log, told by the last entry it has. It is not after a restore that brought back the
 * log and left the index, or the other way round.
 */
export async function isIndexOf(
  kind: EntryKind,
  index: IdentityIndex,
  reader: LogReader,
  size: number,
): Promise<boolean> {
  if (index.size === 0) return true;
  if (index.size > size) return false;
  const last = index.size - 1;
  const identity = Buffer.alloc(IDENTITY_BYTES);
  writeIdentity(kind, (await reader.readEntry(last)).bytes, identity, 0);
  return (await index.candidates(identity, 0)).includes(last);
}

/** Adds to the index what the log has and it has not: after a crash, or when it was deleted. */
export async function catchUp(
  kind: EntryKind,
  index: IdentityIndex,
  reader: LogReader,
  size: number,
): Promise<void> {
  if (kind.kind === 'open') {
    while (index.size < size) {
      const hashes = await reader.leafHashes(Math.floor(index.size / TILE_WIDTH));
      const end = Math.min(size, (Math.floor(index.size / TILE_WIDTH) + 1) * TILE_WIDTH);
      while (index.size < end) index.add(hashes, (index.size % TILE_WIDTH) * HASH_BYTES);
      index.settle();
    }
    return;
  }
  for await (const entry of reader.readEntries(index.size, size)) {
    index.add(kind.identityOf(entry.bytes), 0);
    if (index.size % TILE_WIDTH === 0) index.settle();
  }
  index.settle();
}
