/** A statement of an intake log on its way between machines: alone, or in its envelope with the signatures that it has so far. */
import {
  formatCanonicalJson,
  formatEnvelope,
  MAX_ENVELOPE_BYTES,
  parseStatement,
  parseStatementEnvelope,
  payloadDigestOf,
  preAuthEncoding,
  STATEMENT_PAYLOAD_TYPE,
  StatementError,
  withSignatures,
} from '@vitrine/statements';
import type { EnvelopeSignature, JsonValue, Signer } from '@vitrine/statements';
import { intakeTypes, openSpeakers, parseSpeaker, verifyP256 } from '@vitrine/statements/intake';
import type { IntakeStatement, Speaker } from '@vitrine/statements/intake';
import * as v from 'valibot';
import { verifyWithOpenssl } from './ed25519.ts';
import { couldNotRun, refused } from './failure.ts';
import { readJsonFile } from './json-file.ts';

export interface IntakeStatementFile {
  readonly statement: IntakeStatement;
  readonly payload: Uint8Array;
  /** Hex SHA-256 of the payload. */
  readonly digest: string;
  /** Sorted by keyid; all verify, and are by keys that the statement names. */
  readonly signatures: readonly EnvelopeSignature[];
}

const jsonValue: v.GenericSchema<unknown, JsonValue> = v.lazy(() =>
  v.union([
    v.string(),
    v.number(),
    v.boolean(),
    v.null(),
    v.array(jsonValue),
    v.record(v.string(), jsonValue),
  ]),
);
const envelopeLike = v.looseObject({ payload: v.string(), payloadType: v.string() });
const verify = { ed25519: verifyWithOpenssl, p256: verifyP256 };

/** A statement that nobody has signed yet. @throws Failure when its members do not fit its type */
function unsignedIntake(statement: JsonValue, what = 'this'): IntakeStatementFile {
  return reading(`${what} cannot be said`, () => opened(formatCanonicalJson(statement), []));
}

/** @param file a statement in JSON, or an envelope @throws Failure that says what it is instead */
export async function readIntakeStatement(file: string): Promise<IntakeStatementFile> {
  const value = await readJsonFile(file, jsonValue);
  if (!v.is(envelopeLike, value)) return unsignedIntake(value, file);
  return reading(`${file} is no envelope of a statement of an intake log`, () => {
    const bytes = formatCanonicalJson(value);
    const { envelope } = parseStatementEnvelope(bytes, intakeTypes);
    const read = opened(envelope.payload, envelope.signatures);
    const named = speakersOf(read);
    const signed = envelope.signatures.map(({ keyid }) => {
      const speaker = named.find((each) => each.keyid === keyid);
      if (speaker === undefined)
        throw refused(`${file} is signed by key ${keyid}, which the statement does not name`);
      return speaker;
    });
    openSpeakers(envelope, signed, verify);
    return read;
  });
}

/** The bytes of the file: its envelope. @throws Failure when it would not fit in a leaf */
export function formatIntakeEnvelope({ payload, signatures }: IntakeStatementFile): Uint8Array {
  const bytes = formatEnvelope({ payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures });
  if (bytes.length <= MAX_ENVELOPE_BYTES) return bytes;
  throw couldNotRun(`with its signatures it has ${bytes.length} bytes, at most ${MAX_ENVELOPE_BYTES} fit`);
}

/** With one signature more; a valid one that is there already stays. @throws Failure when the statement does not name the key */
export async function signedIntake(file: IntakeStatementFile, signer: Signer): Promise<IntakeStatementFile> {
  requireNamed(file, signer.keyid);
  if (file.signatures.some(({ keyid }) => keyid === signer.keyid)) return file;
  const sig = await signer.sign(preAuthEncoding(STATEMENT_PAYLOAD_TYPE, file.payload));
  const { payload, signatures } = file;
  const envelope = { payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures };
  return { ...file, signatures: withSignatures(envelope, [{ keyid: signer.keyid, sig }]).signatures };
}

/** @throws Failure unless the statement names the key among those that sign it */
export function requireNamed(file: IntakeStatementFile, keyid: string): void {
  const named = speakersOf(file);
  if (named.some((each) => each.keyid === keyid)) return;
  throw refused(
    `key ${keyid} is not one of those that sign this statement: ${named.map((each) => each.keyid).join(', ')}`,
  );
}

/** The keyids that have still to sign. */
export function missingSigners(file: IntakeStatementFile): readonly string[] {
  return speakersOf(file)
    .map(({ keyid }) => keyid)
    .filter((keyid) => !file.signatures.some((each) => each.keyid === keyid));
}

/** The keys that sign a statement: the one who says it, and whoever says it together with them. */
function speakersOf({ statement: { predicate } }: IntakeStatementFile): readonly Speaker[] {
  return [
    parseSpeaker(predicate.key),
    ...('partner' in predicate ? [parseSpeaker(predicate.partner)] : []),
    ...('successor' in predicate ? [parseSpeaker(predicate.successor)] : []),
  ];
}

function opened(payload: Uint8Array, signatures: readonly EnvelopeSignature[]): IntakeStatementFile {
  return {
    statement: parseStatement(payload, intakeTypes),
    payload,
    digest: payloadDigestOf(payload),
    signatures,
  };
}

function reading<T>(otherwise: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof StatementError || cause instanceof RangeError || cause instanceof TypeError))
      throw cause;
    throw refused(`${otherwise}: ${cause.message}`, cause);
  }
}
