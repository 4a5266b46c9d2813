import {
  COMMITMENT_TYPE,
  type CommitmentAcceptance,
  EVENT_TYPE,
  type JsonValue,
  KEY_ADD_TYPE,
  RELEASE_TYPE,
} from '@vitrine/statements';
import { describe, expect, test } from 'vitest';
import {
  acceptanceInWords,
  CENTRE_COSIGNING_TYPE,
  counts,
  type EvidenceDocument,
  parseAcceptance,
} from './index.ts';

type Schema = { readonly [keyword: string]: JsonValue };

const of = (schema: Schema, more: object = {}, type: string = EVENT_TYPE): CommitmentAcceptance => ({
  all: [{ count: 1, evidence: [{ by: 'anyone', schema, type }], words: 'w', ...more }],
});

const document = (
  data: EvidenceDocument['data'],
  more: Partial<EvidenceDocument> = {},
): EvidenceDocument => ({
  type: EVENT_TYPE,
  atMs: 0,
  by: { keyids: ['a'], vendor: true },
  data,
  entry: { origin: 'l', leafIndex: 0 },
  restsOn: [],
  ...more,
});

const isCounted = (schema: Schema, data: EvidenceDocument['data']): boolean => {
  const [requirement] = parseAcceptance(of(schema));
  return requirement !== undefined && counts(document(data), requirement);
};

describe('a schema', () => {
  const deep = (levels: number): Schema => (levels === 0 ? {} : { properties: { a: deep(levels - 1) } });
  test.each<[string, Schema, EvidenceDocument['data'], boolean]>([
    ['nothing asked', {}, {}, true],
    ['const', { properties: { a: { const: 'x' } } }, { a: 'x' }, true],
    ['const, another', { properties: { a: { const: 'x' } } }, { a: 'y' }, false],
    ['a member that is not required may be missing', { properties: { a: { const: 'x' } } }, {}, true],
    ['required', { required: ['a'] }, {}, false],
    ['what objects inherit is no member', { required: ['toString'] }, {}, false],
    ['nor is it a value', { properties: { toString: false } }, {}, true],
    [
      'const of an object, whatever the order',
      { properties: { a: { const: { x: 1, y: 2 } } } },
      { a: { y: 2, x: 1 } },
      true,
    ],
    ['enum', { properties: { a: { enum: [1, 'b', null] } } }, { a: null }, true],
    ['1 is not "1"', { properties: { a: { enum: [1] } } }, { a: '1' }, false],
    ['type', { properties: { a: { type: 'string' } } }, { a: 1 }, false],
    ['types', { properties: { a: { type: ['string', 'integer'] } } }, { a: 1 }, true],
    ['integer is a number', { properties: { a: { type: 'number' } } }, { a: 1 }, true],
    ['an array is no object', { properties: { a: { type: 'object' } } }, { a: [] }, false],
    ['null is no object', { properties: { a: { type: 'object' } } }, { a: null }, false],
    ['minimum', { properties: { a: { minimum: 3 } } }, { a: 3 }, true],
    ['below the minimum', { properties: { a: { minimum: 3 } } }, { a: 2 }, false],
    ['above the maximum', { properties: { a: { maximum: 3 } } }, { a: 4 }, false],
    ['bounds are for numbers', { properties: { a: { minimum: 3 } } }, { a: 'x' }, true],
    ['length in code points', { properties: { a: { minLength: 2, maxLength: 2 } } }, { a: '😀😀' }, true],
    ['too short', { properties: { a: { minLength: 3 } } }, { a: '😀😀' }, false],
    ['items', { properties: { a: { items: { type: 'string' } } } }, { a: ['x', 1] }, false],
    ['no other members', { properties: { a: {} }, additionalProperties: false }, { a: 1, b: 2 }, false],
    ['allOf', { allOf: [{ required: ['a'] }, { required: ['b'] }] }, { a: 1 }, false],
    ['anyOf', { anyOf: [{ required: ['a'] }, { required: ['b'] }] }, { b: 1 }, true],
    ['oneOf, both', { oneOf: [{ required: ['a'] }, { required: ['b'] }] }, { a: 1, b: 1 }, false],
    ['not', { not: { required: ['a'] } }, { a: 1 }, false],
    ['forbidden member', { properties: { a: false } }, { a: 1 }, false],
    ['8 deep', deep(7), {}, true],
  ])('%s', (_, schema, data, expected) => expect(isCounted(schema, data)).toBe(expected));

  test.each<[string, Schema]>([
    ['/all/0/evidence/0/schema/pattern: the keyword pattern is not understood', { pattern: '(a+)+$' }],
    ['/all/0/evidence/0/schema/properties/a~1b/$ref', { properties: { 'a/b': { $ref: '#' } } }],
    ['/all/0/evidence/0/schema/properties/a: a schema is', { properties: { a: 'x' } }],
    ['/all/0/evidence/0/schema/type', { type: 'date' }],
    ['/all/0/evidence/0/schema/type', { type: [] }],
    ['/all/0/evidence/0/schema/required', { required: ['a', 'a'] }],
    [
      '/all/0/evidence/0/schema/additionalProperties: only false',
      { additionalProperties: { type: 'string' } },
    ],
    ['/all/0/evidence/0/schema/anyOf', { anyOf: [] }],
    ['/all/0/evidence/0/schema/minLength', { minLength: -1 }],
    ['nested deeper than 8', deep(8)],
    ['more than 256 schemas', { anyOf: Array.from({ length: 256 }, () => ({ required: ['a'] })) }],
  ])('is refused: %s', (message, schema) => expect(() => parseAcceptance(of(schema))).toThrow(message));
});

