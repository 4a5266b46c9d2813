// The part of JSON Schema (2020-12) in which an acceptance says what evidence must look like: interpreted, so that it runs under a
// strict content-security policy, and bounded, because the one who writes it may be hostile. What is not in this part is refused:
// a keyword that one implementation applies and the next ignores would let two readers disagree about a promise.

import type { JsonValue } from '@vitrine/statements';
import { CommitmentError } from './error.ts';

const MAX_DEPTH = 8;
const MAX_NODES = 256;
const MAX_ENUM = 64;

const TYPES = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'] as const;

type TypeName = (typeof TYPES)[number];
type JsonObject = { readonly [member: string]: JsonValue };

/** A schema that was understood. */
export interface Schema {
  /** True for the schema `false`, which nothing meets. */
  readonly never: boolean;
  readonly types?: readonly TypeName[];
  /** `const` is an enum of one. Canonical JSON of each value beside it. */
  readonly values?: ReadonlyMap<string, JsonValue>;
  readonly properties: ReadonlyMap<string, Schema>;
  readonly required: readonly string[];
  /** Whether members that `properties` does not name are forbidden. */
  readonly closed: boolean;
  readonly items?: Schema;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly allOf: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
}

/**
 * Understands a schema, or refuses it.
 *
 * @param at where it stands, as a JSON Pointer, for messages
 * @throws CommitmentError `malformed-acceptance`: an unknown keyword, a keyword with a value that it cannot have, nested more than 8
 * deep or more than 256 schemas
 */
export function parseSchema(schema: JsonValue, at: string): Schema {
  let nodes = 0;

  function parse(node: JsonValue, pointer: string, depth: number): Schema {
    nodes += 1;
    if (depth > MAX_DEPTH) throw malformed(pointer, `schemas nested deeper than ${MAX_DEPTH}`);
    if (nodes > MAX_NODES) throw malformed(pointer, `more than ${MAX_NODES} schemas in one`);
    if (typeof node === 'boolean') return { ...EMPTY, never: !node };
    if (!isObject(node)) throw malformed(pointer, 'a schema is an object, true or false');
    const parsed: { -readonly [Member in keyof Schema]: Schema[Member] } = { ...EMPTY };
    const sub = (value: JsonValue, path: string): Schema => parse(value, path, depth + 1);
    const subs = (value: JsonValue, path: string): readonly Schema[] => {
      if (!isArray(value) || value.length === 0) throw malformed(path, 'expected one schema or more');
      return value.map((one, i) => sub(one, `${path}/${i}`));
    };
    for (const [keyword, value] of Object.entries(node)) {
      const path = `${pointer}/${escapePointer(keyword)}`;
      switch (keyword) {
        case 'type':
          parsed.types = parseTypes(value, path);
          break;
        case 'const':
          parsed.values = intersect(parsed.values, [value]);
          break;
        case 'enum':
          if (!isArray(value) || value.length > MAX_ENUM)
            throw malformed(path, `expected a list of at most ${MAX_ENUM} values`);
          parsed.values = intersect(parsed.values, value);
          break;
        case 'properties':
          if (!isObject(value)) throw malformed(path, 'expected an object of schemas');
          parsed.properties = new Map(
            Object.entries(value).map(([name, one]) => [name, sub(one, `${path}/${escapePointer(name)}`)]),
          );
          break;
        case 'required':
          if (
            !isArray(value) ||
            !value.every((name) => typeof name === 'string') ||
            new Set(value).size !== value.length
          )
            throw malformed(path, 'expected a list of different names');
          parsed.required = value;
          break;
        case 'additionalProperties':
          if (value !== false) throw malformed(path, 'only false is understood');
          parsed.closed = true;
          break;
        case 'items':
          parsed.items = sub(value, path);
          break;
        case 'minLength':
        case 'maxLength':
          if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
            throw malformed(path, 'expected a whole number from 0');
          parsed[keyword] = value;
          break;
        case 'minimum':
        case 'maximum':
          if (typeof value !== 'number' || !Number.isSafeInteger(value))
            throw malformed(path, 'expected a whole number');
          parsed[keyword] = value;
          break;
        case 'allOf':
        case 'anyOf':
        case 'oneOf':
          parsed[keyword] = subs(value, path);
          break;
        case 'not':
          parsed.not = sub(value, path);
          break;
        default:
          throw malformed(path, `the keyword ${keyword} is not understood`);
      }
    }
    return parsed;
  }

  return parse(schema, at, 1);
}

/** Whether a value meets a schema. JSON Schema Core and Validation, 2020-12. */
export type Test = (value: JsonValue) => boolean;

/**
 * The test of a schema, put together once from closures, for values that come by the million.
 *
 * @param proven members that the values are known to have, with values that the schema allows them
 */
