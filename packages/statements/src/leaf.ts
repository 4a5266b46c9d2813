// Leaves of the logs of statements: when the log registered an envelope, and the envelope.

import { concatBytes } from '@noble/hashes/utils.js';
import { StatementError } from './error.ts';
import { predicateTypes, type Statement } from './predicates/registry.ts';
import {
  type EnvelopedStatement,
  MAX_ENVELOPE_BYTES,
  MAX_LEAF_BYTES,
  parseStatementEnvelope,
} from './statement.ts';
import type { StatementOf, StatementShape, TypeTable } from './type-table.ts';

const TIME_BYTES = 8;

export interface Leaf {
  /** Milliseconds since 1970, given by the log. */
  readonly registeredAtMs: number;
  /** The envelope's bytes. */
  readonly envelope: Uint8Array;
}

/** A leaf with the statement in it. No signature has been verified. */
export interface StatementLeaf<Said = Statement> extends EnvelopedStatement<Said> {
  readonly registeredAtMs: number;
}

/**
 * `registeredAt` (unsigned 64-bit, big-endian) followed by the envelope.
 *
 * @throws RangeError on a time that is not a non-negative safe integer or an envelope that does not fit
 */
export function formatLeaf({ registeredAtMs, envelope }: Leaf): Uint8Array {
  if (!Number.isSafeInteger(registeredAtMs) || registeredAtMs < 0) {
    throw new RangeError(`${registeredAtMs} is not a time in milliseconds since 1970`);
  }
  if (envelope.length > MAX_ENVELOPE_BYTES)
    throw new RangeError(`an envelope of ${envelope.length} bytes does not fit`);
  const time = new Uint8Array(TIME_BYTES);
  new DataView(time.buffer).setBigUint64(0, BigInt(registeredAtMs));
  return concatBytes(time, envelope);
}

/**
 * Splits a leaf. Says nothing about the envelope.
 *
 * @throws StatementError `too-large`, `malformed-leaf` (shorter than a time, or a time past 2^53)
 */
export function parseLeaf(leaf: Uint8Array): Leaf {
  if (leaf.length > MAX_LEAF_BYTES) {
    throw new StatementError(
      'too-large',
      `a leaf of ${leaf.length} bytes, at most ${MAX_LEAF_BYTES} are allowed`,
    );
  }
  if (leaf.length < TIME_BYTES) {
    throw new StatementError('malformed-leaf', `a leaf of ${leaf.length} bytes has no time of registration`);
  }
  const time = new DataView(leaf.buffer, leaf.byteOffset, TIME_BYTES).getBigUint64(0);
  const registeredAtMs = Number(time);
  if (!Number.isSafeInteger(registeredAtMs)) {
    throw new StatementError('malformed-leaf', 'the time of registration is past 2^53 milliseconds');
  }
  return { registeredAtMs, envelope: leaf.subarray(TIME_BYTES) };
}

/**
 * Reads the statement in a leaf. Verifies no signature.
 *
 * @param types as parseStatement
 * @throws StatementError as parseLeaf and parseStatementEnvelope
 */
export function parseStatementLeaf(leaf: Uint8Array): StatementLeaf;
export function parseStatementLeaf<Types extends TypeTable>(
  leaf: Uint8Array,
  types: Types,
): StatementLeaf<StatementOf<Types>>;
export function parseStatementLeaf(
  leaf: Uint8Array,
  types: TypeTable = predicateTypes,
): StatementLeaf<StatementShape> {
  const { registeredAtMs, envelope } = parseLeaf(leaf);
  return { registeredAtMs, ...parseStatementEnvelope(envelope, types) };
}
