/** The keys log of a centre: read whole, folded, and verified where a policy says under which keys. */
import { foldKeys } from '@vitrine/statements';
import type { KeysEntry, KeysState } from '@vitrine/statements';
import { equalBytes, hashLeaf, rootOfLeaves } from '@vitrine/tlog';
import { MAX_EVIDENCE_BYTES, MAX_EVIDENCE_KEYS_LEAVES, verifyKeysLog } from '@vitrine/verifier';
import { verifyWithOpenssl } from './ed25519.ts';
import { refused } from './failure.ts';
import { readCheckpoint, readLeaves } from './log-tiles.ts';
import type { Patience } from './log-tiles.ts';

export interface ServedKeysLog {
  /** NAME/keys. */
  readonly origin: string;
  readonly leaves: readonly Uint8Array[];
  readonly state: KeysState;
  readonly entries: readonly KeysEntry[];
  /** Absent where no policy was given: then all of it is what the server says. */
  readonly verified?: { readonly asOfMs: number; readonly reason: string; readonly collusion: string };
}

/**
 * @param policy the text of a verification policy; without one nothing is verified but that the entries are those of the
 * checkpoint that the same server shows
 * @param patience whether a server that does not answer at all is waited for
 * @throws Failure when the log is not what it should be; ApiError
 */
export async function readKeysLog(
  server: string,
  onWait: (reason: string) => void,
  { policy, patience = 'busy' }: { readonly policy?: string; readonly patience?: Patience } = {},
): Promise<ServedKeysLog> {
  const tiles = { server, log: 'keys', onWait, patience };
  const { note, checkpoint } = await readCheckpoint(tiles);
  const { origin, treeSize, root } = checkpoint;
  if (!origin.endsWith('/keys'))
    throw refused(`the log “keys” of ${server} calls itself ${origin}, not NAME/keys`);
  if (treeSize > MAX_EVIDENCE_KEYS_LEAVES)
    throw refused(
      `the keys log of ${server} says it has ${treeSize} entries; no verifier reads more than ${MAX_EVIDENCE_KEYS_LEAVES}`,
    );
  const leaves: Uint8Array[] = [];
  let bytes = 0;
  for await (const { leaf } of readLeaves(tiles, treeSize)) {
    bytes += leaf.length;
    if (bytes > MAX_EVIDENCE_BYTES)
      throw refused(
        `the keys log of ${server} is larger than any evidence could carry (${MAX_EVIDENCE_BYTES} bytes)`,
      );
    leaves.push(leaf);
  }
  if (!equalBytes(rootOfLeaves(leaves.map(hashLeaf)), root))
    throw refused(`the entries of the keys log that ${server} serves are not those of its own checkpoint`);
  if (policy === undefined) return { origin, leaves, ...foldKeys(origin, leaves, verifyWithOpenssl) };
  const verdict = verifyKeysLog({ checkpoint: note, leaves }, policy, Date.now(), verifyWithOpenssl);
  if (!verdict.ok) throw refused(`the keys log of ${server} is refused under this policy: ${verdict.reason}`);
  const { state, entries, asOfMs, reason, collusion } = verdict;
  return { origin, leaves, state, entries, verified: { asOfMs, reason, collusion } };
}
