// DSSE v1 envelopes: secure-systems-lab/dsse, protocol.md and envelope.md, in canonical JSON.

import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { decodeBase64, encodeBase64 } from '@vitrine/tlog';
import * as v from 'valibot';
import { formatCanonicalJson, parseCanonicalJson } from './canonical-json.ts';
import { StatementError } from './error.ts';
import { keyidOf, type PublicKey, type Verify, verifyEd25519 } from './key.ts';
import { base64, sha256Hex } from './scalars.ts';
import { explainIssues } from './schema-issue.ts';

/** The most signatures on one envelope: both quorums of a new set of root keys fit. */
export const MAX_SIGNATURES = 16;

export interface EnvelopeSignature {
  readonly keyid: string;
  /** 64 bytes by an Ed25519 key; of a passkey, whose signature covers more, up to 1,536. */
  readonly sig: Uint8Array;
}

export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  /** 1 to MAX_SIGNATURES, sorted by keyid, no keyid twice. */
  readonly signatures: readonly EnvelopeSignature[];
}

/** A key whose private half stays with the caller: node:crypto on a server, noble or a device elsewhere. */
export interface Signer extends PublicKey {
  /** The 64-byte Ed25519 signature of `message`. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

const envelopeSchema = v.strictObject({
  payload: base64,
  payloadType: v.string(),
  signatures: v.pipe(
    v.array(v.strictObject({ keyid: sha256Hex, sig: v.pipe(base64, v.minLength(88), v.maxLength(2_048)) })),
    v.minLength(1),
    v.maxLength(MAX_SIGNATURES),
  ),
});

/**
 * The bytes that a DSSE signature covers.
 *
 * @see DSSE protocol.md, "Signature Definition"
 */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8ToBytes(payloadType);
  return concatBytes(
    utf8ToBytes(`DSSEv1 ${type.length} `),
    type,
    utf8ToBytes(` ${payload.length} `),
    payload,
  );
}

/**
 * Signs a payload with every signer.
 *
 * @throws TypeError if no signer is given, one is given twice, or a keyid is not that of its SPKI
 */
export async function signEnvelope(
  payloadType: string,
  payload: Uint8Array,
  signers: readonly Signer[],
): Promise<Envelope> {
  const message = preAuthEncoding(payloadType, payload);
  const signatures = await Promise.all(
    signers.map(async (signer) => {
      if (keyidOf(signer.spki) !== signer.keyid)
        throw new TypeError('a signer names another key than its own');
      return { keyid: signer.keyid, sig: await signer.sign(message) };
    }),
  );
  return withSignatures({ payloadType, payload, signatures: [] }, signatures);
}

/**
 * The envelope with more signatures of the same payload, made elsewhere.
 *
 * @throws TypeError if a keyid would stand twice, or none or more than MAX_SIGNATURES would stand
 */
export function withSignatures(envelope: Envelope, more: readonly EnvelopeSignature[]): Envelope {
  const signatures = [...envelope.signatures, ...more].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  if (signatures.length < 1 || signatures.length > MAX_SIGNATURES || !isAscending(signatures)) {
    throw new TypeError(`an envelope has 1 to ${MAX_SIGNATURES} signatures by distinct keys`);
  }
  return { ...envelope, signatures };
}

/** The canonical bytes of an envelope. */
export function formatEnvelope({ payloadType, payload, signatures }: Envelope): Uint8Array {
  return formatCanonicalJson({
    payload: encodeBase64(payload),
    payloadType,
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig: encodeBase64(sig) })),
  });
}

/**
 * The inverse of formatEnvelope, for one payload type: a signature says nothing about bytes of another type.
 * Verifies no signature.
 *
 * @throws StatementError `too-large`, `malformed-json`, `not-canonical-json`, `malformed-envelope`
 */
export function parseEnvelope(bytes: Uint8Array, payloadType: string, maxBytes: number): Envelope {
  const parsed = v.safeParse(envelopeSchema, parseCanonicalJson(bytes, { maxBytes, maxDepth: 4 }));
  if (!parsed.success) throw malformed(explainIssues(parsed.issues));
  const { output } = parsed;
  if (output.payloadType !== payloadType) throw malformed(`its payload type is not ${payloadType}`);
  const signatures = output.signatures.map(({ keyid, sig }) => ({ keyid, sig: decodeBase64(sig) }));
  if (!isAscending(signatures))
    throw malformed('its signatures are not sorted by keyid, or a keyid stands twice');
  return { payloadType, payload: decodeBase64(output.payload), signatures };
}

/**
 * The keyids of the given keys whose signatures verify, in the envelope's order.
 *
 * @throws StatementError `bad-signature` if a signature is by no given key, or does not verify
 */
export function openEnvelope(
  envelope: Envelope,
  keys: Iterable<PublicKey>,
  verify: Verify = verifyEd25519,
): readonly string[] {
  const known = new Map(Array.from(keys, ({ keyid, spki }) => [keyid, spki]));
  const message = preAuthEncoding(envelope.payloadType, envelope.payload);
  return envelope.signatures.map(({ keyid, sig }) => {
    const spki = known.get(keyid);
    if (spki === undefined) throw new StatementError('bad-signature', `key ${keyid} is not known here`);
    if (!verify(spki, message, sig)) {
      throw new StatementError('bad-signature', `the signature by key ${keyid} does not verify`);
    }
    return keyid;
  });
}

function isAscending(signatures: readonly EnvelopeSignature[]): boolean {
  return signatures.every(({ keyid }, i) => i === 0 || (signatures[i - 1]?.keyid ?? '') < keyid);
}

function malformed(why: string): StatementError {
  return new StatementError('malformed-envelope', `not a DSSE envelope of ours: ${why}`);
}
