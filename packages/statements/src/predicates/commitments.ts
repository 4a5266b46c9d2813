// Dated promises and what is said of them: made, amended, withdrawn; and events of the world that were recorded.

import * as v from 'valibot';
import type { JsonValue } from '../canonical-json.ts';
import { count, logOrigin, positive, productName, sha256Hex } from '../scalars.ts';
import { STATEMENT_TYPE, statementOf, subject } from './in-toto.ts';

export const COMMITMENT_TYPE = 'https://vitrine.dev/commitment/v1';
export const COMMITMENT_AMENDMENT_TYPE = 'https://vitrine.dev/commitment-amendment/v1';
export const COMMITMENT_WITHDRAWAL_TYPE = 'https://vitrine.dev/commitment-withdrawal/v1';
export const EVENT_TYPE = 'https://vitrine.dev/event/v1';

const MAX_KINDS_OF_EVIDENCE = 16;

const jsonValue: v.GenericSchema<JsonValue> = v.lazy(() =>
  v.union([
    v.null(),
    v.boolean(),
    v.number(),
    v.string(),
    v.array(jsonValue),
    v.record(v.string(), jsonValue),
  ]),
);

export const commitmentId = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'expected an id: 1–64 of a–z 0–9 - beginning with a letter or digit'),
);

/** A calendar period in ISO 8601, as precise as the one who speaks made it: 2018, 2018-Q1, 2018-03, 2018-03-01. */
export const calendarPeriod = v.pipe(
  v.string(),
  v.check(
    isCalendarPeriod,
    'expected a year, quarter, month or day that exists: 2018, 2018-Q1, 2018-03, 2018-03-01',
  ),
);

// A fixed distance: the rules of a named time zone change, and a view must not.
const utcOffset = v.pipe(
  v.string(),
  v.regex(/^[+-](?:0\d|1[0-4]):[0-5]\d$/, 'expected a distance from UTC, for example +01:00'),
);

/** When a promise falls due: no date, the end of a period, or the end of the second of two. */
export const commitmentDue = v.variant('precision', [
  v.strictObject({ precision: v.literal('none') }),
  v.strictObject({ precision: v.literal('period'), period: calendarPeriod, utcOffset }),
  v.strictObject({ from: calendarPeriod, precision: v.literal('between'), to: calendarPeriod, utcOffset }),
]);

/** Who must have said it: anyone, the vendor (a key of the keys log), someone who is not, or one of these keys. */
const bySchema = v.union([
  v.picklist(['anyone', 'not-vendor', 'vendor']),
  v.pipe(v.array(sha256Hex), v.minLength(1), v.maxLength(16)),
]);

const evidenceKindSchema = v.strictObject({
  by: bySchema,
  /** A JSON Schema (2020-12, the part that docs/formats/commitments.md names) that the evidence's data must meet. */
  schema: v.record(v.string(), jsonValue),
  /** The URI of a statement type, or of a fact that a capability derives from statements. */
  type: v.pipe(
    v.string(),
    v.regex(/^https:\/\/vitrine\.dev\/[a-z][a-z-]{0,63}\/v[1-9][0-9]{0,3}$/, 'expected the URI of a type'),
  ),
});

/**
 * What keeps a promise: every one of `all` is met by `count` pieces of evidence, which differ in the member `distinctBy`
 * (a JSON Pointer into their data) where it is given.
 */
export const commitmentAcceptance = v.strictObject({
  all: v.pipe(
    v.array(
      v.strictObject({
        count: positive,
        distinctBy: v.exactOptional(
          v.pipe(
            v.string(),
            v.maxLength(200),
            v.regex(/^(?:\/(?:[^~/]|~[01])*)+$/, 'expected a JSON Pointer'),
          ),
        ),
        /** Any of these counts. */
        evidence: v.pipe(v.array(evidenceKindSchema), v.minLength(1), v.maxLength(MAX_KINDS_OF_EVIDENCE)),
        /** Evidence of before the promise counts too. */
        retroactive: v.exactOptional(v.boolean()),
        /** In words, one line, for people beside the expression. */
        words: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
      }),
    ),
    v.minLength(1),
    v.maxLength(MAX_KINDS_OF_EVIDENCE),
  ),
});

const promised = {
  acceptance: v.exactOptional(commitmentAcceptance),
  /** The public body: canonical JSON, see docs/formats/commitments.md. */
  body: v.strictObject({ digest: sha256Hex }),
  due: commitmentDue,
  id: commitmentId,
  log: logOrigin,
  product: v.exactOptional(productName),
};

const commitmentPredicate = v.strictObject({
  ...promised,
  /** The day on which it was promised in the world, when that is not the day on which it was logged. */
  announced: v.exactOptional(calendarPeriod),
});

