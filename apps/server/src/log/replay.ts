/** Takes a durable batch back into the tail of its log, as after a restart. */
import { HASH_BYTES } from '@vitrine/tlog';
import type { LogSigner } from './checkpoint-signing.ts';
import { writeLeafHash } from './hashing.ts';
import { LogError } from './log-error.ts';
import type { CommittedBatch } from './log-store.ts';
import type { Tail } from './tail.ts';

/**
 * Appends the batch to the tail, unless it is there already, once its entries give the root that was signed for them.
 *
 * @param log its name, for the message
 * @returns whether it was appended
 * @throws LogError `corrupt`, `wrong-key`
 */
export function replayBatch(
  batch: CommittedBatch,
  { tail, signer, log }: { readonly tail: Tail; readonly signer: LogSigner; readonly log: string },
): boolean {
  const end = batch.oldSize + batch.entries.length;
  if (end <= tail.size) return false;
  const where = `the batch of ${log} at size ${batch.oldSize} in the write-ahead file`;
  if (batch.oldSize !== tail.size) {
    throw new LogError('corrupt', `${where} does not follow size ${tail.size}`);
  }
  const leafHashes = Buffer.allocUnsafe(batch.entries.length * HASH_BYTES);
  for (const [i, leaf] of batch.entries.entries()) writeLeafHash(leaf, leafHashes, i * HASH_BYTES);
  const next = tail.next(batch.entries, leafHashes);
  const checkpoint = signer.open(batch.checkpoint, `the checkpoint with ${where}`);
  if (checkpoint.size !== end || !Buffer.from(checkpoint.root).equals(next.tree.root())) {
    throw new LogError('corrupt', `${where} does not give the root that was signed for it`);
  }
  tail.append(next, checkpoint);
  return true;
}
