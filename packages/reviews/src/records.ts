// Records of a reading session: each thing that was opened is one, chained to the one before and numbered without a gap, so that
// none can be left out, altered or put in later. What was opened stands in a detail that the record commits to: whoever may not
// see it checks the chain all the same. docs/formats/reviews.md, "Records".

import { sha256 } from '@noble/hashes/sha2.js';
import {
  explainIssues,
  formatCanonicalJson,
  parseCanonicalJson,
  sha256Hex,
  StatementError,
} from '@vitrine/statements';
import { encodeHex } from '@vitrine/tlog';
import * as v from 'valibot';

/** The largest record and the largest detail, in bytes. */
export const MAX_RECORD_BYTES = 1_024;
export const MAX_DETAIL_BYTES = 8_192;

/** `previous` of the first record of a session. */
export const NO_RECORD = '0'.repeat(64);

const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const recordSchema = v.strictObject({
  /** Milliseconds since 1970, by the centre's clock. */
  atMs: size,
  /** How many bytes were shown. */
  bytes: size,
  /** SHA-256 of the detail. */
  detail: sha256Hex,
  engagement: sha256Hex,
  /** From 1. */
  number: v.pipe(size, v.minValue(1)),
  /** SHA-256 of the record before, `NO_RECORD` for the first. */
  previous: sha256Hex,
  /** The reader's keyid. */
  reader: sha256Hex,
  session: sha256Hex,
});

const detailSchema = v.strictObject({
  /** SHA-256 of the file's content. */
  digest: sha256Hex,
  from: size,
  /** Of a difference: the release that it was compared with. */
  against: v.exactOptional(sha256Hex),
  path: v.pipe(v.string(), v.minLength(1), v.maxLength(4_096)),
  /** Payload digest of the release. */
  release: sha256Hex,
  /** 32 random bytes, so that the commitment confirms no guess. */
  salt: sha256Hex,
  to: size,
});

export type ReadingRecord = v.InferOutput<typeof recordSchema>;
export type RecordDetail = v.InferOutput<typeof detailSchema>;

/** Why a chain of records does not hold. */
export interface BrokenChain {
  /** Of the record, from 0. */
  readonly at: number;
  readonly reason: string;
}

/** @throws StatementError `malformed-body` */
export function formatRecord(record: ReadingRecord): Uint8Array {
  return formatCanonicalJson(checked(recordSchema, record, 'a record'));
}

/** The inverse of formatRecord. @throws StatementError `malformed-body` */
export function parseRecord(bytes: Uint8Array): ReadingRecord {
  return parsed(recordSchema, bytes, MAX_RECORD_BYTES, 'a record');
}

/** @throws StatementError `malformed-body` */
export function formatDetail(detail: RecordDetail): Uint8Array {
  return formatCanonicalJson(checked(detailSchema, detail, 'the detail of a record'));
}

/** The inverse of formatDetail. @throws StatementError `malformed-body` */
export function parseDetail(bytes: Uint8Array): RecordDetail {
  return parsed(detailSchema, bytes, MAX_DETAIL_BYTES, 'the detail of a record');
}

/** Hex SHA-256 of a record or a detail. */
export function digestOfRecord(bytes: Uint8Array): string {
  return encodeHex(sha256(bytes));
}

/**
 * Checks the records of one session, in order.
 *
 * @param records as their bytes came
 * @returns the records and the head of the chain, or the first that does not hold
 */
export function checkRecords(
  records: Iterable<Uint8Array>,
): { readonly records: readonly ReadingRecord[]; readonly head: string } | { readonly broken: BrokenChain } {
  const known: ReadingRecord[] = [];
  let head = NO_RECORD;
  for (const bytes of records) {
    const at = known.length;
    let record: ReadingRecord;
    try {
      record = parseRecord(bytes);
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      return { broken: { at, reason: error.message } };
    }
    const reason = whyNotNext(record, known.at(-1), head);
    if (reason !== undefined) return { broken: { at, reason } };
    known.push(record);
    head = digestOfRecord(bytes);
  }
  return { records: known, head };
}

function whyNotNext(
  record: ReadingRecord,
  before: ReadingRecord | undefined,
  head: string,
): string | undefined {
  if (record.number !== (before?.number ?? 0) + 1)
    return `it is number ${record.number}, and ${(before?.number ?? 0) + 1} comes next`;
  if (record.previous !== head) return 'it follows another record than the one before it';
  if (before === undefined) return undefined;
  if (record.atMs < before.atMs) return 'it is earlier than the one before it';
  const strays = (['engagement', 'reader', 'session'] as const).find(
    (member) => record[member] !== before[member],
  );
  return strays === undefined ? undefined : `its ${strays} is another one`;
}

function parsed<Value>(
  schema: v.GenericSchema<unknown, Value>,
  bytes: Uint8Array,
  maxBytes: number,
  what: string,
): Value {
  let value: unknown;
  try {
    value = parseCanonicalJson(bytes, { maxBytes, maxDepth: 1 });
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw new StatementError('malformed-body', `not ${what}: ${cause.message}`, { cause });
  }
  return checked(schema, value, what);
}

function checked<Value>(schema: v.GenericSchema<unknown, Value>, value: unknown, what: string): Value {
  const outcome = v.safeParse(schema, value);
  if (outcome.success) return outcome.output;
  throw new StatementError('malformed-body', `not ${what}: ${explainIssues(outcome.issues)}`);
}
