// A log in a folder.

import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { TILE_WIDTH } from '@vitrine/tlog';
import { FsckError } from './fsck-error.ts';
import type { Content, LogSource } from './log-source.ts';

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

/** Reads synchronously: in a thread of its own that is the fastest way, and there is one such thread a core. */
export function folderSource(folder: string): LogSource {
  return {
    lanes: 1,
    mayHoldGzip: true,
    partialWidths: (path) => listWidths(join(folder, `${path}.p`)),
    read: (path, limitBytes) => {
      try {
        return Promise.resolve(readRegularFile(join(folder, path), limitBytes));
      } catch (error) {
        if (isSystemError(error) && ABSENT.has(error.code)) {
          return Promise.resolve({ fault: 'missing', missing: true });
        }
        const cause = error instanceof Error ? error : new Error(String(error));
        return Promise.reject(
          new FsckError('unreachable', `cannot read ${path} in ${folder}: ${cause.message}`, { cause }),
        );
      }
    },
  };
}

function listWidths(folder: string): number[] {
  // Nearly no tile has such a folder, and an error for each of them would cost more than its hashes.
  if (!existsSync(folder)) return [];
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .map(Number)
    .filter((width) => width >= 1 && width < TILE_WIDTH && names.includes(String(width)))
    .sort((a, b) => a - b);
}

function readRegularFile(path: string, limitBytes: number): Content {
  // Opening a named pipe would wait for its writer.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (stats.isDirectory()) return { fault: 'missing', missing: true };
    if (!stats.isFile()) return { fault: 'not a regular file', missing: false };
    if (stats.size > limitBytes) return { fault: `larger than ${limitBytes} bytes`, missing: false };
    const bytes = Buffer.allocUnsafeSlow(stats.size);
    let at = 0;
    while (at < bytes.length) {
      const count = readSync(file, bytes, at, bytes.length - at, at);
      if (count === 0) break;
      at += count;
    }
    return { bytes: bytes.subarray(0, at) };
  } finally {
    closeSync(file);
  }
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
