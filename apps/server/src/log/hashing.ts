/**
 * RFC 6962 hashes at the speed of the platform. `crypto.hash` is several times faster when it returns a string
 * than when it returns a Buffer, so digests pass through 'binary', which is latin1: one character a byte.
 */
import { hash } from 'node:crypto';
import { HASH_BYTES, type HashNode, MAX_ENTRY_BYTES } from '@vitrine/tlog';

const leafInput = Buffer.alloc(1 + MAX_ENTRY_BYTES);
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, 0x01);

/** Writes SHA-256(0x00 ‖ leaf) to 32 bytes of `into` at `offset`. `leaf`: at most 65,535 bytes. */
export function writeLeafHash(leaf: Uint8Array, into: Buffer, offset: number): void {
  leafInput.set(leaf, 1);
  into.write(hash('sha256', leafInput.subarray(0, 1 + leaf.length), 'binary'), offset, HASH_BYTES, 'latin1');
}

/** SHA-256(0x01 ‖ left ‖ right), 32 bytes. */
export const hashNode: HashNode = (left, right) => {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return Buffer.from(hash('sha256', nodeInput, 'binary'), 'latin1');
};
