/** How the pages ask the centre: one client, and one query for each thing that is asked. */
import { createApiClient, ApiError, routeUrl } from '@vitrine/api';
import type { CallOptions, NewWatch, RouteName, Watch, Watched } from '@vitrine/api';
import { queryOptions, QueryClient } from '@tanstack/react-query';
import type { QueryExecuteOptions, QueryKey } from '@tanstack/react-query';

const client = createApiClient('', (input, init) => fetch(input, init));

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (failures, error) => failures < 2 && error instanceof ApiError && error.code === 'unreachable',
    },
  },
});

/** What is known already, else what the centre answers. A page that shows it renews it when it is stale. */
export function load<T, K extends QueryKey>(options: QueryExecuteOptions<T, Error, T, T, K>): Promise<T> {
  return queryClient.query({ ...options, staleTime: 'static' });
}

/** Address of a route for links, downloads and what the reader copies. */
export function apiUrl(name: RouteName, options: CallOptions = {}): string {
  return routeUrl(name, options);
}

export const centreQuery = queryOptions({
  queryKey: ['centre'],
  queryFn: ({ signal }) => client.call('centre', { signal }),
  refetchInterval: 30_000,
});

export const policyQuery = queryOptions({
  queryKey: ['policy'],
  queryFn: async ({ signal }) => (await client.call('policy', { signal })).text(),
  staleTime: 300_000,
});

/** Rows of a page of a list. */
const PAGE_ROWS = 50;

/** Which page of a list: after or before a row that is not on it. */
export interface PageBounds {
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

export function productsQuery({ after, before }: PageBounds) {
  return queryOptions({
    queryKey: ['products', after, before],
    queryFn: ({ signal }) => client.call('products', { query: { after, before, limit: PAGE_ROWS }, signal }),
  });
}

export function productQuery(product: string, { after, before }: PageBounds) {
  return queryOptions({
    queryKey: ['product', product, after, before],
    queryFn: ({ signal }) =>
      client.call('product', { params: { product }, query: { after, before, limit: PAGE_ROWS }, signal }),
  });
}

export function releaseQuery(product: string, version: string) {
  return queryOptions({
    queryKey: ['release', product, version],
    queryFn: ({ signal }) => client.call('release', { params: { product, version }, signal }),
  });
}

export interface SearchTerms {
  readonly q?: string;
  readonly product?: string;
  readonly version?: string;
  readonly digest?: string;
  readonly from?: string;
  readonly to?: string;
  readonly before?: string;
  readonly after?: string;
}

export function searchQuery(terms: SearchTerms) {
  return queryOptions({
    queryKey: ['search', terms],
    queryFn: ({ signal }) => client.call('search', { query: { ...terms, limit: PAGE_ROWS }, signal }),
  });
}

export function logQuery(log: string) {
  return queryOptions({
    queryKey: ['log', log],
    queryFn: ({ signal }) => client.call('log', { params: { log }, signal }),
  });
}

export function entriesQuery(log: string, { after, before }: PageBounds) {
  return queryOptions({
    queryKey: ['entries', log, after, before],
    queryFn: ({ signal }) =>
      client.call('entries', { params: { log }, query: { after, before, limit: PAGE_ROWS }, signal }),
  });
}

export function entryQuery(log: string, index: string, size: string | undefined) {
  return queryOptions({
    queryKey: ['entry', log, index, size],
    queryFn: ({ signal }) => client.call('entry', { params: { log, index }, query: { size }, signal }),
  });
}

/** Promises asked for at once: the most that the centre gives. */
const COMMITMENTS_AT_ONCE = 200;

export function commitmentsQuery(after: string | undefined) {
  return queryOptions({
    queryKey: ['commitments', after],
    queryFn: ({ signal }) =>
      client.call('commitments', { query: { after, limit: COMMITMENTS_AT_ONCE }, signal }),
    refetchInterval: 30_000,
  });
}

export function commitmentQuery(id: string) {
  return queryOptions({
    queryKey: ['commitment', id],
    queryFn: ({ signal }) => client.call('commitment', { params: { id }, signal }),
  });
}

/** Events asked for at once: the most that the centre gives. */
const EVENTS_AT_ONCE = 200;

/** The events that were recorded last. */
export const eventsQuery = queryOptions({
  queryKey: ['events'],
  queryFn: ({ signal }) => client.call('events', { query: { limit: EVENTS_AT_ONCE }, signal }),
  refetchInterval: 30_000,
});

export const centresQuery = queryOptions({
  queryKey: ['centres'],
  queryFn: ({ signal }) => client.call('centres', { signal }),
  refetchInterval: 30_000,
});

export const forksQuery = queryOptions({
  queryKey: ['forks'],
  queryFn: ({ signal }) => client.call('forks', { signal }),
  refetchInterval: 30_000,
});

/** The bytes of a proof of misbehaviour. */
export async function fetchForkEvidence(id: string, signal: AbortSignal): Promise<Uint8Array> {
  const response = await client.call('fork', { params: { id }, signal });
  return new Uint8Array(await response.arrayBuffer());
}

/** The releases that name an artifact of this digest; null when none does. */
export async function findArtifact(sha256Hex: string, signal: AbortSignal) {
  try {
    return await client.call('artifact', { params: { sha256: sha256Hex }, signal });
  } catch (error) {
    if (error instanceof ApiError && error.problem?.status === 404) return null;
    throw error;
  }
}

/** An evidence file about an artifact; at the newest root size unless one is named. */
export async function fetchArtifactEvidence(
  sha256Hex: string,
  rootSize: string | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const response = await client.call('artifactEvidence', {
    params: { sha256: sha256Hex },
    query: { rootSize },
    signal,
  });
  return new Uint8Array(await response.arrayBuffer());
}

/** The bytes of a public body, as they arrived. */
export async function fetchBody(digest: string, signal: AbortSignal): Promise<Uint8Array> {
  const response = await client.call('body', { params: { sha256: digest }, signal });
  return new Uint8Array(await response.arrayBuffer());
}

/** Asks the centre to tell an address. Once: a repetition would be another watch. */
export function addWatch(url: string, watch: Watched): Promise<NewWatch> {
  return client.call('addWatch', { body: { url, watch } });
}

export function showWatch({ id, secret }: NewWatch): Promise<Watch> {
  return client.call('watch', { params: { id }, token: secret });
}

/** Has the address challenged again. */
export function confirmWatch({ id, secret }: NewWatch): Promise<Watch> {
  return client.call('confirmWatch', { params: { id }, token: secret, body: {} });
}

export async function removeWatch({ id, secret }: NewWatch): Promise<void> {
  await client.call('removeWatch', { params: { id }, token: secret });
}
