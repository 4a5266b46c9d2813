// Acceptances: what keeps a promise, understood once, refused when it could never be met.

import {
  type CommitmentAcceptance,
  isPredicateType,
  type JsonValue,
  predicateTypes,
} from '@vitrine/statements';
import { CommitmentError } from './error.ts';
import { type EvidenceDocument, isEvidenceType } from './evidence.ts';
import {
  canonical,
  compileSchema,
  memberOf,
  parseSchema,
  possibleValues,
  type Schema,
  type Test,
  whyImpossible,
  whyMemberImpossible,
} from './json-schema.ts';

/** More pieces of evidence than anybody reads. */
const MAX_COUNT = 1000;

/** One part of an acceptance. */
export interface Requirement {
  /** Its place in the acceptance, from 0. */
  readonly index: number;
  readonly count: number;
  /** The path to the member whose values must differ. */
  readonly distinctBy?: readonly string[];
  readonly kinds: readonly EvidenceSort[];
  readonly retroactive: boolean;
  readonly words: string;
}

/** One sort of evidence that counts for a requirement. */
export interface EvidenceSort {
  readonly type: string;
  readonly by: 'anyone' | 'not-vendor' | 'vendor' | readonly string[];
  readonly schema: Schema;
  /** Of the schema. */
  readonly test: Test;
}

/**
 * Understands an acceptance.
 *
 * @throws CommitmentError `malformed-acceptance` (a schema outside the part of JSON Schema that docs/formats/commitments.md names),
 * `impossible-acceptance` (as far as it can be seen nothing can ever meet it); the message says where, as a JSON Pointer
 */
export function parseAcceptance({ all }: CommitmentAcceptance): readonly Requirement[] {
  return all.map(({ count, distinctBy, evidence, retroactive, words }, index) => {
    const at = `/all/${index}`;
    if (count > MAX_COUNT) throw impossible(`${at}/count`, `more than ${MAX_COUNT} pieces of evidence`);
    const kinds = evidence.map(({ by, schema, type }, i) => {
      const here = `${at}/evidence/${i}`;
      const understood = parseSchema(schema, `${here}/schema`);
      const sort = { type, by, schema: understood, test: compileSchema(understood) };
      refuseImpossible(sort, here);
      return sort;
    });
    const path = distinctBy === undefined ? undefined : parsePointer(distinctBy);
    if (path !== undefined) refuseTooFewValues(kinds, path, count, at);
    return {
      index,
      count,
      ...(path === undefined ? {} : { distinctBy: path }),
      kinds,
      retroactive: retroactive === true,
      words,
    };
  });
}

/** Whether a document is evidence for the requirement, whatever its product and time. */
export function counts(document: EvidenceDocument, { distinctBy, kinds }: Requirement): boolean {
  if (distinctBy !== undefined && memberAt(document, distinctBy) === undefined) return false;
  for (const { by, test, type } of kinds)
    if (type === document.type && isBy(document, by) && test(document.data)) return true;
  return false;
}

/** What makes this piece of evidence different from others, as one comparable text; undefined where the document has no such member. */
export function valueAt(document: EvidenceDocument, path: readonly string[]): string | undefined {
  const value = memberAt(document, path);
  return value === undefined ? undefined : canonical(value);
}

function memberAt({ data }: EvidenceDocument, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = data;
  for (const name of path) value = value === undefined ? undefined : memberOf(value, name);
  return value;
}

function isBy({ by: { keyids, vendor } }: EvidenceDocument, by: EvidenceSort['by']): boolean {
  switch (by) {
    case 'anyone':
      return true;
    case 'vendor':
      return vendor;
    case 'not-vendor':
      return !vendor;
    default:
      return keyids.some((keyid) => by.includes(keyid));
  }
}

function refuseImpossible({ by, schema, type }: EvidenceSort, at: string): void {
  const log = isPredicateType(type) ? predicateTypes[type].log : undefined;
  if (log === 'keys') throw impossible(`${at}/type`, 'statements of the keys log are no evidence');
  if (!isEvidenceType(type))
    throw impossible(`${at}/type`, 'what the log says of itself, and promises, are no evidence');
  if (log === 'statements' && by === 'not-vendor')
    throw impossible(`${at}/by`, 'the root log admits this type from the vendor’s own keys only');
  // Evidence is always an object.
  const object = parseSchema({ type: 'object' }, at);
  const why = whyImpossible([object, schema]);
  if (why !== undefined) throw impossible(`${at}/schema`, why);
}

function refuseTooFewValues(
  kinds: readonly EvidenceSort[],
  path: readonly string[],
  count: number,
  at: string,
): void {
  const [first = ''] = path;
  const all = new Set<string>();
  let countable = true;
  for (const { schema } of kinds) {
    if (whyMemberImpossible([schema], first) !== undefined) continue;
    const values = possibleValues([schema], path);
    if (values === undefined) countable = false;
    else for (const text of values.keys()) all.add(text);
  }
  if (countable && all.size < count)
    throw impossible(
      `${at}/distinctBy`,
      `${count} different values are asked for, and only ${all.size} are possible`,
    );
}

function parsePointer(pointer: string): readonly string[] {
  return pointer
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function impossible(at: string, why: string): CommitmentError {
  return new CommitmentError('impossible-acceptance', `${at}: it can never be met: ${why}`);
}
