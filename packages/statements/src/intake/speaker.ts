// Who speaks in an intake log: an Ed25519 key, or a passkey on a page. A statement carries the key whole, so whether it was
// said by that key is seen from the statement alone; what standing the key has is for the fold to say.

import { decodeBase64, encodeBase64 } from '@vitrine/tlog';
import * as v from 'valibot';
import { type Envelope, preAuthEncoding } from '../dsse.ts';
import { StatementError } from '../error.ts';
import { keyidOf, parsePublicKey, type PublicKey, type Verify, verifyEd25519 } from '../key.ts';
import { publicKeyText } from '../predicates/keys.ts';
import { base64 } from '../scalars.ts';
import {
  openPasskeySignature,
  type Passkey,
  parsePasskeySpki,
  type VerifyP256,
  verifyP256,
} from './passkeys.ts';

const passkeyText = v.strictObject({
  /** As the browser writes it: scheme, host and port. */
  origin: v.pipe(
    v.string(),
    v.maxLength(200),
    v.regex(/^https?:\/\/[a-z0-9.-]+(?::[1-9][0-9]{0,4})?$/, 'expected the origin of a page, https://HOST'),
  ),
  /** A registrable suffix of the origin's host, or the host itself. */
  rpId: v.pipe(
    v.string(),
    v.maxLength(200),
    v.regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, 'expected a domain in lower case'),
  ),
  spki: v.pipe(base64, v.check(isPasskeySpki, 'expected the SPKI of a P-256 key in base64')),
});

/** How a key is written in a statement of an intake log. */
export const speakerKey = v.union([
  publicKeyText,
  v.pipe(
    v.strictObject({ passkey: passkeyText }),
    v.check(({ passkey: { origin, rpId } }) => {
      const host = hostOf(origin);
      return host === rpId || host.endsWith(`.${rpId}`);
    }, 'the page is not one of the relying party'),
  ),
]);

export type SpeakerKey = v.InferOutput<typeof speakerKey>;

export type Speaker = ({ readonly kind: 'ed25519' } & PublicKey) | ({ readonly kind: 'passkey' } & Passkey);

/** How signatures are verified; a server passes node:crypto. */
export interface SpeakerVerify {
  readonly ed25519: Verify;
  readonly p256: VerifyP256;
}

export const speakerVerify: SpeakerVerify = { ed25519: verifyEd25519, p256: verifyP256 };

/** @throws StatementError `malformed-key` */
export function parseSpeaker(key: SpeakerKey): Speaker {
  if (typeof key === 'string') return { kind: 'ed25519', ...parsePublicKey(key) };
  const { origin, rpId, spki } = key.passkey;
  return { kind: 'passkey', origin, rpId, ...parsePasskeySpki(decodeBase64(spki)) };
}

/** The inverse of parseSpeaker. */
export function formatSpeaker(speaker: Speaker): SpeakerKey {
  const spki = encodeBase64(speaker.spki);
  if (speaker.kind === 'ed25519') return spki;
  return { passkey: { origin: speaker.origin, rpId: speaker.rpId, spki } };
}

/**
 * Checks that exactly these keys signed the envelope.
 *
 * @throws StatementError `bad-signature`
 */
export function openSpeakers(
  envelope: Envelope,
  speakers: readonly Speaker[],
  verify: SpeakerVerify = speakerVerify,
): void {
  const message = preAuthEncoding(envelope.payloadType, envelope.payload);
  const signed = new Map(envelope.signatures.map(({ keyid, sig }) => [keyid, sig]));
  if (signed.size !== new Set(speakers.map(({ keyid }) => keyid)).size)
    throw new StatementError(
      'bad-signature',
      'it must be signed by the keys that it names, and by no others',
    );
  for (const speaker of speakers) {
    const sig = signed.get(speaker.keyid);
    if (sig === undefined)
      throw new StatementError('bad-signature', `key ${speaker.keyid}, which it names, did not sign it`);
    if (speaker.kind === 'passkey') openPasskeySignature(speaker, message, sig, verify.p256);
    else if (!verify.ed25519(speaker.spki, message, sig))
      throw new StatementError('bad-signature', `the signature by key ${speaker.keyid} does not verify`);
  }
}

/** Lower-case hex SHA-256 of the SPKI of a key as it is written; empty for what is no key. */
export function keyidOfSpeaker(key: SpeakerKey): string {
  try {
    return keyidOf(decodeBase64(typeof key === 'string' ? key : key.passkey.spki));
  } catch {
    return '';
  }
}

function hostOf(origin: string): string {
  return origin.replace(/^https?:\/\//, '').replace(/:[0-9]+$/, '');
}

function isPasskeySpki(text: string): boolean {
  try {
    parsePasskeySpki(decodeBase64(text));
    return true;
  } catch {
    return false;
  }
}
