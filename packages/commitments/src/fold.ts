// All commitments of a root log, folded in memory. A server keeps the same facts in its read models; both take the same steps.

import type { Requirement } from './acceptance.ts';
import { parseAcceptance } from './acceptance.ts';
import {
  type CommitmentRefusal,
  endEvidence,
  gatheringFor,
  isAbout,
  isCommitmentSaying,
  sayOfCommitment,
  withGathered,
} from './commitment.ts';
import type { EvidenceDocument, EvidenceEnd, Told } from './evidence.ts';
import { type CommitmentFacts, inForce } from './facts.ts';
import type { Gathering } from './gathering.ts';
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
  const gatherings = requirements.map((requirement) => gatheringFor(facts, requirement));
  for (const document of earlier.documents(typesOf(requirements))) {
    if (!isAbout(facts, document)) continue;
    // It had ended before this was asked for.
    if (document.voided !== undefined && document.voided.atMs <= inForce(facts).atMs) continue;
    // The first that was told ended it, whichever name it spoke of.
    const ends = document.restsOn
      .flatMap((name) => earlier.ends(name))
      .sort((left, right) => left.entry.leafIndex - right.entry.leafIndex);
    for (const gathering of gatherings) gathering.take(document, ends);
  }
  return withGathered(facts, gatherings);
}

/** A requirement of a commitment that new documents may be evidence for. */
interface GatheringRequirement extends OpenRequirement {
  readonly gathering: Gathering;
}

/** Documents in the order in which they were told, and the number of each among all. */
interface NumberedDocuments {
  readonly documents: EvidenceDocument[];
  readonly numbers: number[];
}

/** Told of everything in the order of the log; keeps the documents that it was told of, for promises that look back. */
export class CommitmentsFold {
  /** Without the evidence that the {@link #grown} have gathered since. */
  readonly #commitments = new Map<string, CommitmentFacts>();
  readonly #grown = new Set<string>();
  readonly #open = new Map<string, readonly GatheringRequirement[]>();
  readonly #index = new RequirementIndex<GatheringRequirement>();
  /** By type. */
  readonly #documents = new Map<string, NumberedDocuments>();
  #number = 0;
  readonly #ends = new Map<string, EvidenceEnd[]>();
  /** Which commitments have evidence that rests on a name. */
  readonly #resting = new Map<string, string[]>();

  /** Every commitment, in the order in which they were made. */
  get commitments(): ReadonlyMap<string, CommitmentFacts> {
    for (const id of this.#grown) {
      const facts = this.#known(id);
      if (facts !== undefined) this.#commitments.set(id, facts);
    }
    this.#grown.clear();
    return this.#commitments;
  }

  /** An admitted statement about a commitment; others say nothing here. @returns why it counts for nothing, when it does not count */
  say(told: Told): CommitmentRefusal | undefined {
    const { statement } = told;
    if (!isCommitmentSaying(statement)) return undefined;
    const said = sayOfCommitment(this.#known(statement.predicate.id), { ...told, statement });
    if (said.refusal !== undefined) return said.refusal;
    const facts = lookBack(said.facts, said.lookBack, {
      documents: (types) => this.#earlier(types),
      ends: (name) => this.#ends.get(name) ?? [],
    });
    for (const pieces of inForce(facts).evidence)
      for (const { restsOn } of pieces) for (const name of restsOn) this.#rests(name, facts.id);
    this.#keep(facts);
    return undefined;
  }

  /** A piece of evidence. */
  take(document: EvidenceDocument): void {
    this.#remember(document);
    for (const { gathering, id } of this.#index.metBy(document)) {
      if (!gathering.takeCounting(document)) continue;
      this.#grown.add(id);
      for (const name of document.restsOn) this.#rests(name, id);
    }
  }

  /** That what evidence rests on no longer stands. */
  end(end: EvidenceEnd): void {
    append(this.#ends, end.name, end);
    for (const id of this.#resting.get(end.name) ?? []) {
      const known = this.#known(id);
      if (known === undefined) continue;
      const facts = endEvidence(known, end);
      this.#commitments.set(id, facts);
      this.#grown.delete(id);
      for (const { gathering } of this.#open.get(id) ?? []) gathering.restart(inForce(facts).evidence);
    }
  }

  #known(id: string): CommitmentFacts | undefined {
    const facts = this.#commitments.get(id);
    const open = this.#open.get(id) ?? [];
    return facts === undefined
      ? undefined
      : withGathered(
          facts,
          open.map(({ gathering }) => gathering),
        );
  }

  /** From now on documents are gathered for its version in force. */
  #keep(facts: CommitmentFacts): void {
    this.#commitments.set(facts.id, facts);
    this.#grown.delete(facts.id);
    for (const open of this.#open.get(facts.id) ?? []) this.#index.remove(open);
    const { acceptance } = inForce(facts);
    const requirements =
      facts.withdrawal !== undefined || acceptance === undefined ? [] : parseAcceptance(acceptance);
    const open = requirements.map((requirement) => ({
      id: facts.id,
      product: facts.product,
      requirement,
      gathering: gatheringFor(facts, requirement),
    }));
    for (const one of open) this.#index.add(one);
    this.#open.set(facts.id, open);
  }

  #remember(document: EvidenceDocument): void {
    let told = this.#documents.get(document.type);
    if (told === undefined) {
      told = { documents: [], numbers: [] };
      this.#documents.set(document.type, told);
    }
    told.documents.push(document);
    told.numbers.push(this.#number++);
  }

  #rests(name: string, id: string): void {
    const ids = this.#resting.get(name);
    if (ids === undefined) this.#resting.set(name, [id]);
    // One that stands there twice does no harm, and of one commitment they come together.
    else if (ids.at(-1) !== id) ids.push(id);
  }

  /** Of several types in the order in which they were told. */
  *#earlier(types: ReadonlySet<string>): Generator<EvidenceDocument> {
    const lists = [...types].flatMap((type) => this.#documents.get(type) ?? []);
    const [only] = lists;
    if (lists.length < 2) {
      yield* only?.documents ?? [];
      return;
    }
    const all = lists.flatMap(({ documents, numbers }) =>
      documents.map((document, at) => ({ document, number: numbers[at] ?? 0 })),
    );
    for (const { document } of all.sort((left, right) => left.number - right.number)) yield document;
  }
}

function append<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
