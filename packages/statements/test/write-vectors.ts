// Writes vectors/statements/: node --conditions=@vitrine/source packages/statements/test/write-vectors.ts

import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { VECTORS, vectorFiles } from './vector-files.ts';

mkdirSync(VECTORS, { recursive: true });
for (const [name, text] of await vectorFiles()) writeFileSync(resolve(VECTORS, name), text);
