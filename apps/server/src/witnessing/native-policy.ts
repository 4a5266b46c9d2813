/** A verification policy whose keys node:crypto verifies: what a server judges all day by. */
import { createPublicKey, verify } from 'node:crypto';
import { type NoteVerifier, parsePolicy, type Policy } from '@vitrine/tlog';
import { mlDsa44Verifier, parseVkey } from '@vitrine/tlog/ml-dsa';
import { nativeVerifier } from '../log/checkpoint-signing.ts';

/**
 * Parses a C2SP tlog-policy; its keys may be Ed25519 (0x01, 0x04) or ML-DSA-44 (0x06).
 * @throws TlogError `malformed-policy`
 */
export function parseNativePolicy(text: string): Policy {
  return parsePolicy(text, parseNativeVkey);
}

/** @throws TlogError `malformed-vkey`, `unsupported-key-type` */
export function parseNativeVkey(vkey: string): NoteVerifier {
  const verifier = parseVkey(vkey);
  return verifier.type === 0x06 ? nativeMlDsa44Verifier(verifier) : nativeVerifier(verifier);
}

function nativeMlDsa44Verifier({ name, publicKey }: NoteVerifier): NoteVerifier {
  const key = createPublicKey({
    key: { kty: 'AKP', alg: 'ML-DSA-44', pub: Buffer.from(publicKey).toString('base64url') },
    format: 'jwk',
  });
  return mlDsa44Verifier(name, publicKey, (_publicKey, message, signature) =>
    verify(null, message, key, signature),
  );
}
