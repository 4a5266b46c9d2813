import { utf8ToBytes } from '@noble/hashes/utils.js';
import { describe, expect, test } from 'vitest';
import { evidenceCases } from '../test/evidence-cases.ts';
import { EvidenceError } from './error.ts';
import { type Evidence, verifyEvidence, verifyKeysLog } from './index.ts';
import { openEvidence } from './opened-evidence.ts';

const cases = (await evidenceCases()).flatMap(({ evidence, expected: _expected, ...request }) => {
  const bytes = utf8ToBytes(evidence);
  const keys = keysIn(bytes);
  return keys === undefined ? [] : [{ ...request, evidence: bytes, keys }];
});

function keysIn(evidence: Uint8Array): Evidence['keys'] | undefined {
  try {
    return openEvidence(evidence).evidence.keys;
  } catch (error) {
    if (error instanceof EvidenceError) return undefined;
    throw error;
  }
}

describe('a keys log by itself', () => {
  test('is judged as in evidence, good or hostile', () => {
    const judged = cases.map(({ name, keys, ...request }) => {
      // Its age is another check of evidence, and one of the whole here.
      const policy = request.policy.replaceAll(/^#vitrine max-age .*\n/gm, '');
      const checks = verifyEvidence({ ...request, policy }).checks;
      const inEvidence = ['policy', 'keys-log'].every(
        (check) => checks.find((each) => each.name === check)?.ok,
      );
      const alone = verifyKeysLog(keys, policy).ok;
      expect(alone, name).toBe(inEvidence);
      return alone;
    });
    expect(judged.filter((ok) => ok).length).toBeGreaterThan(5);
    expect(judged.filter((ok) => !ok).length).toBeGreaterThan(5);
  });

  test('is refused past the max-age of the policy', () => {
    const good = cases.find(
      ({ keys, policy }) => verifyKeysLog(keys, policy, 0).ok && !policy.includes('max-age'),
    );
    if (good === undefined) throw new RangeError('no case has a sound keys log');
    const verdict = verifyKeysLog(good.keys, good.policy);
    if (!verdict.ok) throw new RangeError(verdict.reason);
    const policy = `${good.policy}#vitrine max-age 10m\n`;
    expect(verifyKeysLog(good.keys, policy, verdict.asOfMs + 600_000).ok).toBe(true);
    expect(verifyKeysLog(good.keys, policy, verdict.asOfMs + 600_001)).toMatchObject({ ok: false });
    // Nobody's clock is trusted to be that far behind.
    expect(verifyKeysLog(good.keys, policy, verdict.asOfMs - 300_001)).toMatchObject({ ok: false });
  });
});
