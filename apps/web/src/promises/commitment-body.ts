/** The text of a promise or an event: fetched, its digest checked in this page, and only then read. */
import { CommitmentError, parseCommitmentBody, parseEventBody } from '@vitrine/commitments';
import { queryOptions } from '@tanstack/react-query';
import { bodyQuery } from '../components/checked-body-query.ts';
import { queryClient } from '../api-client.ts';

/** What is read, or why it is not. */
export type ReadBody<Body> = { readonly body: Body } | { readonly body: null; readonly why: string };

export function commitmentBodyQuery(digest: string) {
  return queryOptions({
    queryKey: ['commitment-body', digest],
    staleTime: Infinity,
    queryFn: () => readChecked(digest, parseCommitmentBody),
  });
}

export function eventBodyQuery(digest: string) {
  return queryOptions({
    queryKey: ['event-body', digest],
    staleTime: Infinity,
    queryFn: () => readChecked(digest, parseEventBody),
  });
}

async function readChecked<Body>(
  digest: string,
  parse: (bytes: Uint8Array) => Body,
): Promise<ReadBody<Body>> {
  const { matches, text } = await queryClient.query(bodyQuery(digest));
  if (!matches) return { body: null, why: 'what the centre sent is not the text that the statement names' };
  if (text === null) return { body: null, why: 'it is not text' };
  try {
    return { body: parse(new TextEncoder().encode(text)) };
  } catch (error) {
    if (error instanceof CommitmentError) return { body: null, why: error.message };
    throw error;
  }
}
