// All commitments of a root log, folded in memory. A server keeps the same facts in its read models; both take the same steps.

import type { Requirement } from './acceptance.ts';
import { parseAcceptance } from './acceptance.ts';
import {
  type CommitmentRefusal,
  endEvidence,
  isCommitmentSaying,
  sayOfCommitment,
  takeEvidence,
} from './commitment.ts';
import type { EvidenceDocument, EvidenceEnd, Told } from './evidence.ts';
import { type CommitmentFacts, inForce } from './facts.ts';
import { type OpenRequirement, RequirementIndex } from './requirement-index.ts';

/** Evidence that was told before: of a promise that looks back, or whose acceptance was amended. */
export interface EarlierEvidence {
  /** In the order of the log. */
  documents(types: ReadonlySet<string>): Iterable<EvidenceDocument>;
  ends(name: string): readonly EvidenceEnd[];
}

/** The types of evidence that a requirement counts. */
export function typesOf(requirements: readonly Requirement[]): ReadonlySet<string> {
  return new Set(requirements.flatMap(({ kinds }) => kinds.map(({ type }) => type)));
}

/** The commitment with what the log already had as evidence for these requirements. */
export function lookBack(
  facts: CommitmentFacts,
  requirements: readonly Requirement[],
  earlier: EarlierEvidence,
): CommitmentFacts {
  if (requirements.length === 0) return facts;
  let now = facts;
  for (const document of earlier.documents(typesOf(requirements))) {
    const ends = document.restsOn.flatMap((name) => earlier.ends(name));
    for (const requirement of requirements) now = takeEvidence(now, requirement, document, ends) ?? now;
  }
  return now;
}

/** Told of everything in the order of the log; keeps the documents that it was told of, for promises that look back. */
export class CommitmentsFold {
  readonly #commitments = new Map<string, CommitmentFacts>();
  readonly #open = new Map<string, readonly OpenRequirement[]>();
  readonly #index = new RequirementIndex();
  readonly #documents = new Map<string, { readonly number: number; readonly document: EvidenceDocument }[]>();
  #number = 0;
  readonly #ends = new Map<string, EvidenceEnd[]>();
  /** Which commitments have evidence that rests on a name. */
  readonly #resting = new Map<string, string[]>();

  /** Every commitment, in the order in which they were made. */
  get commitments(): ReadonlyMap<string, CommitmentFacts> {
    return this.#commitments;
  }

  /** An admitted statement about a commitment; others say nothing here. @returns why it counts for nothing, when it does not count */
  say(told: Told): CommitmentRefusal | undefined {
    const { statement } = told;
    if (!isCommitmentSaying(statement)) return undefined;
    const said = sayOfCommitment(this.#commitments.get(statement.predicate.id), { ...told, statement });
    if (said.refusal !== undefined) return said.refusal;
    const facts = lookBack(said.facts, said.lookBack, {
      documents: (types) => this.#earlier(types),
      ends: (name) => this.#ends.get(name) ?? [],
    });
    this.#keep(facts);
    this.#reopen(facts);
    return undefined;
  }

  /** A piece of evidence. */
  take(document: EvidenceDocument): void {
    append(this.#documents, document.type, { number: this.#number++, document });
    for (const { id, requirement } of this.#index.candidates(document)) {
      const known = this.#commitments.get(id);
      const facts = known === undefined ? undefined : takeEvidence(known, requirement, document);
      if (facts === undefined) continue;
      this.#commitments.set(id, facts);
      for (const name of document.restsOn) this.#rests(name, id);
    }
  }

  /** That what evidence rests on no longer stands. */
  end(end: EvidenceEnd): void {
    append(this.#ends, end.name, end);
    for (const id of this.#resting.get(end.name) ?? []) {
      const facts = this.#commitments.get(id);
      if (facts !== undefined) this.#commitments.set(id, endEvidence(facts, end));
    }
  }

  #keep(facts: CommitmentFacts): void {
    this.#commitments.set(facts.id, facts);
    for (const pieces of inForce(facts).evidence)
      for (const { restsOn } of pieces) for (const name of restsOn) this.#rests(name, facts.id);
  }

  #reopen(facts: CommitmentFacts): void {
    for (const open of this.#open.get(facts.id) ?? []) this.#index.remove(open);
    const { acceptance } = inForce(facts);
    const requirements =
      facts.withdrawal !== undefined || acceptance === undefined ? [] : parseAcceptance(acceptance);
    const open = requirements.map((requirement) => ({ id: facts.id, product: facts.product, requirement }));
    for (const one of open) this.#index.add(one);
    this.#open.set(facts.id, open);
  }

  #rests(name: string, id: string): void {
    // One that stands there twice does no harm, and of one commitment they come together.
    if (this.#resting.get(name)?.at(-1) !== id) append(this.#resting, name, id);
  }

  /** Of several types in the order in which they were told. */
  *#earlier(types: ReadonlySet<string>): Generator<EvidenceDocument> {
    const lists = [...types].map((type) => this.#documents.get(type) ?? []);
    const [only = []] = lists;
    const all =
      lists.length === 1 ? only : lists.flat().toSorted((left, right) => left.number - right.number);
    for (const { document } of all) yield document;
  }
}

function append<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
