// Writes vectors/evidence/ and vectors/forks/: node --conditions=@vitrine/source packages/verifier/test/write-vectors.ts

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { evidenceCases } from './evidence-cases.ts';
import { forkCases } from './fork-cases.ts';
import { FORK_VECTORS, formatVector, VECTORS } from './vector-files.ts';

for (const [folder, cases] of [
  [VECTORS, await evidenceCases()],
  [FORK_VECTORS, await forkCases()],
] as const) {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) rmSync(resolve(folder, name));
  for (const each of cases) writeFileSync(resolve(folder, `${each.name}.json`), formatVector(each));
}
