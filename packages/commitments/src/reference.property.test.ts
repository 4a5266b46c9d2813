// The fold, with its index, its tests put together beforehand and its counts, finds exactly what a plain evaluation finds that tries every
// requirement on every document and looks at every piece each time.

import {
  COMMITMENT_TYPE,
  type CommitmentStatement,
  EVENT_TYPE,
  type EvidenceKind,
  type JsonValue,
  RELEASE_TYPE,
  type RootStatement,
} from '@vitrine/statements';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { amendment, LOG, promise, Teller, withdrawal } from '../test/told.ts';
import { compileSchema, parseSchema } from './json-schema.ts';
import {
  boundsOfPeriod,
  CENTRE_COSIGNING_TYPE,
  type CommitmentFacts,
  CommitmentsFold,
  type EvidenceDocument,
  type EvidenceEnd,
  type EvidencePiece,
  inForce,
  isCommitmentSaying,
  offsetOf,
  promisedAtMs,
  sayOfCommitment,
  standsAt,
  stateAt,
  type Told,
} from './index.ts';

const runs = (count: number): number =>
  process.env['VITRINE_SOAK'] === undefined ? Math.ceil(count / 50) : count;

/** JSON Schema as its text says it, on the schema as it is written. */
function meets(value: JsonValue, schema: JsonValue): boolean {
  if (!isObject(schema)) return schema === true;
  const members = new Map(isObject(value) ? Object.entries(value) : []);
  return Object.entries(schema).every(([keyword, asked]) => {
    const list = isList(asked) ? asked : [asked];
    const named = new Map(isObject(asked) ? Object.entries(asked) : []);
    switch (keyword) {
      case 'type':
        return list.some((type) => typesOf(value).includes(type));
      case 'const':
        return same(value, asked);
      case 'enum':
        return list.some((one) => same(value, one));
      case 'minimum':
        return typeof value !== 'number' || value >= Number(asked);
      case 'maxLength':
        return typeof value !== 'string' || Array.from(value).length <= Number(asked);
      case 'items':
        return !isList(value) || value.every((one) => meets(one, asked));
      case 'required':
        return !isObject(value) || list.every((name) => typeof name === 'string' && members.has(name));
      case 'properties':
        return [...members].every(([name, member]) => meets(member, named.get(name) ?? true));
      case 'additionalProperties': {
        const { properties = {} } = schema;
        return [...members.keys()].every((name) => isObject(properties) && Object.hasOwn(properties, name));
      }
      case 'allOf':
        return list.every((one) => meets(value, one));
      case 'anyOf':
        return list.some((one) => meets(value, one));
      case 'oneOf':
        return list.filter((one) => meets(value, one)).length === 1;
      case 'not':
        return !meets(value, asked);
      default:
        throw new Error(`what is ${keyword}`);
    }
  });
}

