// What every statement of an intake log has, and how its type is made.

import * as v from 'valibot';
import { publicKeyText } from '../predicates/keys.ts';
import { STATEMENT_TYPE, statementOf, subject } from '../predicates/in-toto.ts';
import { count, logOrigin, sha256Hex } from '../scalars.ts';
import { speakerKey } from './speaker.ts';

const addressed = {
  /** The root log of the vendor that it is addressed to. */
  addressee: logOrigin,
  log: logOrigin,
};

/** Said by any key; the envelope is signed by it. */
export const spoken = { ...addressed, key: speakerKey };

/** Said by a key that is no passkey: an organisation's own, or a centre's. */
export const spokenByKey = { ...addressed, key: publicKeyText };

/** A body: the digest names its bytes. What only the parties may read holds a salt of 32 random bytes, so its digest confirms no guess. */
export const body = v.strictObject({
  access: v.picklist(['parties', 'public']),
  digest: sha256Hex,
});

/** A body that everybody may read. */
export const publicBody = v.strictObject({ digest: sha256Hex });

/** A time in milliseconds since 1970. */
export const time = count;

/** A period with an end, in milliseconds since 1970. */
export const period = v.pipe(
  v.strictObject({ from: time, until: time }),
  v.check(({ from, until }) => from < until, 'it ends before it begins'),
);

/** Payload digests or key IDs, sorted, none twice. */
export function digests(least: number, most: number) {
  return v.pipe(
    v.array(sha256Hex),
    v.minLength(least),
    v.maxLength(most),
    v.check(
      (all) => all.every((each, i) => i === 0 || (all[i - 1] ?? '') < each),
      'they are sorted, none twice',
    ),
  );
}

type PredicateOf<Entries extends v.ObjectEntries> = v.InferOutput<v.StrictObjectSchema<Entries, undefined>>;

/**
 * A type of statement of an intake log: its schema, and how one is made.
 *
 * @param name of the subject
 * @param about the digest that is the subject
 * @param holds what else has to hold of the predicate, and the words for when it does not
 */
export function intakeType<const Type extends string, const Entries extends v.ObjectEntries>(
  predicateType: Type,
  name: string,
  entries: Entries,
  about: (predicate: PredicateOf<Entries>) => string,
  [holds, otherwise]: readonly [(predicate: PredicateOf<Entries>) => boolean, string] = [() => true, ''],
) {
  const predicateSchema = v.strictObject(entries);
  const schema = v.pipe(
    statementOf(predicateType, subject(v.literal(name), { sha256: sha256Hex }), predicateSchema),
    v.check(
      ({ predicate, subject: [{ digest }] }) => digest.sha256 === about(predicate),
      'the subject is not what the predicate is about',
    ),
    v.check(({ predicate }) => holds(predicate), otherwise),
  );
  return {
    predicateType,
    schema,
    /** The statement with this predicate. */
    of(predicate: v.InferOutput<typeof predicateSchema>): v.InferOutput<typeof schema> {
      return {
        _type: STATEMENT_TYPE,
        predicate,
        predicateType,
        subject: [{ digest: { sha256: about(predicate) }, name }],
      };
    },
  };
}
