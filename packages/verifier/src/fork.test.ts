import { readdirSync, readFileSync } from 'node:fs';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { equalBytes } from '@vitrine/tlog';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evidenceCases } from '../test/evidence-cases.ts';
import {
  FORK_POLICY,
  type ForkCase,
  forkCases,
  leavesOf,
  proofOf,
  signedCheckpoint,
} from '../test/fork-cases.ts';
import { FORK_VECTORS, formatVector } from '../test/vector-files.ts';
import {
  FORK_CHECK_NAMES,
  formatForkEvidence,
  type ForkVerdict,
  isForkEvidence,
  parseForkEvidence,
  verifyFork,
} from './fork.ts';
import { describe as inWords } from './index.ts';

const cases = await forkCases();

function judge({ evidence, logVkeys, policy }: ForkCase): ForkVerdict {
  return verifyFork({
    evidence: utf8ToBytes(evidence),
    policy,
    ...(logVkeys === undefined ? {} : { logVkeys }),
  });
}

describe('cases', () => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', (_name, each) => {
    const verdict = judge(each);
    const { check, cosignedBoth, ok, reason = '' } = each.expected;
    const failed = verdict.checks.find((one) => !one.ok);
    expect([verdict.ok, failed?.name]).toEqual([ok, check]);
    expect(failed?.reason ?? '').toContain(reason);
    expect(verdict.sentence.startsWith(ok ? 'Proof of misbehaviour: ' : 'Refused: ')).toBe(true);
    expect(verdict.checks.map(({ name }) => name)).toEqual(FORK_CHECK_NAMES);
    if (cosignedBoth !== undefined) expect(verdict.about?.cosignedBoth).toEqual(cosignedBoth);
    for (const one of verdict.checks) expect(one.collusion === null).toBe(!one.ok);
    expect(inWords(verdict)).toContain(verdict.sentence);
  });

  test('vectors/forks/ holds exactly these', () => {
    const written = new Map(
      readdirSync(FORK_VECTORS).map((name) => [name, readFileSync(`${FORK_VECTORS}/${name}`, 'utf8')]),
    );
    expect(written).toEqual(new Map(cases.map((each) => [`${each.name}.json`, formatVector(each)])));
  });

  test('a file that parses is written again as it was', () => {
    for (const { evidence, expected } of cases) {
      if (expected.check === 'evidence') continue;
      const bytes = utf8ToBytes(evidence);
      expect(isForkEvidence(bytes)).toBe(true);
      expect(equalBytes(formatForkEvidence(parseForkEvidence(bytes)), bytes)).toBe(true);
    }
  });

  test('other evidence is not taken for it', async () => {
    const [first] = await evidenceCases();
    expect(isForkEvidence(utf8ToBytes(first?.evidence ?? ''))).toBe(false);
    expect(isForkEvidence(new Uint8Array([0xff]))).toBe(false);
  });
});

const sizes = fc
  .tuple(fc.nat(40), fc.integer({ min: 1, max: 40 }))
  .map(([a, more]) => ({ smaller: a, larger: a + more }));
const RUNS = process.env['VITRINE_SOAK'] === undefined ? 30 : 1500;

test('a log that forked is proven to have, wherever it forked', { timeout: 300_000 }, async () => {
  const property = fc.asyncProperty(
    sizes.filter(({ smaller }) => smaller > 0),
    fc.nat(),
    async ({ smaller, larger }, seed) => {
      const common = seed % smaller;
      const main = leavesOf('main', larger, common);
      const checkpoints = [
        signedCheckpoint(leavesOf('other', smaller, common)),
        signedCheckpoint(main),
      ] as const;
      const evidence = formatForkEvidence({ checkpoints, proof: await proofOf(main, smaller) });
      expect(verifyFork({ evidence, policy: FORK_POLICY }).ok).toBe(true);
    },
  );
  await fc.assert(property, { numRuns: RUNS });
});

test('no two checkpoints of one history make a proof, whatever proof is put beside them', {
  timeout: 300_000,
}, async () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const property = fc.asyncProperty(
    sizes,
    fc.record({
      root: fc.option(hash),
      at: fc.nat(80),
      hashes: fc.option(fc.array(hash, { maxLength: 8 })),
      swap: fc.nat(),
    }),
    async ({ smaller, larger }, { at, hashes, root, swap }) => {
      const main = leavesOf('main', larger, larger);
      const other = leavesOf('other', larger, 0);
      const honest = await proofOf(swap % 3 === 0 ? other : main, Math.min(at, larger));
      const evidence = formatForkEvidence({
        checkpoints: [signedCheckpoint(main.slice(0, smaller)), signedCheckpoint(main)],
        proof: { root: root ?? honest.root, hashes: hashes ?? honest.hashes },
      });
      expect(verifyFork({ evidence, policy: FORK_POLICY }).ok).toBe(false);
    },
  );
  await fc.assert(property, { numRuns: RUNS });
});
