/** A signer of statements whose private key is in this process. */
import { sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { parseSpki } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { spkiOf } from '../instance/key-files.ts';

/** @param key an Ed25519 private key */
export function signerOf(key: KeyObject): Signer {
  return { ...parseSpki(spkiOf(key)), sign: (message) => sign(null, message, key) };
}