export function compileSchema(schema: Schema, proven: ReadonlySet<string> = new Set()): Test {
  const { allOf, anyOf, items, maximum, minimum, never, not, oneOf, types, values } = schema;
  if (never) return () => false;
  const tests: Test[] = [];
  if (types !== undefined) tests.push((value) => types.some((type) => isOfType(value, type)));
  if (values !== undefined) tests.push(compileValues(values));
  if (minimum !== undefined || maximum !== undefined) {
    const [low, high] = [minimum ?? -Infinity, maximum ?? Infinity];
    tests.push((value) => typeof value !== 'number' || (value >= low && value <= high));
  }
  if (schema.minLength !== undefined || schema.maxLength !== undefined) tests.push(compileLength(schema));
  if (items !== undefined) {
    const item = compileSchema(items);
    tests.push((value) => !isArray(value) || value.every(item));
  }
  if (schema.closed || schema.required.length > 0 || schema.properties.size > 0)
    tests.push(compileMembers(schema, proven));
  tests.push(...allOf.map((one) => compileSchema(one, proven)));
  if (anyOf !== undefined) {
    const alternatives = anyOf.map((one) => compileSchema(one));
    tests.push((value) => alternatives.some((test) => test(value)));
  }
  if (oneOf !== undefined) {
    const alternatives = oneOf.map((one) => compileSchema(one));
    tests.push((value) => alternatives.filter((test) => test(value)).length === 1);
  }
  if (not !== undefined) {
    const forbidden = compileSchema(not);
    tests.push((value) => !forbidden(value));
  }
  return every(tests);
}

/** Why nothing can meet all of these schemas, as far as that can be seen; undefined when something may. */
export function whyImpossible(all: readonly Schema[]): string | undefined {
  return whyNothingMeets(conjuncts(all), { steps: MAX_STEPS });
}

/** Why no object that meets the schemas can have the member. */
export function whyMemberImpossible(all: readonly Schema[], name: string): string | undefined {
  return whyNoMember(conjuncts(all), name, { steps: MAX_STEPS });
}

// Alternatives within members within alternatives multiply: what is not seen in so many steps is not seen.
const MAX_STEPS = 20_000;

interface Budget {
  steps: number;
}

function whyNothingMeets(parts: readonly Schema[], budget: Budget): string | undefined {
  budget.steps -= parts.length;
  if (budget.steps < 0) return undefined;
  if (parts.some(({ never }) => never)) return 'the schema false is met by nothing';
  const values = valuesOf(parts);
  if (values !== undefined) {
    if (values.size === 0) return 'no value is in all of its enum and const';
    return [...values.values()].some(every(parts.map((one) => compileSchema(one))))
      ? undefined
      : 'none of the values that its enum and const allow meets the rest of it';
  }
  return (
    whyBoundsContradict(parts) ??
    whyMembersContradict(parts, budget) ??
    whyNoAlternative(parts, budget) ??
    (parts.some(({ not }) => not !== undefined && isUnconstrained(not))
      ? 'not of a schema that everything meets'
      : undefined)
  );
}

function whyBoundsContradict(parts: readonly Schema[]): string | undefined {
  const low = Math.max(...parts.map(({ minimum }) => minimum ?? -Infinity));
  const high = Math.min(...parts.map(({ maximum }) => maximum ?? Infinity));
  if (low > high) return `its minimum ${low} is above its maximum ${high}`;
  const shortest = Math.max(...parts.map(({ minLength }) => minLength ?? 0));
  const longest = Math.min(...parts.map(({ maxLength }) => maxLength ?? Infinity));
  if (shortest > longest) return `its minLength ${shortest} is above its maxLength ${longest}`;
  return TYPES.some((type) => parts.every(({ types }) => allowsType(types, type)))
    ? undefined
    : 'no type is in all of its types';
}

function whyMembersContradict(parts: readonly Schema[], budget: Budget): string | undefined {
  for (const name of new Set(parts.flatMap(({ required }) => required))) {
    const why = whyNoMember(parts, name, budget);
    if (why !== undefined) return `the required member ${name} is impossible: ${why}`;
  }
  return undefined;
}

function whyNoMember(parts: readonly Schema[], name: string, budget: Budget): string | undefined {
  if (parts.some(({ closed, properties }) => closed && !properties.has(name)))
    return 'additionalProperties is false and properties does not name it';
  return whyNothingMeets(conjuncts(memberSchemas(parts, name)), budget);
}

function whyNoAlternative(parts: readonly Schema[], budget: Budget): string | undefined {
  const besides = parts.map(({ anyOf, oneOf, ...part }): Schema => part);
  const impossible = (branch: Schema): boolean =>
    whyNothingMeets([...besides, ...conjuncts([branch])], budget) !== undefined;
  return parts.some(
    ({ anyOf, oneOf }) => anyOf?.every(impossible) === true || oneOf?.every(impossible) === true,
  )
    ? 'none of its alternatives is possible'
    : undefined;
}

/**
 * The only values that the member at a path can have in what meets the schemas, by the canonical JSON of each; undefined when they are not
 * a list that can be seen.
 */
