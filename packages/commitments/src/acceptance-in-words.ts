// An acceptance in plain English, made from the expression itself: what its author wrote beside it may say something else.

import {
  ARTIFACT_TYPE,
  CENTRE_TYPE,
  type CommitmentAcceptance,
  COMMITMENT_TYPE,
  DISPOSAL_TYPE,
  EVENT_TYPE,
  type JsonValue,
  RELEASE_TYPE,
  SUBMISSION_TYPE,
  WITHDRAWAL_TYPE,
} from '@vitrine/statements';
import { type EvidenceSort, parseAcceptance, type Requirement } from './acceptance.ts';
import { CENTRE_COSIGNING_TYPE } from './centre-cosigning.ts';
import type { Schema } from './json-schema.ts';

const NAMES: ReadonlyMap<string, string> = new Map([
  [ARTIFACT_TYPE, 'an artifact of a release'],
  [CENTRE_COSIGNING_TYPE, 'a centre that is cosigning'],
  [CENTRE_TYPE, 'an announcement of a centre'],
  [COMMITMENT_TYPE, 'a commitment'],
  [DISPOSAL_TYPE, 'a disposal'],
  [EVENT_TYPE, 'a recorded event'],
  [RELEASE_TYPE, 'a release'],
  [SUBMISSION_TYPE, 'a submission at a centre'],
  [WITHDRAWAL_TYPE, 'a withdrawal of a release'],
]);

/**
 * One phrase a requirement, in order; the promise is kept when all are met.
 *
 * @throws CommitmentError `malformed-acceptance`, `impossible-acceptance`
 */
export function acceptanceInWords(acceptance: CommitmentAcceptance): readonly string[] {
  return parseAcceptance(acceptance).map(requirementInWords);
}

function requirementInWords({ count, distinctBy, kinds, retroactive }: Requirement): string {
  const sorts = kinds.map(sortInWords).join(', or ');
  const many = count === 1 ? sorts : `${count} times: ${sorts}`;
  const different =
    count === 1 || distinctBy === undefined ? '' : `, each with another ${distinctBy.join('/')}`;
  return `${many}${different}${retroactive ? '; what was recorded before the promise counts too' : ''}`;
}

function sortInWords({ by, schema, type }: EvidenceSort): string {
  const name = NAMES.get(type) ?? `a statement of the type ${type}`;
  const clauses = constraintsInWords(schema);
  return `${name}${speakerInWords(by)}${clauses.length === 0 ? '' : ` whose ${clauses.join(' and ')}`}`;
}

function speakerInWords(by: EvidenceSort['by']): string {
  switch (by) {
    case 'anyone':
      return '';
    case 'vendor':
      return ' by the vendor';
    case 'not-vendor':
      return ' by someone who is not the vendor';
    default:
      return ` by the ${by.length === 1 ? 'key' : 'keys'} ${by.join(' or ')}`;
  }
}

/** What is asked of the members of an object. */
function constraintsInWords(schema: Schema, path: readonly string[] = []): readonly string[] {
  const own = [...schema.properties].flatMap(([name, member]) => {
    const label = [...path, name].join('/');
    if (member.never) return [`${label} is absent`];
    const given = schema.required.includes(name) ? '' : ', if given,';
    const asked = valueInWords(member).map((words) => `${label}${given} ${words}`);
    return [...asked, ...constraintsInWords(member, [...path, name])];
  });
  const present = schema.required
    .filter((name) => valueInWords(schema.properties.get(name)).length === 0)
    .map((name) => `${[...path, name].join('/')} is given`);
  const closed = schema.closed
    ? [`${path.length === 0 ? 'data has' : `${path.join('/')} has`} no other members`]
    : [];
  return [
    ...own,
    ...present,
    ...closed,
    ...schema.allOf.flatMap((one) => constraintsInWords(one, path)),
    ...branches(schema, path),
  ];
}

function branches({ anyOf, not, oneOf }: Schema, path: readonly string[]): readonly string[] {
  const list = (schemas: readonly Schema[]): string =>
    schemas
      .map(
        (one) => `(${[...valueInWords(one), ...constraintsInWords(one, path)].join(' and ') || 'anything'})`,
      )
      .join(' or ');
  return [
    ...(anyOf === undefined ? [] : [`data meets one of ${list(anyOf)}`]),
    ...(oneOf === undefined ? [] : [`data meets exactly one of ${list(oneOf)}`]),
    ...(not === undefined ? [] : [`data does not meet ${list([not])}`]),
  ];
}

/** What is asked of one value. */
function valueInWords(schema: Schema | undefined): readonly string[] {
  if (schema === undefined) return [];
  const { items, maximum, maxLength, minimum, minLength, types, values } = schema;
  return [
    ...(values === undefined ? [] : [`is ${[...values.values()].map(inWords).join(' or ')}`]),
    ...(types === undefined || values !== undefined ? [] : [`is of type ${types.join(' or ')}`]),
    ...(minimum === undefined ? [] : [`is at least ${minimum}`]),
    ...(maximum === undefined ? [] : [`is at most ${maximum}`]),
    ...(minLength === undefined ? [] : [`has at least ${minLength} characters`]),
    ...(maxLength === undefined ? [] : [`has at most ${maxLength} characters`]),
    ...(items === undefined
      ? []
      : [`has only items of which each ${valueInWords(items).join(' and ') || 'is anything'}`]),
  ];
}

function inWords(value: JsonValue): string {
  return typeof value === 'string' ? `“${value}”` : JSON.stringify(value);
}
