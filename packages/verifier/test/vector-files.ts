// The files of vectors/evidence/, one a case.

import { resolve } from 'node:path';
import type { EvidenceCase } from './evidence-cases.ts';

export const VECTORS = resolve(import.meta.dirname, '../../../vectors/evidence');

export function formatVector(each: EvidenceCase): string {
  return `${JSON.stringify(each, undefined, 2)}\n`;
}
