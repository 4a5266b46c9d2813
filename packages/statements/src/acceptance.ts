// Signed acceptances: what the log answers at once. A promise that can be held against it.

import { encodeHex } from '@vitrine/tlog';
import * as v from 'valibot';
import { formatCanonicalJson, parseCanonicalJson } from './canonical-json.ts';
import { formatEnvelope, openEnvelope, parseEnvelope, type Signer, signEnvelope } from './dsse.ts';
import { StatementError } from './error.ts';
import { type PublicKey, type Verify, verifyEd25519 } from './key.ts';
import { isValidAt, type KeysState } from './keys-log.ts';
import { count, logOrigin, sha256Hex } from './scalars.ts';
import { explainIssues } from './schema-issue.ts';

/** The DSSE payload type of every acceptance. */
export const ACCEPTANCE_PAYLOAD_TYPE = 'application/vnd.vitrine.acceptance+json';

/** The largest acceptance, in bytes. */
export const MAX_ACCEPTANCE_BYTES = 4096;

/** That a leaf is durable at an index, and will be under a checkpoint dated no later than `publishByMs`. */
export interface Acceptance {
  /** When this was promised: at `registeredAtMs`, or later when the statement was sent again. */
  readonly acceptedAtMs: number;
  /** The index of the leaf. */
  readonly leafIndex: number;
  /** RFC 6962 leaf hash, 32 bytes. */
  readonly leafHash: Uint8Array;
  readonly origin: string;
  readonly publishByMs: number;
  readonly registeredAtMs: number;
}

const bodySchema = v.pipe(
  v.strictObject({
    acceptedAt: count,
    index: count,
    leafHash: sha256Hex,
    origin: logOrigin,
    publishBy: count,
    registeredAt: count,
  }),
  v.check(
    ({ acceptedAt, publishBy, registeredAt }) => registeredAt <= acceptedAt && acceptedAt <= publishBy,
    'registeredAt, acceptedAt and publishBy must follow one another',
  ),
);

/** An acceptance as it is read, before its signature is verified. */
export interface ParsedAcceptance {
  readonly acceptedAtMs: number;
  readonly leafIndex: number;
  /** Hex. */
  readonly leafHash: string;
  readonly origin: string;
  readonly publishByMs: number;
  readonly registeredAtMs: number;
}

/** Signs an acceptance, with the instance's anchor key or with the key of an intake log; the envelope's bytes. */
export async function signAcceptance(acceptance: Acceptance, signer: Signer): Promise<Uint8Array> {
  const payload = formatCanonicalJson({
    acceptedAt: acceptance.acceptedAtMs,
    index: acceptance.leafIndex,
    leafHash: encodeHex(acceptance.leafHash),
    origin: acceptance.origin,
    publishBy: acceptance.publishByMs,
    registeredAt: acceptance.registeredAtMs,
  });
  return formatEnvelope(await signEnvelope(ACCEPTANCE_PAYLOAD_TYPE, payload, [signer]));
}

/**
 * Reads an acceptance. Verifies no signature.
 *
 * @throws StatementError `too-large`, `malformed-json`, `not-canonical-json`, `malformed-envelope`,
 * `malformed-acceptance`
 */
export function parseAcceptance(bytes: Uint8Array): ParsedAcceptance {
  return read(parseEnvelope(bytes, ACCEPTANCE_PAYLOAD_TYPE, MAX_ACCEPTANCE_BYTES).payload);
}

/**
 * Reads an acceptance and checks that keys which held the role `anchor` when it was given signed it.
 *
 * @throws StatementError as parseAcceptance, and `bad-signature`
 */
export function openAcceptance(
  bytes: Uint8Array,
  keys: KeysState,
  verify: Verify = verifyEd25519,
): ParsedAcceptance {
  const envelope = parseEnvelope(bytes, ACCEPTANCE_PAYLOAD_TYPE, MAX_ACCEPTANCE_BYTES);
  const acceptance = read(envelope.payload);
  const anchors = [...keys.keys.values()].filter(
    (key) => isValidAt(key, acceptance.acceptedAtMs) && key.roles.some(({ role }) => role === 'anchor'),
  );
  openEnvelope(envelope, anchors, verify);
  return acceptance;
}

/**
 * Reads an acceptance of an intake log and checks that its centre signed it: with the key of that log, which the centre's
 * announcement names.
 *
 * @throws StatementError as parseAcceptance, and `bad-signature`
 */
export function openIntakeAcceptance(
  bytes: Uint8Array,
  key: PublicKey,
  verify: Verify = verifyEd25519,
): ParsedAcceptance {
  const envelope = parseEnvelope(bytes, ACCEPTANCE_PAYLOAD_TYPE, MAX_ACCEPTANCE_BYTES);
  openEnvelope(envelope, [key], verify);
  return read(envelope.payload);
}

function read(payload: Uint8Array): ParsedAcceptance {
  const parsed = v.safeParse(
    bodySchema,
    parseCanonicalJson(payload, { maxBytes: MAX_ACCEPTANCE_BYTES, maxDepth: 1 }),
  );
  if (!parsed.success) {
    throw new StatementError('malformed-acceptance', `not an acceptance: ${explainIssues(parsed.issues)}`);
  }
  const { acceptedAt, index, leafHash, origin, publishBy, registeredAt } = parsed.output;
  return {
    acceptedAtMs: acceptedAt,
    leafIndex: index,
    leafHash,
    origin,
    publishByMs: publishBy,
    registeredAtMs: registeredAt,
  };
}
