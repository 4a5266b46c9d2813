/** Files of this machine: hashed while they stream, read within a bound, replaced whole or not at all. */
import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { couldNotRun, reasonOf } from './failure.ts';

const CHUNK_BYTES = 1024 * 1024;

/** @throws Failure when it is not there, not a file or not readable */
async function openFile(path: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path);
  } catch (cause) {
    throw couldNotRun(`${path} cannot be read: ${reasonOf(cause)}`, cause);
  }
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw couldNotRun(`${path} is a folder, a file was expected`);
  }
  return handle;
}

/** The bytes of a file from an offset, in chunks that stay valid. @throws Failure */
export async function* readChunks(path: string, fromByte = 0): AsyncGenerator<Uint8Array> {
  const handle = await openFile(path);
  try {
    for (let at = fromByte; ; ) {
      const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/**
 * SHA-256 (hex) and size of a file. The next chunk is read while one is hashed.
 * @throws Failure when it cannot be read, or changes meanwhile
 */
export async function hashFile(
  path: string,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<{ sha256: string; sizeBytes: number }> {
  const handle = await openFile(path);
  try {
    const hash = createHash('sha256');
    let current = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    let next = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    let sizeBytes = 0;
    let reading = handle.read(current, 0, CHUNK_BYTES, null);
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) break;
      reading = handle.read(next, 0, CHUNK_BYTES, null);
      hash.update(bytesRead === CHUNK_BYTES ? current : current.subarray(0, bytesRead));
      [current, next] = [next, current];
      sizeBytes += bytesRead;
      onBytes(sizeBytes);
    }
    const stats = await handle.stat();
    if (stats.isFile() && stats.size !== sizeBytes)
      throw couldNotRun(`${path} changed while it was read; try again when it is at rest`);
    return { sha256: hash.digest('hex'), sizeBytes };
  } finally {
    await handle.close();
  }
}

/**
 * The bytes of a file, at most `maxBytes`; of a larger file its first `maxBytes + 1`, for the parser to refuse.
 * @throws Failure when it cannot be read
 */
export async function readBounded(path: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await openFile(path);
  try {
    const parts: Uint8Array[] = [];
    for (let length = 0; length <= maxBytes; ) {
      const buffer = Buffer.alloc(Math.min(CHUNK_BYTES, maxBytes + 1 - length));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
      parts.push(buffer.subarray(0, bytesRead));
    }
    return Buffer.concat(parts);
  } finally {
    await handle.close();
  }
}

/** Writes a file so that a reader finds the old bytes or the new ones, also after a crash. @throws Failure */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw couldNotRun(`${path} cannot be written: ${reasonOf(cause)}`, cause);
  }
}