function isObject(value: JsonValue): value is { readonly [member: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function typesOf(value: JsonValue): readonly JsonValue[] {
  if (value === null) return ['null'];
  if (isList(value)) return ['array'];
  return typeof value === 'number' && Number.isInteger(value) ? ['number', 'integer'] : [typeof value];
}

function same(left: JsonValue, right: JsonValue): boolean {
  return sorted(left) === sorted(right);
}

function sorted(value: JsonValue): string {
  return JSON.stringify(value, (_name, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}

/** Keeps everything that it is told, and works everything out from it. */
class PlainFold {
  readonly commitments = new Map<string, CommitmentFacts>();
  readonly #documents: EvidenceDocument[] = [];
  readonly #ends: EvidenceEnd[] = [];

  say(told: Told): string | undefined {
    if (!isCommitmentSaying(told.statement)) return undefined;
    const { id } = told.statement.predicate;
    const said = sayOfCommitment(this.commitments.get(id), { ...told, statement: told.statement });
    if (said.refusal !== undefined) return said.refusal.code;
    let { facts } = said;
    for (const document of this.#documents)
      for (const { index } of said.lookBack)
        facts = plainTake(
          facts,
          index,
          document,
          this.#ends.filter(({ name }) => document.restsOn.includes(name)),
        );
    this.commitments.set(id, facts);
    return undefined;
  }

  take(document: EvidenceDocument): void {
    this.#documents.push(document);
    for (const [id, facts] of this.commitments) {
      const { acceptance } = inForce(facts);
      const now = (acceptance?.all ?? []).reduce((so, _, index) => plainTake(so, index, document, []), facts);
      this.commitments.set(id, now);
    }
  }

  end(end: EvidenceEnd): void {
    this.#ends.push(end);
    for (const [id, facts] of this.commitments) {
      const evidence = inForce(facts).evidence.map((pieces) =>
        pieces.map((piece) =>
          piece.ended === undefined && piece.restsOn.includes(end.name)
            ? { ...piece, ended: { atMs: end.atMs, entry: end.entry } }
            : piece,
        ),
      );
      this.commitments.set(id, withEvidence(facts, evidence));
    }
  }
}

function withEvidence(facts: CommitmentFacts, evidence: EvidencePiece[][]): CommitmentFacts {
  return { ...facts, versions: [...facts.versions.slice(0, -1), { ...inForce(facts), evidence }] };
}

function plainTake(
  facts: CommitmentFacts,
  index: number,
  document: EvidenceDocument,
  ends: readonly EvidenceEnd[],
): CommitmentFacts {
  const version = inForce(facts);
  const asked = version.acceptance?.all[index];
  const pieces = version.evidence[index] ?? [];
  if (asked === undefined || facts.withdrawal !== undefined) return facts;
  if (facts.product !== undefined && facts.product !== document.product) return facts;
  if (!asked.evidence.some((kind) => isOfKind(document, kind))) return facts;
  const member =
    asked.distinctBy === undefined
      ? undefined
      : new Map(Object.entries(document.data)).get(asked.distinctBy.slice(1));
  if (asked.distinctBy !== undefined && member === undefined) return facts;
  const value = member === undefined ? undefined : sorted(member);
  const { atMs, by, entry, expiresAtMs, happened, restsOn, type } = document;
  const when = happened === undefined ? undefined : boundsOfPeriod(happened, offsetOf(version.due));
  if (when !== undefined && when.startMs > atMs) return facts;
  if (asked.retroactive !== true && (when === undefined ? atMs : when.endMs - 1) < promisedAtMs(facts))
    return facts;
  if (expiresAtMs !== undefined) {
    const at = pieces.findLastIndex(
      (piece) =>
        piece.expiresAtMs !== undefined &&
        piece.value === value &&
        piece.type === type &&
        standsAt(piece, atMs - 1) &&
        piece.restsOn.join() === restsOn.join() &&
        piece.keyids.join() === by.keyids.join(),
    );
    const before = pieces[at];
    if (before !== undefined) {
      const longer = {
        ...before,
        expiresAtMs: Math.max(before.expiresAtMs ?? 0, expiresAtMs),
        renewed: { atMs, entry },
      };
      return withEvidence(facts, version.evidence.with(index, pieces.with(at, longer)));
    }
  }
  const standing = pieces.filter((piece) => standsAt(piece, atMs));
  const ofValue = standing.filter((piece) => piece.value === value).length;
  const enough = Math.max(2 * asked.count, 16);
  if (value === undefined && ofValue >= enough) return facts;
  if (value !== undefined && ofValue >= 2) return facts;
  if (value !== undefined && ofValue === 0 && pieces.length >= enough)
    if (new Set(standing.map((piece) => piece.value)).size >= enough) return facts;
  const ended = ends.find((end) => end.atMs >= atMs);
  const piece: EvidencePiece = {
    type,
    atMs,
    fromMs: when === undefined ? atMs : Math.min(when.endMs - 86_400_000, atMs),
    ...(happened === undefined ? {} : { happened }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(value === undefined ? {} : { value }),
    keyids: [...by.keyids],
    vendor: by.vendor,
    entry,
    restsOn: [...restsOn],
    ...(ended === undefined ? {} : { ended: { atMs: ended.atMs, entry: ended.entry } }),
  };
  return withEvidence(facts, version.evidence.with(index, [...pieces, piece]));
}

function isOfKind({ by: { keyids, vendor }, data, type }: EvidenceDocument, kind: EvidenceKind): boolean {
  const { by } = kind;
  const isSaidBy =
    by === 'anyone' ||
    (by === 'vendor' && vendor) ||
    (by === 'not-vendor' && !vendor) ||
    (typeof by === 'object' && keyids.some((keyid) => by.includes(keyid)));
  return type === kind.type && isSaidBy && meets(data, kind.schema);
}

const scalar = fc.constantFrom<JsonValue>(0, 1, 2, -1, '1', '', 'a', 'é', true, false, null);
const memberName = fc.constantFrom('city', 'kind', 'size', 'toString');
const { value: anyValue } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 2 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(memberName, tie('value'), { maxKeys: 3 }),
  ),
}));
const { schema: anySchema } = fc.letrec<{ schema: JsonValue }>((tie) => {
  const some = fc.array(tie('schema'), { minLength: 1, maxLength: 2 });
  return {
    schema: fc.oneof(
      { depthSize: 'small', maxDepth: 3 },
      fc.record<Record<string, JsonValue>>(
        {
          const: anyValue,
          enum: fc.array(anyValue, { minLength: 1, maxLength: 3 }),
          type: fc.constantFrom<JsonValue>(
            'string',
            'integer',
            'object',
            ['number', 'null'],
            ['array', 'boolean'],
          ),
          minimum: fc.integer({ min: -1, max: 2 }),
          maxLength: fc.nat(2),
        },
        { requiredKeys: [] },
      ),
      fc.record<Record<string, JsonValue>>(
        {
          properties: fc.dictionary(memberName, tie('schema'), { maxKeys: 3 }),
          required: fc.uniqueArray(memberName, { maxLength: 2 }),
          additionalProperties: fc.constant(false),
          items: tie('schema'),
          allOf: some,
          anyOf: some,
          oneOf: some,
          not: tie('schema'),
        },
        { requiredKeys: [] },
      ),
      fc.boolean(),
    ),
  };
});

test('a schema that was put together judges as its text does', () => {
  fc.assert(
    fc.property(anySchema, anyValue, (schema, value) => {
      expect(compileSchema(parseSchema(schema, ''))(value)).toBe(meets(value, schema));
    }),
    { numRuns: runs(50_000) },
  );
});

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const keyids = ['11', '22', '33'].map((two) => two.repeat(32));
const types = [EVENT_TYPE, RELEASE_TYPE, CENTRE_COSIGNING_TYPE] as const;
const products = fc.constantFrom(undefined, undefined, 'engine', 'cloud');
const kind = fc.record({
  type: fc.constantFrom(...types),
  by: fc.oneof(fc.constantFrom('anyone' as const, 'vendor' as const), fc.subarray(keyids, { minLength: 1 })),
  schema: fc.oneof(
    fc
      .record({ kind: fc.subarray([1, 'a', null], { minLength: 1 }), size: fc.integer({ min: -1, max: 2 }) })
      .map(({ kind: values, size }) => ({
        properties: { kind: { enum: values }, size: { minimum: size } },
        required: ['kind'],
      })),
    anySchema
      .filter((schema) => JSON.stringify(schema).length < 1000)
      .map((schema) => ({ allOf: [schema, { required: ['kind'] }] })),
    fc.constant({}),
  ),
});
const asked = fc.record(
  {
    count: fc.integer({ min: 1, max: 3 }),
    evidence: fc.array(kind, { minLength: 1, maxLength: 2 }),
    words: fc.constant('it'),
    distinctBy: fc.constantFrom('/city', '/size', '/toString'),
    retroactive: fc.boolean(),
  },
  { requiredKeys: ['count', 'evidence', 'words'] },
);
const acceptance = fc.array(asked, { minLength: 1, maxLength: 2 });
const ids = fc.constantFrom('a', 'b', 'c');
const told = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      say: fc.constant('promise' as const),
      id: ids,
      all: acceptance,
      product: products,
    }),
  },
  { weight: 1, arbitrary: fc.record({ say: fc.constant('amend' as const), id: ids, all: acceptance }) },
  { weight: 1, arbitrary: fc.record({ say: fc.constant('withdraw' as const), id: ids }) },
  { weight: 2, arbitrary: fc.record({ say: fc.constant('end' as const), name: fc.constantFrom('x', 'y') }) },
  {
    weight: 30,
    arbitrary: fc.record({
      say: fc.constant('document' as const),
      type: fc.constantFrom(...types),
      signer: fc.constantFrom(...keyids),
      vendor: fc.boolean(),
      product: products,
      data: fc.record(
        {
          kind: fc.constantFrom<JsonValue>(1, 'a', null),
          city: scalar,
          size: fc.integer({ min: 0, max: 40 }),
          toString: scalar,
        },
        { requiredKeys: [] },
      ),
      happened: fc.constantFrom(undefined, '2025', '2025-12-31', '2026-01-01', '2026-02'),
      expiresInHours: fc.constantFrom(undefined, undefined, 1, 20),
      restsOn: fc.subarray(['x', 'y']),
    }),
  },
);

