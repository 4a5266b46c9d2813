/** For tests and benchmarks: a log in memory, with a real tree and a real key, that may also misbehave. */
import { generateKeyPairSync } from 'node:crypto';
import {
  consistencyProof,
  ed25519NoteSigner,
  formatAddCheckpoint,
  formatCheckpoint,
  formatVkey,
  hashLeaf,
  type NoteSigner,
  type ReadNodes,
  rootOfLeaves,
  signNote,
} from '@vitrine/tlog';
import { type Ed25519Key, ed25519Key } from '../log/ed25519-key.ts';

export class TestLog {
  readonly origin: string;
  readonly key: Ed25519Key;
  readonly #leafHashes: Uint8Array[] = [];

  constructor(origin: string, key: Ed25519Key = ed25519Key(generateKeyPairSync('ed25519').privateKey)) {
    this.origin = origin;
    this.key = key;
  }

  get vkey(): string {
    return formatVkey({ name: this.origin, type: 0x01, publicKey: this.key.publicKey });
  }

  get size(): number {
    return this.#leafHashes.length;
  }

  /** Appends `count` leaves, which `branch` tells from those of another history. */
  grow(count: number, branch = ''): this {
    for (let i = 0; i < count; i++) {
      this.#leafHashes.push(hashLeaf(Buffer.from(`${branch}${this.size}`)));
    }
    return this;
  }

  /** Another history of the same log, the same up to `size`. */
  fork(size: number): TestLog {
    const other = new TestLog(this.origin, this.key);
    other.#leafHashes.push(...this.#leafHashes.slice(0, size));
    return other;
  }

  root(size = this.size): Uint8Array {
    return rootOfLeaves(this.#leafHashes.slice(0, size));
  }

  /** The text of the checkpoint of a size. */
  text(size = this.size, extensions: readonly string[] = []): string {
    return formatCheckpoint({ origin: this.origin, treeSize: size, root: this.root(size), extensions });
  }

  note(size = this.size): string {
    return signNote(this.text(size), [this.signer()]);
  }

  signer(): NoteSigner {
    return ed25519NoteSigner({ name: this.origin, ...this.key });
  }

  proof(oldSize: number, newSize = this.size): Promise<Uint8Array[]> {
    return consistencyProof(oldSize, newSize, this.#readNodes);
  }

  /** The body of an honest add-checkpoint. */
  async request(oldSize: number, newSize = this.size): Promise<Uint8Array> {
    const proof = await this.proof(oldSize, newSize);
    return Buffer.from(formatAddCheckpoint({ oldSize, proof, checkpointNote: this.note(newSize) }));
  }

  readonly #readNodes: ReadNodes = (addresses) =>
    Promise.resolve(
      addresses.map(({ level, index }) =>
        rootOfLeaves(this.#leafHashes.slice(index * 2 ** level, (index + 1) * 2 ** level)),
      ),
    );
}