const amendmentPredicate = v.strictObject({
  ...promised,
  /** Payload digest of the commitment. */
  commitment: sha256Hex,
  reason: v.strictObject({ digest: sha256Hex }),
  /** The commitment itself is version 1. */
  version: v.pipe(count, v.minValue(2)),
});

const withdrawalPredicate = v.strictObject({
  commitment: sha256Hex,
  id: commitmentId,
  log: logOrigin,
  product: v.exactOptional(productName),
  reason: v.strictObject({ digest: sha256Hex }),
});

const eventPredicate = v.strictObject({
  /** The public body: canonical JSON, see docs/formats/commitments.md. */
  body: v.strictObject({ digest: sha256Hex }),
  /** Small facts for acceptances to look at. */
  data: v.pipe(
    v.record(
      v.pipe(
        v.string(),
        v.regex(/^[a-zA-Z][a-zA-Z0-9]{0,31}$/, 'expected a member name of letters and digits'),
      ),
      v.union([v.boolean(), v.pipe(v.number(), v.safeInteger()), v.pipe(v.string(), v.maxLength(200))]),
    ),
    v.check((data) => Object.keys(data).length <= 16, 'at most 16 members'),
  ),
  happened: calendarPeriod,
  kind: commitmentId,
  log: logOrigin,
  product: v.exactOptional(productName),
});

export const commitmentSchema = v.pipe(
  statementOf(COMMITMENT_TYPE, subject(v.literal('commitment'), { sha256: sha256Hex }), commitmentPredicate),
  v.check(
    ({ predicate, subject: [{ digest }] }) => digest.sha256 === predicate.body.digest,
    'the subject is not the body',
  ),
);

export const commitmentAmendmentSchema = v.pipe(
  statementOf(
    COMMITMENT_AMENDMENT_TYPE,
    subject(v.literal('commitment'), { sha256: sha256Hex }),
    amendmentPredicate,
  ),
  v.check(
    ({ predicate, subject: [{ digest }] }) => digest.sha256 === predicate.body.digest,
    'the subject is not the body',
  ),
);

export const commitmentWithdrawalSchema = v.pipe(
  statementOf(
    COMMITMENT_WITHDRAWAL_TYPE,
    subject(v.literal('commitment'), { sha256: sha256Hex }),
    withdrawalPredicate,
  ),
  v.check(
    ({ predicate, subject: [{ digest }] }) => digest.sha256 === predicate.commitment,
    'the subject is not the commitment',
  ),
);

export const eventSchema = v.pipe(
  statementOf(EVENT_TYPE, subject(v.literal('event'), { sha256: sha256Hex }), eventPredicate),
  v.check(
    ({ predicate, subject: [{ digest }] }) => digest.sha256 === predicate.body.digest,
    'the subject is not the body',
  ),
);

export type Due = v.InferOutput<typeof commitmentDue>;
export type CommitmentAcceptance = v.InferOutput<typeof commitmentAcceptance>;
export type EvidenceKind = v.InferOutput<typeof evidenceKindSchema>;
export type CommitmentStatement = v.InferOutput<typeof commitmentSchema>;
export type CommitmentAmendmentStatement = v.InferOutput<typeof commitmentAmendmentSchema>;
export type CommitmentWithdrawalStatement = v.InferOutput<typeof commitmentWithdrawalSchema>;
export type EventStatement = v.InferOutput<typeof eventSchema>;

/** That something is promised. */
export function commitmentStatement(predicate: CommitmentStatement['predicate']): CommitmentStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: COMMITMENT_TYPE,
    subject: [{ digest: { sha256: predicate.body.digest }, name: 'commitment' }],
  };
}

/** That a promise reads differently from now on; the old text stays. */
export function commitmentAmendmentStatement(
  predicate: CommitmentAmendmentStatement['predicate'],
): CommitmentAmendmentStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: COMMITMENT_AMENDMENT_TYPE,
    subject: [{ digest: { sha256: predicate.body.digest }, name: 'commitment' }],
  };
}

/** That a promise is withdrawn, for the reason in a public body. */
export function commitmentWithdrawalStatement(
  predicate: CommitmentWithdrawalStatement['predicate'],
): CommitmentWithdrawalStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: COMMITMENT_WITHDRAWAL_TYPE,
    subject: [{ digest: { sha256: predicate.commitment }, name: 'commitment' }],
  };
}

/** That something happened in the world, as its source in the public body tells it. */
export function eventStatement(predicate: EventStatement['predicate']): EventStatement {
  return {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: EVENT_TYPE,
    subject: [{ digest: { sha256: predicate.body.digest }, name: 'event' }],
  };
}

const PERIOD = /^(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])(?:-(\d{2}))?))?$/;

function isCalendarPeriod(text: string): boolean {
  const match = PERIOD.exec(text);
  if (match === null || Number(match[1]) < 1970) return false;
  if (match[4] === undefined) return true;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
