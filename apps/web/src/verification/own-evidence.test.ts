import { expect, test } from 'vitest';
import { chooseEvidence, isEvidenceName } from './own-evidence.ts';

const bytes = new Uint8Array();
const good = 'a'.repeat(64);
const altered = 'b'.repeat(64);
const given = [
  { fileName: 'renamed.evidence', bytes, sha256: good },
  { fileName: 'larder.deb.evidence', bytes, sha256: 'c'.repeat(64) },
];

test('evidence is chosen by digest before name', () => {
  expect(chooseEvidence(given, 'larder.deb', good)?.fileName).toBe('renamed.evidence');
});
test('an altered file is judged by the evidence of the one whose name it bears', () => {
  expect(chooseEvidence(given, 'larder.deb', altered)?.fileName).toBe('larder.deb.evidence');
});
test('a file that nothing was given for is asked about', () => {
  expect(chooseEvidence(given, 'other.deb', altered)).toBeUndefined();
});
test('evidence is known by its extension', () => {
  expect(isEvidenceName('a.deb.EVIDENCE')).toBe(true);
  expect(isEvidenceName('evidence.deb')).toBe(false);
});
