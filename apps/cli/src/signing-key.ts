/** The key that signs: Ed25519 in a PKCS#8 PEM file (RFC 8410, section 7). */
import { createPrivateKey, createPublicKey, hash, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { parseSpki } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { couldNotRun, reasonOf } from './failure.ts';
import { readBounded } from './local-file.ts';

const KEY_FILE_MAX_BYTES = 64 * 1024;

/** A signer, and what its file is known by where it must not occur. */
export interface SigningKey extends Signer {
  /** Hex SHA-256 of the file. */
  readonly fileDigest: string;
}

/**
 * Reads a key file.
 * @param warn told when others on this machine can read the file
 * @throws Failure that says what the file is instead
 */
export async function readSigningKey(file: string, warn: (text: string) => void): Promise<SigningKey> {
  const bytes = await readBounded(file, KEY_FILE_MAX_BYTES);
  if (bytes.length > KEY_FILE_MAX_BYTES) throw couldNotRun(`${file} is too large to be a key`);
  if (((await stat(file)).mode & 0o044) !== 0)
    warn(`warning: the key ${file} can be read by others on this machine; chmod 600 ${file}`);
  const key = parsePem(file, Buffer.from(bytes).toString('latin1'));
  const spki = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  return {
    ...parseSpki(spki),
    fileDigest: hash('sha256', bytes, 'hex'),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

function parsePem(file: string, pem: string): KeyObject {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1];
  if (label === undefined)
    throw couldNotRun(
      `${file} is not PEM; an Ed25519 private key in PKCS#8 ("BEGIN PRIVATE KEY") is expected`,
    );
  if (label === 'ENCRYPTED PRIVATE KEY')
    throw couldNotRun(`${file} is encrypted; decrypt it first: openssl pkey -in ${file} -out key.pem`);
  if (label !== 'PRIVATE KEY')
    throw couldNotRun(
      `${file} holds a "${label}"; an Ed25519 private key in PKCS#8 ("BEGIN PRIVATE KEY") is expected`,
    );
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem' });
  } catch (cause) {
    throw couldNotRun(`${file} is not a readable PKCS#8 key: ${reasonOf(cause)}`, cause);
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw couldNotRun(
      `${file} is a key of type ${key.asymmetricKeyType ?? 'unknown'}; Vitrine signs with Ed25519`,
    );
  return key;
}
