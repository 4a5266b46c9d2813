/** Files that must not be there yet: keys and statements to be signed are never written over others. */
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { couldNotRun, reasonOf } from './failure.ts';

/** Writes a new file, durably. @throws Failure when something of that name is there, or it cannot be written */
export async function createFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'wx', mode);
  } catch (cause) {
    const there = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw couldNotRun(
      there
        ? `${path} is there already and is not written over`
        : `${path} cannot be written: ${reasonOf(cause)}`,
      cause,
    );
  }
  try {
    // Whatever the umask took away or left.
    await handle.chmod(mode);
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (cause) {
    await rm(path, { force: true });
    throw couldNotRun(`${path} cannot be written: ${reasonOf(cause)}`, cause);
  } finally {
    await handle.close();
  }
}
