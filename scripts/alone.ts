/** One process at a time, for what writes into dist/: Node has no flock, an exclusive SQLite lock serves, and ends with its process. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './repository.ts';

const SQLITE_BUSY = 5;

/** Runs `work` while no other process of this clone is in here. */
export async function alone<T>(work: () => Promise<T>): Promise<T> {
  mkdirSync(join(root, '.vitrine'), { recursive: true });
  const lock = new DatabaseSync(join(root, '.vitrine', 'build-lock.sqlite'));
  try {
    while (!take(lock)) await sleep(100);
    return await work();
  } finally {
    lock.close();
  }
}

function take(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
