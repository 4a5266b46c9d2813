/**
 * A statement of root keys on its way between machines: the envelope with the signatures that it has so far, or, before the
 * first, the statement alone. Both are canonical JSON, as docs/formats/statements.md has them.
 */
import {
  CLOSED_TYPE,
  type ClosedStatement,
  type EnvelopeSignature,
  formatEnvelope,
  formatStatement,
  isKeysStatement,
  type KeysStatement,
  MAX_ENVELOPE_BYTES,
  parseStatement,
  parseStatementEnvelope,
  payloadDigestOf,
  preAuthEncoding,
  type Signer,
  type Statement,
  STATEMENT_PAYLOAD_TYPE,
  StatementError,
  withSignatures,
} from '@vitrine/statements';
import { verifyWithOpenssl } from './ed25519.ts';
import { couldNotRun, refused } from './failure.ts';
import { readBounded } from './local-file.ts';

/** What root keys sign together: what is said in the keys log, and the end of a log, which stands in the root log. */
export type RootKeysStatement = KeysStatement | ClosedStatement;

export interface KeyStatementFile {
  readonly statement: RootKeysStatement;
  readonly payload: Uint8Array;
  /** Hex SHA-256 of the payload. */
  readonly digest: string;
  /** Sorted by keyid. Nobody has verified them. */
  readonly signatures: readonly EnvelopeSignature[];
}

/** A statement that nobody has signed yet. @throws Failure when its members do not fit its type */
export function unsigned(statement: RootKeysStatement): KeyStatementFile {
  try {
    const payload = formatStatement(statement);
    return { statement, payload, digest: payloadDigestOf(payload), signatures: [] };
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw couldNotRun(`this cannot be said: ${cause.message}`, cause);
  }
}

/** @throws Failure that says what the file is instead */
export async function readKeyStatement(file: string): Promise<KeyStatementFile> {
  const read = await readBounded(file, MAX_ENVELOPE_BYTES + 1);
  // Editors and mail programs end a file with a line end; canonical JSON has none.
  const bytes = read.at(-1) === 0x0a ? read.subarray(0, -1) : read;
  try {
    return parse(file, bytes);
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw refused(`${file} is not a statement of root keys, signed or not: ${cause.message}`, cause);
  }
}

/** The bytes of the file: the envelope, or the statement alone while nobody has signed it. */
export function formatKeyStatement({ payload, signatures }: KeyStatementFile): Uint8Array {
  return signatures.length === 0
    ? payload
    : formatEnvelope({ payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures });
}

/** With one more signature each; a signer whose valid signature is there already adds nothing. @throws Failure when too many sign */
export async function signedBy(
  file: KeyStatementFile,
  signers: readonly Signer[],
): Promise<{ readonly file: KeyStatementFile; readonly added: readonly string[] }> {
  const message = preAuthEncoding(STATEMENT_PAYLOAD_TYPE, file.payload);
  let { signatures } = file;
  const added: string[] = [];
  for (const signer of signers) {
    const mine = signatures.find(({ keyid }) => keyid === signer.keyid);
    if (mine !== undefined && verifyWithOpenssl(signer.spki, message, mine.sig)) continue;
    const others = signatures.filter((signature) => signature !== mine);
    const envelope = { payloadType: STATEMENT_PAYLOAD_TYPE, payload: file.payload, signatures: others };
    try {
      const signature = { keyid: signer.keyid, sig: await signer.sign(message) };
      ({ signatures } = withSignatures(envelope, [signature]));
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw refused(cause.message, cause);
    }
    added.push(signer.keyid);
  }
  return { file: { ...file, signatures }, added };
}

function parse(file: string, bytes: Uint8Array): KeyStatementFile {
  const { payload, statement, signatures } = isEnvelope(bytes) ? open(bytes) : bare(bytes);
  if (!isKeysStatement(statement) && statement.predicateType !== CLOSED_TYPE)
    throw refused(`${file} is a ${statement.predicateType}, which root keys do not say`);
  return { statement, payload, digest: payloadDigestOf(payload), signatures };
}

interface Opened {
  readonly statement: Statement;
  readonly payload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
}

/** Both kinds are canonical, so their first member tells them apart. */
function isEnvelope(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, 16)).startsWith('{"payload":');
}

function open(bytes: Uint8Array): Opened {
  const { envelope, statement } = parseStatementEnvelope(bytes);
  return { statement, payload: envelope.payload, signatures: envelope.signatures };
}

function bare(payload: Uint8Array): Opened {
  return { statement: parseStatement(payload), payload, signatures: [] };
}
