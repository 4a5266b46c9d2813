/** What stands as JSON in the tables of reviews, written in one spelling, so that two centres have the same digest of their view. */
import type { Engagement, Finding, Note, Opinion, Organisation } from '@vitrine/reviews';
import { formatCanonicalJson, type JsonValue } from '@vitrine/statements';
import * as v from 'valibot';

const entry = v.strictObject({ origin: v.string(), leafIndex: v.number() });
const said = { by: v.string(), entry, atMs: v.number() };
const period = v.strictObject({ from: v.number(), until: v.number() });

/** Of a statement: its schema has looked at it before it was folded. */
function predicate<T>() {
  return v.custom<T>((value) => typeof value === 'object' && value !== null);
}

type Person = Organisation['members'][string];

const organisation = v.strictObject({
  id: v.string(),
  key: v.string(),
  formerKeys: v.array(v.string()),
  version: v.number(),
  body: v.string(),
  entry,
  atMs: v.number(),
  members: v.record(
    v.string(),
    v.strictObject({
      key: v.custom<Person['key']>(
        (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
      ),
      roles: v.array(v.picklist(['administrator', 'lead', 'liaison', 'partner', 'reviewer'])),
      holder: v.exactOptional(v.string()),
      entry,
      fromMs: v.number(),
      ended: v.exactOptional(
        v.strictObject({
          atMs: v.number(),
          reason: v.picklist(['compromised', 'left', 'replaced']),
          by: v.exactOptional(v.string()),
        }),
      ),
    }),
  ),
  accreditations: v.array(
    v.strictObject({
      digest: v.string(),
      by: v.string(),
      scheme: v.string(),
      period,
      body: v.string(),
      entry,
      atMs: v.number(),
      ended: v.exactOptional(v.strictObject({ atMs: v.number(), reason: v.string(), entry })),
    }),
  ),
});

const engagement = v.strictObject({
  id: v.string(),
  request: predicate<Engagement['request']>(),
  requestedBy: v.string(),
  entry,
  atMs: v.number(),
  decisions: v.array(
    v.strictObject({
      digest: v.string(),
      ...said,
      said: predicate<Engagement['decisions'][number]['said']>(),
    }),
  ),
  acceptance: v.exactOptional(v.strictObject({ decision: v.string(), ...said })),
  end: v.exactOptional(
    v.strictObject({ outcome: predicate<NonNullable<Engagement['end']>['outcome']>(), ...said }),
  ),
});

const wording = v.strictObject({
  digest: v.string(),
  ...said,
  said: predicate<Finding['wordings'][0]['said']>(),
});
const finding = v.strictObject({
  id: v.string(),
  engagement: v.string(),
  number: v.number(),
  wordings: v.tupleWithRest([wording], wording),
  responses: v.array(
    v.strictObject({ digest: v.string(), ...said, said: predicate<Finding['responses'][number]['said']>() }),
  ),
  retests: v.array(
    v.strictObject({ digest: v.string(), ...said, said: predicate<Finding['retests'][number]['said']>() }),
  ),
});

const opinion = v.strictObject({
  id: v.string(),
  said: predicate<Opinion['said']>(),
  entry,
  atMs: v.number(),
  signedBy: v.picklist(['organisation', 'person']),
  hadAccess: v.boolean(),
  withdrawal: v.exactOptional(v.strictObject({ reason: v.string(), entry, atMs: v.number() })),
});

const note = v.strictObject({
  id: v.string(),
  engagement: v.string(),
  ...said,
  statement: predicate<Note['statement']>(),
});

interface Stored<State> {
  format(state: State): string;
  parse(text: string): State;
}

function storedAs<State, Json extends State & JsonValue>(
  schema: v.GenericSchema<unknown, Json>,
): Stored<State> {
  return {
    format: (state) => new TextDecoder().decode(formatCanonicalJson(v.parse(schema, state))),
    parse: (text) => v.parse(schema, JSON.parse(text)),
  };
}

export const storedOrganisation = storedAs<Organisation, v.InferOutput<typeof organisation>>(organisation);
export const storedEngagement = storedAs<Engagement, v.InferOutput<typeof engagement>>(engagement);
export const storedFinding = storedAs<Finding, v.InferOutput<typeof finding>>(finding);
export const storedOpinion = storedAs<Opinion, v.InferOutput<typeof opinion>>(opinion);
export const storedNote = storedAs<Note, v.InferOutput<typeof note>>(note);
