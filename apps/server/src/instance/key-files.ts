/** The key files of an instance: PKCS#8 PEM in `keys/`, readable by its owner only. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { ConfigError } from '../config.ts';

/** Makes a new Ed25519 key file; refuses to overwrite one. @returns the private key */
export function createKeyFile(file: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600, flag: 'wx' });
  return privateKey;
}

/** @throws ConfigError when the file is missing or is not an Ed25519 private key; never with its content */
export function readKeyFile(file: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch {
    throw new ConfigError(`${file} is missing or is not a private key in PKCS#8 PEM`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new ConfigError(`${file} is not an Ed25519 key`);
  return key;
}

/** The SPKI of a private key's public half, DER. */
export function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }));
}
