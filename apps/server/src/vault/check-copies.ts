/** Reads all copies of another vault's packs and says what is wrong with them. */
import { hash } from 'node:crypto';
import { checkPack } from './check.ts';
import { isPackId } from './pack-envelope.ts';
import { CHUNK_BYTES, chunkBytes, type KeptManifest } from './pack-manifest.ts';
import { MANIFEST_FILE, OBJECTS_FILE, PACKS, type PackShelf, TABLE_FILE } from './pack-shelf.ts';
import type { VaultIndex } from './ports.ts';
import type { CheckProblem } from './vault-contract.ts';

const AGAIN = `remove the ${MANIFEST_FILE} beside it, and the next replication fetches again what differs`;
const MAX_TABLE_BYTES = 64 * 1024 * 1024;

export interface CheckCopiesOptions {
  readonly shelf: PackShelf;
  readonly index: VaultIndex;
  readonly isDisposed: (sha256: string) => boolean;
  readonly exclusively: <T>(job: () => Promise<T>) => Promise<T>;
  readonly keptManifest: (packId: string) => Promise<KeptManifest | undefined>;
}

export interface CopyReport {
  readonly ok: boolean;
  readonly packs: number;
  /** Of them, those with a grant: their objects were read. Of the others only the ciphertext was compared with its digests. */
  readonly readablePacks: number;
  readonly ciphertextBytes: number;
  /** What was read in readable packs: objects, and the sum of their plain sizes. */
  readonly objects: number;
  readonly bytes: number;
  readonly problems: readonly CheckProblem[];
}

export async function checkCopies(options: CheckCopiesOptions): Promise<CopyReport> {
  const { shelf } = options;
  const problems: CheckProblem[] = [];
  const sum = { packs: 0, readablePacks: 0, ciphertextBytes: 0, objects: 0, bytes: 0 };
  for (const folder of await shelf.list()) {
    const report = (reason: string) => problems.push({ pack: folder, reason });
    sum.packs += 1;
    if (!isPackId(folder)) {
      report('not a pack: nothing of the vault has such a name');
      continue;
    }
    const kept = await options.keptManifest(folder);
    if (kept === undefined) {
      report(`${MANIFEST_FILE} is gone or damaged: the next replication makes the copy again`);
      continue;
    }
    sum.ciphertextBytes += await checkCiphertext(shelf, kept, report);
    if (!(await shelf.files.list(`${PACKS}/${folder}`)).includes(shelf.grantFile)) continue;
    sum.readablePacks += 1;
    await checkPack(
      {
        shelf,
        index: options.index,
        isDisposed: (digest) => options.isDisposed(Buffer.from(digest).toString('hex')),
        undisposed: 'the other centre has not sent its newer table yet',
        isGrowing: () => false,
        exclusively: options.exclusively,
        alsoKnown: [MANIFEST_FILE],
      },
      folder,
      sum,
      report,
    );
  }
  return { ok: problems.length === 0, ...sum, problems };
}

async function checkCiphertext(
  shelf: PackShelf,
  kept: KeptManifest,
  report: (reason: string) => void,
): Promise<number> {
  const { packId, sizeBytes, chunks } = kept;
  const table = await shelf.files.read(`${PACKS}/${packId}/${TABLE_FILE}`, MAX_TABLE_BYTES);
  if (table === undefined || hash('sha256', table, 'hex') !== kept.table)
    report(`${TABLE_FILE} is not the one that was copied: ${AGAIN}`);
  const file = await shelf.files.openForReading(`${PACKS}/${packId}/${OBJECTS_FILE}`);
  if (file === undefined) {
    report(`${OBJECTS_FILE} is gone: ${AGAIN}`);
    return 0;
  }
  let read = 0;
  try {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (const [index, digest] of chunks.entries()) {
      const chunk = buffer.subarray(0, chunkBytes(sizeBytes, index));
      read += await file.read(chunk, index * CHUNK_BYTES);
      if (hash('sha256', chunk, 'hex') !== digest)
        report(`chunk ${index} of ${OBJECTS_FILE} is not what was copied: ${AGAIN}`);
    }
  } finally {
    await file.close();
  }
  return read;
}
