import { utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FILE, REASON, SignedWorld } from '../test/signed-world.ts';
import {
  describe as inWords,
  EvidenceError,
  formatEvidence,
  parseEvidence,
  parseVerificationPolicy,
  verifyEvidence,
} from './index.ts';
import { describeLeaf } from './statement-in-words.ts';

const runs = (count: number): number =>
  process.env['VITRINE_SOAK'] === undefined ? Math.ceil(count / 50) : count;

const world = await SignedWorld.create();
await world.publishArtifact(await world.publishRelease());
const policy = world.policy();
const evidence = world.evidence([1, 0]);

describe('evidence altered in one place', () => {
  test('is ok before', () => {
    expect(verifyEvidence({ evidence, policy, file: FILE, nowMs: world.nowMs }).ok).toBe(true);
  });

  test('is never ok, and never throws', () => {
    fc.assert(
      fc.property(fc.nat(evidence.length - 1), fc.integer({ min: 1, max: 255 }), (position, change) => {
        const altered = evidence.slice();
        altered[position] = (altered[position] ?? 0) ^ change;
        const verdict = verifyEvidence({ evidence: altered, policy, file: FILE, nowMs: world.nowMs });
        // Every octet of it is signed, hashed into what is signed, or has one spelling only.
        expect(verdict.ok).toBe(false);
        expect(inWords(verdict)).toContain('Refused: ');
      }),
      { numRuns: runs(20_000) },
    );
  });

  test('truncated or with bytes left out or put in is refused', () => {
    fc.assert(
      fc.property(
        fc.nat(evidence.length),
        fc.nat(64),
        fc.uint8Array({ maxLength: 64 }),
        (position, removed, inserted) => {
          const altered = Uint8Array.from([
            ...evidence.subarray(0, position),
            ...inserted,
            ...evidence.subarray(position + removed),
          ]);
          fc.pre(!Buffer.from(altered).equals(evidence));
          const verdict = verifyEvidence({ evidence: altered, policy, file: FILE, nowMs: world.nowMs });
          expect(verdict.ok).toBe(false);
        },
      ),
      { numRuns: runs(20_000) },
    );
  });

  test('any other file is refused', () => {
    fc.assert(
      fc.property(fc.nat(63), fc.integer({ min: 1, max: 15 }), (position, change) => {
        const digit = (Number.parseInt(FILE.sha256.charAt(position), 16) ^ change).toString(16);
        const sha256 = FILE.sha256.slice(0, position) + digit + FILE.sha256.slice(position + 1);
        expect(verifyEvidence({ evidence, policy, file: { ...FILE, sha256 } }).ok).toBe(false);
      }),
      { numRuns: runs(200) },
    );
  });
});

describe('anything at all', () => {
  const members = fc.constantFrom(
    'format',
    'statements',
    'keys',
    'bodies',
    'leaf',
    'leaves',
    'proof',
    'checkpoint',
    '__proto__',
  );
  const values = fc.constantFrom(
    'https://vitrine.dev/evidence/v1',
    'AAAA',
    '',
    'c2sp.org/tlog-proof@v1\nindex 0\n\na\n0\n\n',
  );
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, depthIdentifier: 'json' },
      values,
      fc.maxSafeInteger(),
      fc.constantFrom(null, true, false),
      fc.array(tie('value'), { maxLength: 4, depthIdentifier: 'json' }),
      fc.dictionary(members, tie('value'), { maxKeys: 5, depthIdentifier: 'json' }),
    ),
  })).value;

  test('random bytes are refused without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.string({ maxLength: 400 }), (bytes, text) => {
        expect(verifyEvidence({ evidence: bytes, policy }).ok).toBe(false);
        expect(verifyEvidence({ evidence, policy: text }).ok).toBe(false);
        expect(describeLeaf(bytes).ok).toBe(false);
      }),
      { numRuns: runs(20_000) },
    );
  });

  test('random JSON is refused without an exception', () => {
    fc.assert(
      fc.property(json, (value) => {
        const bytes = utf8ToBytes(JSON.stringify(value));
        expect(verifyEvidence({ evidence: bytes, policy }).ok).toBe(false);
      }),
      { numRuns: runs(50_000) },
    );
  });

  test('policies without any one of their lines are refused', () => {
    const lines = policy.trimEnd().split('\n');
    fc.assert(
      fc.property(
        fc.nat(lines.length - 1),
        fc.constantFrom(
          '',
          '#vitrine',
          '#vitrine keys-entry-0',
          '#vitrine keys-entry-0 00',
          '# nothing',
          'quorum none',
          'log',
        ),
        (position, line) => {
          const changed = `${lines.with(position, line).join('\n')}\n`;
          // Every line of this policy is needed, so without any one of them it must be refused.
          expect(() => parseVerificationPolicy(changed)).toThrow(EvidenceError);
        },
      ),
      { numRuns: runs(5_000) },
    );
  });
});

describe('format and parse', () => {
  test('are inverse', () => {
    const parts = world.evidenceParts([1, 0], { bodies: [REASON] });
    expect(parseEvidence(formatEvidence(parts))).toEqual(parts);
    expect(formatEvidence(parseEvidence(evidence))).toEqual(evidence);
  });
});
