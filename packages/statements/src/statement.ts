// Statements in their envelopes: parse, format, sign, name.

import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { decodeHex, encodeHex } from '@vitrine/tlog';
import * as v from 'valibot';
import { formatCanonicalJson, parseCanonicalJson } from './canonical-json.ts';
import { type Envelope, formatEnvelope, parseEnvelope, type Signer, signEnvelope } from './dsse.ts';
import { StatementError } from './error.ts';
import { predicateTypes, type Statement } from './predicates/registry.ts';
import { explainIssues } from './schema-issue.ts';
import { hasType, type StatementOf, type StatementShape, type TypeTable } from './type-table.ts';

/** The DSSE payload type of every statement. */
export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** The largest leaf, in bytes: eight for the time, the rest for the envelope. */
export const MAX_LEAF_BYTES = 8192;

/** The largest envelope of a statement, in bytes. */
export const MAX_ENVELOPE_BYTES = MAX_LEAF_BYTES - 8;

/** A statement with what names it. Opened from an envelope it is only read: no signature has been verified. */
export interface EnvelopedStatement<Said = Statement> {
  readonly statement: Said;
  readonly envelope: Envelope;
  /** Hex SHA-256 of the payload: how other statements refer to it. */
  readonly payloadDigest: string;
  /** Hex SHA-256 of the payload digest and the sorted keyids: a log holds it at most once. */
  readonly identity: string;
}

const members = v.record(v.string(), v.unknown());

/**
 * Parses the payload of a statement: canonical JSON of a type that the table has, each member in its place.
 *
 * @param types by default those of the root log and the keys log
 * @throws StatementError `too-large`, `malformed-json`, `not-canonical-json`, `malformed-statement`, `unknown-type`
 */
export function parseStatement(payload: Uint8Array): Statement;
export function parseStatement<Types extends TypeTable>(
  payload: Uint8Array,
  types: Types,
): StatementOf<Types>;
export function parseStatement(payload: Uint8Array, types: TypeTable = predicateTypes): StatementShape {
  const value = parseCanonicalJson(payload, { maxBytes: MAX_ENVELOPE_BYTES });
  const { output, success } = v.safeParse(members, value);
  const type = success ? output['predicateType'] : undefined;
  if (typeof type !== 'string') throw malformed('it has no predicateType');
  const statement = checkSchema(schemaOf(types, type), value);
  // A schema that let a member through without returning it would sign what nobody reads.
  if (!equal(formatCanonicalJson(statement), payload)) throw malformed('it says more than its type');
  return statement;
}

/**
 * The canonical payload of a statement.
 *
 * @param types the table that has its type; by default those of the root log and the keys log
 * @throws StatementError `malformed-statement` if a member is not as its type wants, `too-large`
 */
export function formatStatement(statement: StatementShape, types: TypeTable = predicateTypes): Uint8Array {
  const checked = checkSchema(schemaOf(types, statement.predicateType), statement);
  const payload = formatCanonicalJson(checked);
  if (payload.length > MAX_ENVELOPE_BYTES) {
    throw new StatementError(
      'too-large',
      `a statement of ${payload.length} bytes: long texts belong in bodies`,
    );
  }
  return payload;
}

/**
 * A signed envelope, ready to be appended.
 *
 * @param types as formatStatement
 * @throws StatementError `malformed-statement`, `too-large`
 * @throws TypeError on signers that cannot sign together
 */
export async function signStatement(
  statement: StatementShape,
  signers: readonly Signer[],
  types: TypeTable = predicateTypes,
): Promise<Uint8Array> {
  const payload = formatStatement(statement, types);
  const envelope = await signEnvelope(STATEMENT_PAYLOAD_TYPE, payload, signers);
  const bytes = formatEnvelope(envelope);
  if (bytes.length > MAX_ENVELOPE_BYTES) {
    throw new StatementError(
      'too-large',
      `an envelope of ${bytes.length} bytes, at most ${MAX_ENVELOPE_BYTES} fit`,
    );
  }
  return bytes;
}

/**
 * Reads a statement out of its envelope's bytes. Verifies no signature.
 *
 * @param types as parseStatement
 * @throws StatementError `too-large`, `malformed-json`, `not-canonical-json`, `malformed-envelope`,
 * `malformed-statement`, `unknown-type`
 */
export function parseStatementEnvelope(bytes: Uint8Array): EnvelopedStatement;
export function parseStatementEnvelope<Types extends TypeTable>(
  bytes: Uint8Array,
  types: Types,
): EnvelopedStatement<StatementOf<Types>>;
export function parseStatementEnvelope(
  bytes: Uint8Array,
  types: TypeTable = predicateTypes,
): EnvelopedStatement<StatementShape> {
  const envelope = parseEnvelope(bytes, STATEMENT_PAYLOAD_TYPE, MAX_ENVELOPE_BYTES);
  return {
    statement: parseStatement(envelope.payload, types),
    envelope,
    payloadDigest: payloadDigestOf(envelope.payload),
    identity: identityOf(envelope),
  };
}

/** Hex SHA-256 of a payload: how statements refer to each other. */
export function payloadDigestOf(payload: Uint8Array): string {
  return encodeHex(sha256(payload));
}

/** Hex SHA-256 of the payload's digest and the keyids (32 bytes each), which an envelope holds sorted. */
export function identityOf({ payload, signatures }: Envelope): string {
  return encodeHex(sha256(concatBytes(sha256(payload), ...signatures.map(({ keyid }) => decodeHex(keyid)))));
}

function schemaOf(types: TypeTable, uri: string): v.GenericSchema<unknown, StatementShape> {
  const type = hasType(types, uri) ? types[uri] : undefined;
  if (type !== undefined) return type.schema;
  throw new StatementError('unknown-type', `unknown type of statement: ${JSON.stringify(uri)}`);
}

function checkSchema(schema: v.GenericSchema<unknown, StatementShape>, value: unknown): StatementShape {
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (!parsed.success) throw malformed(explainIssues(parsed.issues));
  return parsed.output;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}

function malformed(why: string): StatementError {
  return new StatementError('malformed-statement', `malformed statement: ${why}`);
}
