/** What a data folder holds of one of its own logs: all that was acknowledged, published or not. */
import { EMPTY_ROOT } from '@vitrine/tlog';
import { LogSigner, type SignedCheckpoint } from '../log/checkpoint-signing.ts';
import type { LogSpec } from '../log/log.ts';
import { LogError } from '../log/log-error.ts';
import { LogReader } from '../log/log-reader.ts';
import type { CommittedLog } from '../log/log-store.ts';
import { replayBatch } from '../log/replay.ts';
import { Tail } from '../log/tail.ts';
import type { CommittedStore } from './restore-storage.ts';

export type KeptLog =
  | { readonly state: 'none' }
  | {
      readonly state: 'readable';
      /** The newest that the log has signed; of size 0 where it has signed none. */
      readonly checkpoint: SignedCheckpoint;
      readonly rootAt: (size: number) => Promise<Uint8Array>;
    }
  | {
      readonly state: 'damaged';
      readonly why: string;
      /** The newest published, if that much can be read. */
      readonly published: SignedCheckpoint | null;
    };

/** Reads as a start would, and changes nothing. @throws LogError `wrong-key` */
export async function readKeptLog(spec: LogSpec, store: CommittedStore): Promise<KeptLog> {
  const signer = new LogSigner(spec.origin, spec.key);
  try {
    const committed = await store.readCommitted();
    if (committed === null) return { state: 'none' };
    const tail = await loadTail(spec, store, signer, committed);
    const reader = new LogReader(spec.entries.kind, store, tail, () => tail.size);
    return { state: 'readable', checkpoint: tail.checkpoint, rootAt: (size) => reader.rootAt(size) };
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'corrupt') throw error;
    return { state: 'damaged', why: error.message, published: await publishedOf(store, signer) };
  }
}

async function loadTail(
  spec: LogSpec,
  store: CommittedStore,
  signer: LogSigner,
  { published, batches }: CommittedLog,
): Promise<Tail> {
  const checkpoint =
    published === null
      ? signer.sign(0, EMPTY_ROOT)
      : signer.open(published, `the published checkpoint of ${spec.name}`);
  const tail = await Tail.load(checkpoint, (path) => store.readFile(path));
  for (const batch of batches) replayBatch(batch, { tail, signer, log: spec.name });
  return tail;
}

async function publishedOf(store: CommittedStore, signer: LogSigner): Promise<SignedCheckpoint | null> {
  const bytes = await store.readFile('checkpoint');
  if (bytes === null) return null;
  try {
    return signer.open(Buffer.from(bytes).toString('utf8'), 'the published checkpoint');
  } catch (error) {
    if (error instanceof LogError) return null;
    throw error;
  }
}
