/** What a reader chooses to be told of, from the address of the page and from its fields. */
import { WatchedSchema } from '@vitrine/api';
import type { Watched } from '@vitrine/api';
import * as v from 'valibot';
import type { AddressQuery } from '../../address.ts';
import { apiUrl } from '../../api-client.ts';

export type WatchedKind = 'product' | 'key' | 'promises';

export interface WatchedChoice {
  readonly kind: WatchedKind;
  /** As it was typed. */
  readonly name: string;
}

export function choiceOf({ keyid, product, promises }: AddressQuery): WatchedChoice {
  if (keyid !== undefined) return { kind: 'key', name: keyid };
  if (promises !== undefined) return { kind: 'promises', name: '' };
  return { kind: 'product', name: product ?? '' };
}

/** Null unless the name is one of such a thing. */
export function watchedOf({ kind, name }: WatchedChoice): Watched | null {
  const typed = name.trim();
  const parsed = v.safeParse(
    WatchedSchema,
    kind === 'promises'
      ? { promises: true }
      : kind === 'key'
        ? { keyid: typed.toLowerCase() }
        : { product: typed },
  );
  return parsed.success ? parsed.output : null;
}

/** Address of the Atom feed with the same. */
export function feedOf(watched: Watched): string {
  if ('keyid' in watched) return apiUrl('keyFeed', { params: { keyid: watched.keyid } });
  if ('product' in watched) return apiUrl('productFeed', { params: { product: watched.product } });
  return apiUrl('promisesFeed');
}
