// Which requirements a document may be evidence for, without looking at the others: ten thousand promises meet a million documents.

import type { JsonValue } from '@vitrine/statements';
import type { EvidenceSort, Requirement } from './acceptance.ts';
import type { EvidenceDocument } from './evidence.ts';
import { canonical, possibleValues, requiredMembers } from './json-schema.ts';

/** A requirement of the version in force of a commitment. */
export interface OpenRequirement {
  readonly id: string;
  readonly product: string | undefined;
  readonly requirement: Requirement;
}

/** A requirement with many possible values stands under each of them; with more than this, under none. */
const MAX_BRANCHES = 64;

/** Objects and lists are looked at only after they were found. */
type Scalar = string | number | boolean | null;

/** Those that look at no more members stand here; the others below a member and its value. */
interface Node {
  readonly here: Set<OpenRequirement>;
  readonly below: Map<string, Map<Scalar, Node>>;
}

/** Of one type: by product, then by who must have said it. */
type Speakers = Map<string | undefined, Map<string, Node>>;

export class RequirementIndex {
  readonly #types = new Map<string, Speakers>();
  readonly #placesOf = new Map<OpenRequirement, Set<OpenRequirement>[]>();

  add(open: OpenRequirement): void {
    const places: Set<OpenRequirement>[] = [];
    for (const sort of open.requirement.kinds) {
      const products = entryOf(this.#types, sort.type, (): Speakers => new Map());
      const speakers = entryOf(products, open.product, () => new Map<string, Node>());
      for (const speaker of typeof sort.by === 'string' ? [sort.by] : sort.by) {
        for (const { here } of nodesFor(entryOf(speakers, speaker, newNode), sort)) {
          here.add(open);
          places.push(here);
        }
      }
    }
    this.#placesOf.set(open, places);
  }

  remove(open: OpenRequirement): void {
    for (const place of this.#placesOf.get(open) ?? []) place.delete(open);
    this.#placesOf.delete(open);
  }

  /** Those for which the document may be evidence: no other is met by it. */
  candidates({ by, data, product, type }: EvidenceDocument): ReadonlySet<OpenRequirement> {
    const found = new Set<OpenRequirement>();
    const products = this.#types.get(type);
    if (products === undefined) return found;
    for (const about of product === undefined ? [undefined] : [undefined, product]) {
      const speakers = products.get(about);
      if (speakers === undefined) continue;
      collect(speakers.get('anyone'), data, found);
      collect(speakers.get(by.vendor ? 'vendor' : 'not-vendor'), data, found);
      for (const keyid of by.keyids) collect(speakers.get(keyid), data, found);
    }
    return found;
  }
}

function newNode(): Node {
  return { here: new Set(), below: new Map() };
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** The nodes for each combination of values that the schema leaves to its required members. */
function nodesFor(root: Node, { schema }: EvidenceSort): readonly Node[] {
  let nodes: readonly Node[] = [root];
  for (const name of [...requiredMembers(schema)].sort()) {
    const possible = possibleValues([schema], [name]);
    const values = [...(possible?.values() ?? [])].filter(isScalar);
    if (possible?.size !== values.length || values.length * nodes.length > MAX_BRANCHES) continue;
    nodes = nodes.flatMap((node) => {
      const byValue = entryOf(node.below, name, () => new Map<Scalar, Node>());
      return values.map((value) => entryOf(byValue, value, newNode));
    });
  }
  return nodes;
}

function isScalar(value: JsonValue | undefined): value is Scalar {
  return value === null || (typeof value !== 'object' && value !== undefined);
}

function collect(node: Node | undefined, data: EvidenceDocument['data'], found: Set<OpenRequirement>): void {
  if (node === undefined) return;
  for (const open of node.here) found.add(open);
  for (const [name, byValue] of node.below) {
    const value = data[name];
    if (isScalar(value)) collect(byValue.get(value), data, found);
  }
}

/** What a document must have to be looked at for a requirement: a type, and a value of a member where the schema leaves few. */
export interface Interest {
  readonly type: string;
  /** Empty when any value will do. `value`: as canonical JSON. */
  readonly member: string;
  readonly value: string;
}

/** For an index in a table: for each sort of evidence the values of the one member that is the most telling. */
export function interestsOf({ kinds }: Requirement): readonly Interest[] {
  return kinds.flatMap(({ schema, type }) => {
    const telling = requiredMembers(schema)
      .flatMap((member) => {
        const values = possibleValues([schema], [member]);
        return values === undefined || values.size > MAX_BRANCHES ? [] : [{ member, values }];
      })
      .sort((left, right) => left.values.size - right.values.size)[0];
    return telling === undefined
      ? [{ type, member: '', value: '' }]
      : [...telling.values.keys()].map((value) => ({ type, member: telling.member, value }));
  });
}

/** The interests that a document meets. */
export function interestsMetBy({ data, type }: EvidenceDocument): readonly Interest[] {
  return [
    { type, member: '', value: '' },
    ...Object.entries(data).map(([member, value]) => ({ type, member, value: canonical(value) })),
  ];
}
