/** The keys of the logs that a cosigner knows, verified by node:crypto. */
import { type NoteVerifier, TlogError } from '@vitrine/tlog';
import type { VerifiersOf } from './add-checkpoint.ts';
import { parseNativeVkey } from './native-policy.ts';

/**
 * Reads the verifier keys of logs: Ed25519 (0x01) or ML-DSA-44 (0x06). A log's origin is the name of its key; several
 * keys of one name are of one log, and any of them may sign for it.
 *
 * @throws TlogError `malformed-vkey`; `unsupported-key-type` also for the key of an Ed25519 cosigner (0x04);
 * `ambiguous-key` if two keys share name and ID
 */
export function logVerifiers(vkeys: readonly string[]): VerifiersOf {
  const byOrigin = new Map<string, NoteVerifier[]>();
  for (const vkey of new Set(vkeys)) {
    const verifier = logVerifier(vkey);
    const others = byOrigin.get(verifier.name) ?? [];
    if (others.some(({ keyId }) => keyId === verifier.keyId)) {
      throw new TlogError(
        'ambiguous-key',
        `two keys of the log ${verifier.name} have one ID: the log has to replace one`,
      );
    }
    byOrigin.set(verifier.name, [...others, verifier]);
  }
  return (origin) => byOrigin.get(origin) ?? [];
}

function logVerifier(vkey: string): NoteVerifier {
  const verifier = parseNativeVkey(vkey);
  if (verifier.type !== 0x04) return verifier;
  throw new TlogError(
    'unsupported-key-type',
    `${vkey} is the key of a cosigner (0x04): a log signs with Ed25519 (0x01) or ML-DSA-44 (0x06)`,
  );
}
