/** SHA-256 of a file of any size in constant memory. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** Large enough that reading costs little beside hashing, small enough that two of them are nothing to a phone. */
const CHUNK_BYTES = 4 * 1024 * 1024;

export interface FileDigest {
  /** Hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * Reads the next chunk while hashing the one before.
 *
 * @param onProgress called after every chunk with the bytes hashed so far
 * @throws the signal's reason once aborted; whatever reading the file throws
 */
export async function digestFile(
  file: Blob,
  onProgress: (hashedBytes: number) => void,
  signal: AbortSignal,
): Promise<FileDigest> {
  const hash = sha256.create();
  const read = (start: number) => file.slice(start, start + CHUNK_BYTES).arrayBuffer();
  let next = read(0);
  let hashedBytes = 0;
  while (hashedBytes < file.size) {
    const chunk = new Uint8Array(await next);
    signal.throwIfAborted();
    if (chunk.length === 0) throw new Error('the file became shorter while it was read');
    next = read(hashedBytes + chunk.length);
    // A failure is seen when the chunk is awaited; without this it would also be reported as unhandled.
    next.catch(() => undefined);
    hash.update(chunk);
    hashedBytes += chunk.length;
    onProgress(hashedBytes);
  }
  return { sha256: bytesToHex(hash.digest()), sizeBytes: hashedBytes };
}
