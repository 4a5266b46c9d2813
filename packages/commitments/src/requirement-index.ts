// Which requirements a document is evidence for, without looking at the others: ten thousand promises meet a million documents.

import type { JsonValue } from '@vitrine/statements';
import type { EvidenceSort, Requirement } from './acceptance.ts';
import type { EvidenceDocument } from './evidence.ts';
import { canonical, compileSchema, possibleValues, requiredMembers, type Test } from './json-schema.ts';

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

/** A requirement, and what its schema still asks of a document that was found to have its members with their values. */
interface Place<Open> {
  readonly open: Open;
  readonly test: Test;
}

/** Those that look at no more members stand here; the others below a member and its value. */
interface Node<Open> {
  readonly here: Place<Open>[];
  readonly below: Branch<Open>[];
}

interface Branch<Open> {
  readonly member: string;
  readonly byValue: Map<Scalar, Node<Open>>;
}

/** By who must have said it. */
interface Speakers<Open> {
  readonly anyone: Node<Open>;
  readonly vendor: Node<Open>;
  readonly notVendor: Node<Open>;
  readonly keys: Map<string, Node<Open>>;
}

export class RequirementIndex<Open extends OpenRequirement> {
  /** By type, then by product. */
  readonly #types = new Map<string, Map<string | undefined, Speakers<Open>>>();
  readonly #nodesOf = new Map<Open, Node<Open>[]>();

  add(open: Open): void {
    const places: Node<Open>[] = [];
    for (const sort of open.requirement.kinds) {
      const products = entryOf(this.#types, sort.type, () => new Map<string | undefined, Speakers<Open>>());
      const speakers = entryOf(products, open.product, newSpeakers<Open>);
      for (const root of rootsFor(speakers, sort)) {
        const { members, nodes } = nodesFor(root, sort);
        const test = compileSchema(sort.schema, members);
        for (const { here } of nodes) here.push({ open, test });
        places.push(...nodes);
      }
    }
    this.#nodesOf.set(open, places);
  }

  remove(open: Open): void {
    for (const { here } of this.#nodesOf.get(open) ?? []) {
      const at = here.findIndex((place) => place.open === open);
      if (at >= 0) here.splice(at, 1);
    }
    this.#nodesOf.delete(open);
  }

  /** Those of which the document is one of the sorts of evidence. */
  metBy(document: EvidenceDocument): readonly Open[] {
    const { product, type } = document;
    const products = this.#types.get(type);
    if (products === undefined) return [];
    const found: Open[] = [];
    collectSaid(products.get(undefined), document, found);
    if (product !== undefined) collectSaid(products.get(product), document, found);
    // One with several sorts of evidence may have been found by each.
    return found.length < 2 ? found : [...new Set(found)];
  }
}

function newNode<Open>(): Node<Open> {
  return { here: [], below: [] };
}

function newSpeakers<Open>(): Speakers<Open> {
  return { anyone: newNode(), vendor: newNode(), notVendor: newNode(), keys: new Map() };
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function rootsFor<Open>(speakers: Speakers<Open>, { by }: EvidenceSort): readonly Node<Open>[] {
  if (by === 'anyone') return [speakers.anyone];
  if (by === 'vendor') return [speakers.vendor];
  if (by === 'not-vendor') return [speakers.notVendor];
  return by.map((keyid) => entryOf(speakers.keys, keyid, newNode<Open>));
}

/** The nodes for each combination of values that the schema leaves to its required members, and which members these are. */
function nodesFor<Open>(
  root: Node<Open>,
  { schema }: EvidenceSort,
): { readonly nodes: readonly Node<Open>[]; readonly members: ReadonlySet<string> } {
  let nodes: readonly Node<Open>[] = [root];
  const members = new Set<string>();
  for (const name of [...requiredMembers(schema)].sort()) {
    const possible = possibleValues([schema], [name]);
    const values = [...(possible?.values() ?? [])].filter(isScalar);
    if (possible?.size !== values.length || values.length * nodes.length > MAX_BRANCHES) continue;
    nodes = nodes.flatMap((node) => {
      const { byValue } = branchFor(node, name);
      return values.map((value) => entryOf(byValue, value, newNode<Open>));
    });
    members.add(name);
  }
  return { nodes, members };
}

function branchFor<Open>({ below }: Node<Open>, member: string): Branch<Open> {
  const known = below.find((branch) => branch.member === member);
  if (known !== undefined) return known;
  const made = { member, byValue: new Map<Scalar, Node<Open>>() };
  below.push(made);
  return made;
}

function isScalar(value: JsonValue | undefined): value is Scalar {
  return value === null || (typeof value !== 'object' && value !== undefined);
}

function collectSaid<Open>(
  speakers: Speakers<Open> | undefined,
  { by: { keyids, vendor }, data }: EvidenceDocument,
  found: Open[],
): void {
  if (speakers === undefined) return;
  collect(speakers.anyone, data, found);
  collect(vendor ? speakers.vendor : speakers.notVendor, data, found);
  if (speakers.keys.size === 0) return;
  for (const keyid of keyids) {
    const root = speakers.keys.get(keyid);
    if (root !== undefined) collect(root, data, found);
  }
}

function collect<Open>({ below, here }: Node<Open>, data: EvidenceDocument['data'], found: Open[]): void {
  for (const { open, test } of here) if (test(data)) found.push(open);
  for (const { byValue, member } of below) {
    const value = data[member];
    const node = isScalar(value) ? byValue.get(value) : undefined;
    if (node !== undefined) collect(node, data, found);
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
