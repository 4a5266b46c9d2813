// The files of vectors/statements/, one case a line.

import { resolve } from 'node:path';
import { admissionCases, envelopeCases, JSON_CASES, keysLogCases } from './statement-cases.ts';

export const VECTORS = resolve(import.meta.dirname, '../../../vectors/statements');

export async function vectorFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['admission.json', lines(await admissionCases())],
    ['canonical-json.json', lines(JSON_CASES)],
    ['envelopes.json', lines(await envelopeCases())],
    ['keys-logs.json', lines(await keysLogCases())],
  ]);
}

function lines(cases: readonly object[]): string {
  return `[\n${cases.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`;
}