/** A commitment that counts, and the number of its version in force. */
interface Made {
  readonly statement: CommitmentStatement;
  version: number;
}

type Saying = Exclude<typeof told extends fc.Arbitrary<infer One> ? One : never, { say: 'document' | 'end' }>;

function statementOf(saying: Saying, { statement, version }: Made): RootStatement {
  switch (saying.say) {
    case 'promise':
      return promise({
        id: saying.id,
        acceptance: { all: saying.all },
        ...(saying.product === undefined ? {} : { product: saying.product }),
      });
    case 'amend':
      return amendment(statement, version + 1, { acceptance: { all: saying.all } });
    case 'withdraw':
      return withdrawal(statement, statement.predicate.product);
  }
}

describe('whatever is told', () => {
  test('the fold holds what the plain evaluation holds, at every moment', () => {
    fc.assert(
      fc.property(fc.array(told, { minLength: 20, maxLength: 120, size: 'max' }), (list) => {
        const teller = new Teller();
        const fold = new CommitmentsFold();
        const plain = new PlainFold();
        const made = new Map<string, Made>();
        for (const [at, one] of list.entries()) {
          const atMs = START_MS + at * HOUR_MS;
          const entry = { origin: LOG, leafIndex: at };
          if (one.say === 'end') {
            for (const each of [fold, plain]) each.end({ name: one.name, atMs, entry });
          } else if (one.say === 'document') {
            const { data, expiresInHours, happened, product, restsOn, signer, type, vendor } = one;
            const document: EvidenceDocument = {
              type,
              atMs,
              by: { keyids: [signer], vendor },
              ...(product === undefined ? {} : { product }),
              data: Object.fromEntries(Object.entries(data)),
              ...(happened === undefined ? {} : { happened }),
              ...(expiresInHours === undefined ? {} : { expiresAtMs: atMs + expiresInHours * HOUR_MS }),
              entry,
              restsOn,
            };
            for (const each of [fold, plain]) each.take(document);
          } else {
            const known = made.get(one.id);
            const statement = statementOf(one, known ?? { statement: promise({ id: one.id }), version: 1 });
            const saying = teller.at(new Date(atMs).toISOString(), statement);
            const refusal = plain.say(saying);
            expect(fold.say(saying)?.code).toBe(refusal);
            if (statement.predicateType === COMMITMENT_TYPE && refusal === undefined)
              made.set(one.id, { statement, version: 1 });
            else if (known !== undefined && one.say === 'amend' && refusal === undefined) known.version += 1;
          }
          if (at % 7 === 0) expect(fold.commitments).toEqual(plain.commitments);
        }
        expect(fold.commitments).toEqual(plain.commitments);
        const asOfMs = START_MS + list.length * HOUR_MS;
        for (const [id, facts] of plain.commitments)
          expect(stateAt(fold.commitments.get(id) ?? facts, asOfMs)).toEqual(stateAt(facts, asOfMs));
      }),
      { numRuns: runs(2_000) },
    );
  });
});
