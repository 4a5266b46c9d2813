/** A public body, and whether its bytes have the digest that the statement names. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { queryOptions } from '@tanstack/react-query';
import { fetchBody } from '../api-client.ts';

/** What a page shows of one body: the rest is for the reader's own tools. */
const SHOWN_MAX_BYTES = 1024 * 1024;

export interface CheckedBytes {
  readonly sizeBytes: number;
  /** SHA-256 of the bytes that arrived, computed in this page. */
  readonly sha256: string;
  readonly matches: boolean;
  /** The beginning, as text; null when it is not UTF-8. */
  readonly text: string | null;
}

export function bodyQuery(digest: string) {
  return queryOptions({
    queryKey: ['body', digest],
    staleTime: Infinity,
    queryFn: async ({ signal }): Promise<CheckedBytes> => {
      const bytes = await fetchBody(digest, signal);
      const actual = bytesToHex(sha256(bytes));
      let text: string | null;
      try {
        text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, SHOWN_MAX_BYTES), {
          // A character may be cut in two where the shown part ends.
          stream: bytes.length > SHOWN_MAX_BYTES,
        });
      } catch {
        text = null;
      }
      return { sizeBytes: bytes.length, sha256: actual, matches: actual === digest, text };
    },
  });
}