describe('an acceptance that nothing can meet is refused, and says where', () => {
  test.each<[string, CommitmentAcceptance]>([
    ['/all/0/evidence/0/schema: it can never be met: no value', of({ enum: [] })],
    [
      'the required member a is impossible: no value is in all',
      of({ required: ['a'], properties: { a: { enum: ['x'], const: 'y' } } }),
    ],
    [
      'minimum 3 is above its maximum 2',
      of({ required: ['a'], properties: { a: { minimum: 3, maximum: 2 } } }),
    ],
    ['minLength 3 is above', of({ required: ['a'], properties: { a: { minLength: 3, maxLength: 2 } } })],
    [
      'the required member a is impossible: the schema false',
      of({ required: ['a'], properties: { a: false } }),
    ],
    ['additionalProperties is false', of({ required: ['a'], properties: {}, additionalProperties: false })],
    ['no type is in all', of({ type: 'string' })],
    ['none of the values', of({ required: ['a'], properties: { a: { const: 'x', type: 'integer' } } })],
    [
      'the required member a is impossible: no value',
      of({
        allOf: [{ required: ['a'], properties: { a: { const: 1 } } }, { properties: { a: { const: 2 } } }],
      }),
    ],
    [
      'none of its alternatives',
      of({ anyOf: [{ required: ['a'] }, { required: ['b'] }], properties: { a: false, b: false } }),
    ],
    ['not of a schema that everything meets', of({ not: {} })],
    [
      '/all/0/distinctBy: it can never be met: 3 different values are asked for, and only 2',
      of({ properties: { region: { enum: ['Asia', 'Europe'] } } }, { count: 3, distinctBy: '/region' }),
    ],
    [
      'only 0 are possible',
      of({ properties: {}, additionalProperties: false }, { count: 1, distinctBy: '/region' }),
    ],
    ['/all/0/count', of({}, { count: 1001 })],
    ['no evidence', of({}, {}, KEY_ADD_TYPE)],
    ['no evidence', of({}, {}, COMMITMENT_TYPE)],
    [
      '/all/0/evidence/0/by',
      { all: [{ count: 1, words: 'w', evidence: [{ by: 'not-vendor', schema: {}, type: RELEASE_TYPE }] }] },
    ],
  ])('%s', (message, acceptance) => expect(() => parseAcceptance(acceptance)).toThrow(message));

  test('two sorts of evidence together may have enough different values', () => {
    const sort = (region: string) => ({
      by: 'anyone' as const,
      type: EVENT_TYPE,
      schema: { properties: { region: { const: region } } },
    });
    const all = (count: number): CommitmentAcceptance => ({
      all: [{ count, distinctBy: '/region', evidence: [sort('Asia'), sort('Europe')], words: 'w' }],
    });
    expect(parseAcceptance(all(2))).toHaveLength(1);
    expect(() => parseAcceptance(all(3))).toThrow('only 2');
  });

  test('looking for a contradiction ends, however the alternatives are nested', () => {
    const nest = (levels: number): Schema =>
      levels === 0
        ? {}
        : {
            required: ['m'],
            properties: { m: nest(levels - 1) },
            anyOf: Array.from({ length: 60 }, () => ({ required: ['m'] })),
          };
    expect(parseAcceptance(of(nest(4)))).toHaveLength(1);
  });
});

