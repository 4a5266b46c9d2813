/**
 * The digest of a view: a running hash over what each entry of the root log makes known, and after the head of an intake log each
 * statement that entered under it, in canonical form. Centres that
 * fold the same prefix by the same semantics have the same, or one of them shows something else than the log says.
 */
import { createHash } from 'node:crypto';
import { formatCanonicalJson } from '@vitrine/statements';
import * as v from 'valibot';
import type { Fact } from './schema.ts';

const rowSchema = v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()]));

/** Of the view at root size 0, hex. */
export function emptyViewDigest(semantics: number): string {
  return createHash('sha256').update(`vitrine-view/v${semantics}`).digest('hex');
}

/**
 * SHA-256 of the digest before (32 bytes) and of SHA-256 of the canonical JSON of `{counts, facts}`, hex.
 * @param counts whether the entry is a statement that is admitted and that no projection refuses; true of what entered at a centre
 * @param facts in the order in which the projections state them; unless it counts, no more than what stays known of a voided statement
 */
export function nextViewDigest(before: string, counts: boolean, facts: readonly Fact[]): string {
  const told = formatCanonicalJson({
    counts,
    facts: facts.map(({ fact, row }) => ({ fact, row: v.parse(rowSchema, row) })),
  });
  return createHash('sha256')
    .update(before, 'hex')
    .update(createHash('sha256').update(told).digest())
    .digest('hex');
}
