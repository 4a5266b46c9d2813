// The files of vectors/evidence/ and vectors/forks/, one a case.

import { resolve } from 'node:path';
import type { EvidenceCase } from './evidence-cases.ts';
import type { ForkCase } from './fork-cases.ts';

export const VECTORS = resolve(import.meta.dirname, '../../../vectors/evidence');
export const FORK_VECTORS = resolve(import.meta.dirname, '../../../vectors/forks');

export function formatVector(each: EvidenceCase | ForkCase): string {
  return `${JSON.stringify(each, undefined, 2)}\n`;
}
