// Writes vectors/evidence/: node --conditions=@vitrine/source packages/verifier/test/write-vectors.ts

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { evidenceCases } from './evidence-cases.ts';
import { formatVector, VECTORS } from './vector-files.ts';

mkdirSync(VECTORS, { recursive: true });
for (const name of readdirSync(VECTORS)) rmSync(resolve(VECTORS, name));
for (const each of await evidenceCases())
  writeFileSync(resolve(VECTORS, `${each.name}.json`), formatVector(each));