describe('who must have said it', () => {
  const by = (who: CommitmentAcceptance['all'][number]['evidence'][number]['by']) =>
    parseAcceptance({
      all: [
        { count: 1, words: 'w', evidence: [{ by: who, schema: {}, type: 'https://vitrine.dev/opinion/v1' }] },
      ],
    })[0];
  const said = (vendor: boolean, keyid = 'aa'.repeat(32)): EvidenceDocument =>
    document({}, { type: 'https://vitrine.dev/opinion/v1', by: { keyids: [keyid], vendor } });
  test.each([
    ['anyone', 'anyone', true, true],
    ['the vendor', 'vendor', true, true],
    ['the vendor, and it is not', 'vendor', false, false],
    ['not the vendor', 'not-vendor', false, true],
    ['not the vendor, and it is', 'not-vendor', true, false],
    ['a key', ['aa'.repeat(32)], false, true],
    ['another key', ['bb'.repeat(32)], false, false],
  ] as const)('%s', (_, who, vendor, expected) => {
    const requirement = by(typeof who === 'string' ? who : [...who]);
    expect(requirement !== undefined && counts(said(vendor), requirement)).toBe(expected);
  });
});

test('evidence without the member in which it must differ does not count', () => {
  const [requirement] = parseAcceptance(of({}, { count: 2, distinctBy: '/place/city' }));
  if (requirement === undefined) throw new Error('no requirement');
  expect(counts(document({ place: { city: 'Zurich' } }), requirement)).toBe(true);
  expect(counts(document({ place: {} }), requirement)).toBe(false);
  expect(counts(document({}), requirement)).toBe(false);
});

test('an acceptance in words says what the expression asks for', () => {
  expect(
    acceptanceInWords({
      all: [
        {
          count: 1,
          evidence: [
            {
              by: 'anyone',
              type: CENTRE_COSIGNING_TYPE,
              schema: { properties: { region: { const: 'Asia' } }, required: ['region'] },
            },
          ],
          words: 'a centre in Asia that is cosigning',
        },
        {
          count: 3,
          distinctBy: '/city',
          evidence: [
            {
              by: 'vendor',
              type: EVENT_TYPE,
              schema: { properties: { kind: { enum: ['opened', 'moved'] } }, required: ['kind', 'city'] },
            },
            {
              by: 'not-vendor',
              type: 'https://vitrine.dev/opinion/v1',
              schema: { properties: { scope: { minLength: 3 } } },
            },
          ],
          retroactive: true,
          words: 'three cities',
        },
      ],
    }),
  ).toEqual([
    'a centre that is cosigning whose region is “Asia”',
    '3 times: a recorded event by the vendor whose kind is “opened” or “moved” and city is given, or a statement of the type https://vitrine.dev/opinion/v1 by someone who is not the vendor whose scope, if given, has at least 3 characters, each with another city; what was recorded before the promise counts too',
  ]);
});
