/** What is searched for, as it stands in the address. */
import type { AddressQuery } from '../../address.ts';
import type { SearchTerms } from '../../api-client.ts';

const NAMES = ['q', 'product', 'version', 'digest', 'from', 'to', 'before', 'after'] as const;

/** The search terms of an address; other parts (filters of tables) are left out. */
export function searchTermsOf(query: AddressQuery): SearchTerms {
  const terms: Record<string, string> = {};
  for (const name of NAMES) {
    const text = query[name]?.trim();
    if (text !== undefined && text !== '') terms[name] = text;
  }
  return terms;
}

/** A text that can only be a digest or the beginning of one goes to the digest field, whatever its case. */
export function digestIn(text: string): string | undefined {
  const lower = text
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, '');
  return /^[0-9a-f]{16,64}$/.test(lower) ? lower : undefined;
}
