/** What stands as JSON in the tables of commitments, written in one spelling, so that two centres have the same digest of their view. */
import { commitmentFacts } from '@vitrine/commitments';
import type { CommitmentFacts, EvidenceDocument } from '@vitrine/commitments';
import { formatCanonicalJson } from '@vitrine/statements';
import * as v from 'valibot';

const entry = v.strictObject({ origin: v.string(), leafIndex: v.number() });
const evidenceDocument = v.strictObject({
  type: v.string(),
  atMs: v.number(),
  by: v.strictObject({ keyids: v.array(v.string()), vendor: v.boolean() }),
  product: v.exactOptional(v.string()),
  data: v.custom<EvidenceDocument['data']>((data) => typeof data === 'object' && data !== null),
  happened: v.exactOptional(v.string()),
  expiresAtMs: v.exactOptional(v.number()),
  entry,
  voided: v.exactOptional(v.strictObject({ atMs: v.number(), entry })),
  restsOn: v.array(v.string()),
});

export function formatFacts(facts: CommitmentFacts): string {
  return new TextDecoder().decode(formatCanonicalJson(facts));
}

export function parseFacts(text: string): CommitmentFacts {
  return v.parse(commitmentFacts, JSON.parse(text));
}

export function formatDocument(document: EvidenceDocument): string {
  return new TextDecoder().decode(formatCanonicalJson(toJson(document)));
}

function toJson({ voided, ...document }: EvidenceDocument) {
  return {
    ...document,
    entry: { ...document.entry },
    ...(voided === undefined ? {} : { voided: { atMs: voided.atMs, entry: { ...voided.entry } } }),
  };
}

export function parseDocument(text: string): EvidenceDocument {
  return v.parse(evidenceDocument, JSON.parse(text));
}