export function possibleValues(
  all: readonly Schema[],
  path: readonly string[],
): ReadonlyMap<string, JsonValue> | undefined {
  let parts = conjuncts(all);
  for (const name of path) parts = conjuncts(memberSchemas(parts, name));
  const values = valuesOf(parts);
  if (values === undefined) return undefined;
  const test = every(parts.map((one) => compileSchema(one)));
  return new Map([...values].filter(([, value]) => test(value)));
}

/** The members that everything that meets the schema has. */
export function requiredMembers(schema: Schema): readonly string[] {
  return [...new Set(conjuncts([schema]).flatMap(({ required }) => required))];
}

/** One spelling for each value, whatever the order of its members. */
export function canonical(value: JsonValue): string {
  if (isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The member of that very value: what objects inherit is not in the JSON. */
export function memberOf(value: JsonValue, name: string): JsonValue | undefined {
  if (isObject(value)) return Object.hasOwn(value, name) ? value[name] : undefined;
  return isArray(value) && /^(?:0|[1-9][0-9]{0,8})$/.test(name) ? value[Number(name)] : undefined;
}

const EMPTY: Schema = { never: false, properties: new Map(), required: [], closed: false, allOf: [] };

function parseTypes(value: JsonValue, path: string): readonly TypeName[] {
  const names = isArray(value) ? value : [value];
  const types = names.map((name) => {
    const known = TYPES.find((type) => type === name);
    if (known === undefined) throw malformed(path, `expected one or more of ${TYPES.join(', ')}`);
    return known;
  });
  if (types.length === 0 || new Set(types).size !== types.length)
    throw malformed(path, 'expected different types');
  return types;
}

function intersect(
  before: ReadonlyMap<string, JsonValue> | undefined,
  values: readonly JsonValue[],
): ReadonlyMap<string, JsonValue> {
  const spelt = new Map(values.map((value) => [canonical(value), value]));
  return before === undefined ? spelt : new Map([...before].filter(([text]) => spelt.has(text)));
}

function isOfType(value: JsonValue, type: TypeName): boolean {
  switch (type) {
    case 'array':
      return isArray(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    case 'number':
      return typeof value === 'number';
    case 'object':
      return isObject(value);
    case 'string':
      return typeof value === 'string';
  }
}

function every(tests: readonly Test[]): Test {
  const [only = () => true] = tests;
  if (tests.length < 2) return only;
  return (value) => {
    for (const test of tests) if (!test(value)) return false;
    return true;
  };
}

function compileValues(values: ReadonlyMap<string, JsonValue>): Test {
  const scalars = new Set([...values.values()].filter((value) => !isObject(value) && !isArray(value)));
  const [only] = scalars;
  if (values.size === 1 && only !== undefined) return (value) => value === only;
  // Only objects and lists need a canonical form to be found.
  return (value) =>
    typeof value === 'object' && value !== null ? values.has(canonical(value)) : scalars.has(value);
}

function compileLength({ maxLength = Infinity, minLength = 0 }: Schema): Test {
  return (value) => {
    if (typeof value !== 'string') return true;
    // Characters are code points (RFC 8259), not UTF-16 code units.
    const length = Array.from(value).length;
    return length >= minLength && length <= maxLength;
  };
}

function compileMembers({ closed, properties, required }: Schema, proven: ReadonlySet<string>): Test {
  const names = [...new Set([...required, ...properties.keys()])].filter((name) => !proven.has(name));
  const members = names.map((name) => {
    const schema = properties.get(name);
    return {
      name,
      isRequired: required.includes(name),
      test: schema === undefined ? undefined : compileSchema(schema),
    };
  });
  return (value) => {
    if (!isObject(value)) return true;
    for (const { isRequired, name, test } of members) {
      const member = memberOf(value, name);
      if (member === undefined ? isRequired : test?.(member) === false) return false;
    }
    return !closed || Object.keys(value).every((name) => properties.has(name));
  };
}

function conjuncts(all: readonly Schema[]): readonly Schema[] {
  return all.flatMap((schema) => [schema, ...conjuncts(schema.allOf)]);
}

function valuesOf(parts: readonly Schema[]): ReadonlyMap<string, JsonValue> | undefined {
  let values: ReadonlyMap<string, JsonValue> | undefined;
  for (const part of parts)
    if (part.values !== undefined) values = intersect(values, [...part.values.values()]);
  return values;
}

function memberSchemas(parts: readonly Schema[], name: string): readonly Schema[] {
  return parts.flatMap(({ properties }) => properties.get(name) ?? []);
}

function allowsType(types: readonly TypeName[] | undefined, type: TypeName): boolean {
  return types === undefined || types.includes(type) || (type === 'integer' && types.includes('number'));
}

function isUnconstrained({ never, allOf, ...schema }: Schema): boolean {
  const { closed, properties, required, ...rest } = schema;
  return (
    !never &&
    !closed &&
    required.length === 0 &&
    [...properties.values(), ...allOf].every(isUnconstrained) &&
    Object.keys(rest).length === 0
  );
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function malformed(pointer: string, problem: string): CommitmentError {
  return new CommitmentError('malformed-acceptance', `${pointer}: ${problem}`);
}
