// Keys for tests and vectors: the seed of each is SHA-256("vitrine test vector " followed by its name).

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { publicKeyFromRaw, type Signer } from '../src/index.ts';

export interface TestSigner extends Signer {
  /** 32 bytes. */
  readonly rawPublicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export function testSigner(name: string): TestSigner {
  const seed = sha256(utf8ToBytes(`vitrine test vector ${name}`));
  const rawPublicKey = ed25519.getPublicKey(seed);
  return {
    ...publicKeyFromRaw(rawPublicKey),
    rawPublicKey,
    sign: (message) => ed25519.sign(message, seed),
  };
}
