/** Ed25519 keys of logs and cosigners, held by node:crypto (tens of thousands of signatures a second). */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';

/** An Ed25519 key that signs. `publicKey`: 32 bytes, raw (RFC 8032). `sign` returns 64 bytes. */
export type Ed25519Key = {
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
};

/**
 * The key held in this process as a node:crypto private key.
 * @throws TypeError if it is not an Ed25519 private key
 */
export function ed25519Key(privateKey: KeyObject): Ed25519Key {
  if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ed25519') {
    throw new TypeError('the key of a log or cosigner must be an Ed25519 private key');
  }
  // The SPKI of Ed25519 is a fixed 12-byte prefix and the raw key (RFC 8410, section 4).
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(spki.length - 32)),
    sign: (message) => sign(null, message, privateKey),
  };
}
