import { expect, test } from 'vitest';
import { type ReleaseInLog, whyNoArtifact, whyNoRelease, whyNoWithdrawal } from './index.ts';

const of = { product: 'hello', version: '1', release: 'a'.repeat(64) };
const other = { ...of, version: '2' };
const named: ReleaseInLog = { product: 'hello', version: '1', artifactCount: 2, artifactsShown: 1 };

test('the second release of a version counts for nothing', () => {
  expect(whyNoRelease(of, undefined)).toBeUndefined();
  expect(whyNoRelease(of, { leafIndex: 7 })).toBe('hello 1 was already released by entry 7');
});

test('an artifact counts for the release that it names, once a name, and no more than it says', () => {
  expect(whyNoArtifact(of, named, undefined)).toBeUndefined();
  expect(whyNoArtifact(of, undefined, undefined)).toContain('not in the log before it');
  expect(whyNoArtifact(other, named, undefined)).toBe('it says hello 2, the release that it names hello 1');
  expect(whyNoArtifact(of, named, { leafIndex: 8 })).toContain('in entry 8');
  expect(whyNoArtifact(of, { ...named, artifactsShown: 2 }, undefined)).toContain('2 artifacts');
});

test('a withdrawal counts for the release that it names', () => {
  expect(whyNoWithdrawal(of, named)).toBeUndefined();
  expect(whyNoWithdrawal(of, undefined)).toContain('not in the log before it');
  expect(whyNoWithdrawal(other, named)).toBe('it says hello 2, the release that it withdraws hello 1');
});
