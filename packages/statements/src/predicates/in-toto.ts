// The shape of every statement: in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md).

import * as v from 'valibot';

export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

type StringEntries = Readonly<Record<string, v.GenericSchema<string, string>>>;

/** One subject with one digest. */
export function subject<
  const Name extends v.GenericSchema<string, string>,
  const Digest extends StringEntries,
>(name: Name, digest: Digest) {
  return v.strictObject({ digest: v.strictObject(digest), name });
}

/** A statement about exactly one subject. */
export function statementOf<
  const Type extends string,
  Subject extends v.GenericSchema,
  Predicate extends v.GenericSchema,
>(predicateType: Type, one: Subject, predicate: Predicate) {
  return v.strictObject({
    _type: v.literal(STATEMENT_TYPE),
    predicate,
    predicateType: v.literal(predicateType),
    // Not v.tuple, which drops what it does not expect.
    subject: v.strictTuple([one]),
  });
}

/** A statement about any number of subjects, from one. */
export function statementOfMany<
  const Type extends string,
  Subject extends v.GenericSchema,
  Predicate extends v.GenericSchema,
>(predicateType: Type, each: Subject, predicate: Predicate) {
  return v.strictObject({
    _type: v.literal(STATEMENT_TYPE),
    predicate,
    predicateType: v.literal(predicateType),
    subject: v.array(each),
  });
}
