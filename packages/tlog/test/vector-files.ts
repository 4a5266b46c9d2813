// Reads vectors/ from disk, for the runs in Node and in Chromium.

import { readdirSync, readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { VectorFiles } from './vector-cases.ts';

const root = resolve(import.meta.dirname, '../../../vectors');

export function readVectorFiles(): VectorFiles {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = resolve(entry.parentPath, entry.name);
      return [relative(root, path).replaceAll('\\', '/'), readFileSync(path).toString('base64')];
    }),
  );
}
