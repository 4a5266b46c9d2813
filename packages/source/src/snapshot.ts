/** The salted Merkle commitment to a source tree. docs/formats/source-snapshot.md; tree shape: RFC 6962, section 2.1. */
import { createHmac, createSecretKey, hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Manifest, SnapshotEntry } from './manifest.ts';

/** What shows one file of a snapshot and nothing about its siblings. Hashes are 32 bytes each, lowest first. */
export interface SnapshotProof {
  readonly entry: SnapshotEntry;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  readonly index: number;
  readonly treeSize: number;
  readonly hashes: readonly Uint8Array[];
}

/** The salt of one file: HMAC-SHA-256(secret, path), 32 bytes. @param secret 32 bytes */
export function snapshotSalt(secret: Uint8Array, path: string): Uint8Array {
  return saltUnder(saltKey(secret), path);
}

/** One key object for many salts: it more than halves the cost of each. */
function saltKey(secret: Uint8Array): KeyObject {
  if (secret.length !== 32) throw new RangeError('a snapshot secret has 32 bytes');
  return createSecretKey(secret);
}

function saltUnder(key: KeyObject, path: string): Uint8Array {
  return createHmac('sha256', key).update(path, 'utf8').digest();
}

/** The leaf hash of one entry, 32 bytes. @param salt 32 bytes */
export function snapshotLeaf(entry: SnapshotEntry, salt: Uint8Array): Uint8Array {
  if (salt.length !== 32) throw new RangeError('a salt has 32 bytes');
  const pathBytes = Buffer.byteLength(entry.path);
  const bytes = Buffer.alloc(1 + 32 + 4 + pathBytes + 4 + 8 + 32);
  bytes.set(salt, 1);
  bytes.writeUInt32BE(pathBytes, 33);
  bytes.write(entry.path, 37, 'utf8');
  bytes.writeUInt32BE(Number.parseInt(entry.mode, 8), 37 + pathBytes);
  bytes.writeBigUInt64BE(BigInt(entry.sizeBytes), 41 + pathBytes);
  bytes.write(entry.digest, 49 + pathBytes, 'hex');
  return hash('sha256', bytes, 'buffer');
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(65, 1);
  bytes.set(left, 1);
  bytes.set(right, 33);
  return hash('sha256', bytes, 'buffer');
}

/** The root of RFC 6962 over leaf hashes that arrive one by one; memory is logarithmic in their number. */
class RootBuilder {
  readonly #stack: { hash: Uint8Array; leaves: number }[] = [];

  add(leaf: Uint8Array): void {
    let node = { hash: leaf, leaves: 1 };
    for (let left = this.#stack.at(-1); left?.leaves === node.leaves; left = this.#stack.at(-1)) {
      this.#stack.pop();
      node = { hash: nodeHash(left.hash, node.hash), leaves: 2 * node.leaves };
    }
    this.#stack.push(node);
  }

  root(): Uint8Array {
    const [last, ...rest] = this.#stack.map((node) => node.hash).reverse();
    if (last === undefined) return hash('sha256', '', 'buffer');
    return rest.reduce((right, left) => nodeHash(left, right), last);
  }
}

/** The root of a snapshot, 32 bytes. The order of the entries is the manifest's. */
export function snapshotRootOf(manifest: Manifest): Uint8Array {
  const builder = new RootBuilder();
  const key = saltKey(manifest.secret);
  for (const entry of manifest.entries) builder.add(snapshotLeaf(entry, saltUnder(key, entry.path)));
  return builder.root();
}

/** Shows the entry at `index`. @throws RangeError when there is none */
export function snapshotProofOf(manifest: Manifest, index: number): SnapshotProof {
  const entry = manifest.entries[index];
  if (entry === undefined) throw new RangeError(`the snapshot has no entry ${index}`);
  const hashes: Uint8Array[] = [];
  let start = 0;
  let end = manifest.entries.length;
  while (end - start > 1) {
    const split = start + largestPowerBelow(end - start);
    const [from, to] = index < split ? [split, end] : [start, split];
    hashes.unshift(snapshotRootOf({ secret: manifest.secret, entries: manifest.entries.slice(from, to) }));
    [start, end] = index < split ? [start, split] : [split, end];
  }
  return {
    entry,
    salt: snapshotSalt(manifest.secret, entry.path),
    index,
    treeSize: manifest.entries.length,
    hashes,
  };
}

/** Whether `proof` shows its entry in the snapshot with this root (32 bytes). RFC 9162, section 2.1.3.2. */
export function verifySnapshotProof(proof: SnapshotProof, root: Uint8Array): boolean {
  if (!Number.isSafeInteger(proof.index) || proof.index < 0 || proof.index >= proof.treeSize) return false;
  let node = proof.index;
  let last = proof.treeSize - 1;
  let computed = snapshotLeaf(proof.entry, proof.salt);
  for (const sibling of proof.hashes) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      computed = nodeHash(sibling, computed);
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2);
        last = Math.floor(last / 2);
      }
    } else computed = nodeHash(computed, sibling);
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && Buffer.compare(computed, root) === 0;
}

function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
