/**
 * Turns identities into the 64 bits the index keeps: a multilinear hash of the identity's eight words under
 * secret random coefficients, made once an index. Identities are SHA-256 values that a stranger may choose among
 * billions; keyed, he cannot prepare ones that share bits, and so not slow the index down for everyone.
 */
import { randomBytes } from 'node:crypto';

/** Bytes of the secret: two sets of eight coefficients. */
export const IDENTITY_SECRET_BYTES = 64;

export function newIdentitySecret(): Uint8Array {
  return randomBytes(IDENTITY_SECRET_BYTES);
}

export class IdentityKey {
  readonly #coefficients: Uint32Array;
  /** The key of the identity last given to `derive`: two unsigned words. */
  high = 0;
  low = 0;

  constructor(secret: Uint8Array) {
    const view = new DataView(secret.buffer, secret.byteOffset, IDENTITY_SECRET_BYTES);
    // Odd coefficients, so that no word's bits are lost.
    this.#coefficients = Uint32Array.from({ length: 16 }, (_, i) => view.getUint32(4 * i, true) | 1);
  }

  /** Derives `high` and `low` from the 32 bytes at `offset`. In place: no allocation for each entry. */
  derive(identities: Uint8Array, offset: number): void {
    let high = 0;
    let low = 0;
    for (let word = 0; word < 8; word++) {
      const at = offset + 4 * word;
      const value =
        (identities[at] ?? 0) |
        ((identities[at + 1] ?? 0) << 8) |
        ((identities[at + 2] ?? 0) << 16) |
        ((identities[at + 3] ?? 0) << 24);
      high = (high + Math.imul(value, this.#coefficients[word] ?? 1)) | 0;
      low = (low + Math.imul(value, this.#coefficients[8 + word] ?? 1)) | 0;
    }
    this.high = mix(high);
    this.low = mix(low);
  }
}

/** The finaliser of MurmurHash3: every bit of the sum reaches every bit of the result. */
function mix(sum: number): number {
  let h = sum ^ (sum >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
