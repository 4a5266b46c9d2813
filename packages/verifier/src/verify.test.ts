import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { keyRevokeStatement } from '@vitrine/statements';
import { describe, expect, test } from 'vitest';
import { type EvidenceCase, evidenceCases } from '../test/evidence-cases.ts';
import { FILE, SignedWorld, WITNESSED } from '../test/signed-world.ts';
import { formatVector, VECTORS } from '../test/vector-files.ts';
import {
  CHECK_NAMES,
  describe as inWords,
  MAX_EVIDENCE_BYTES,
  type Verdict,
  verifyEvidence,
} from './index.ts';

const cases = await evidenceCases();

// Each case is judged once: signatures in JavaScript are slow, and a verdict is a pure function of its case.
const verdicts = new Map(cases.map((each) => [each, verdictOf(each)]));

function verdictOf({ evidence, expected: _expected, ...request }: EvidenceCase): Verdict {
  return verifyEvidence({ ...request, evidence: utf8ToBytes(evidence) });
}

function judge(each: EvidenceCase): Verdict {
  return verdicts.get(each) ?? verdictOf(each);
}

function find(name: string): EvidenceCase {
  const found = cases.find((each) => each.name === name);
  if (found === undefined) throw new RangeError(`there is no case ${name}`);
  return found;
}

describe('cases', () => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', (_name, each) => {
    const verdict = judge(each);
    const { check, ok, reason = '' } = each.expected;
    const failed = verdict.checks.find((one) => !one.ok);
    expect([verdict.ok, failed?.name]).toEqual([ok, check]);
    expect(failed?.reason ?? '').toContain(reason);
    expect(verdict.sentence.startsWith('Refused: ')).toBe(!ok);
  });

  test('names are unique', () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  test('vectors/evidence/ holds exactly these', () => {
    const written = new Map(
      readdirSync(VECTORS).map((name) => [name, readFileSync(resolve(VECTORS, name), 'utf8')]),
    );
    expect(written).toEqual(new Map(cases.map((each) => [`${each.name}.json`, formatVector(each)])));
  });
});

describe('a verdict', () => {
  test('lists its checks in the documented order, each once', () => {
    for (const each of cases) {
      const names = judge(each).checks.map(({ name }) => name);
      expect(names).toEqual(CHECK_NAMES.filter((name) => names.includes(name)));
    }
  });

  test('says who would have to lie exactly where a check holds', () => {
    for (const each of cases) {
      for (const { collusion, ok, reason } of judge(each).checks) {
        expect(collusion === null).toBe(!ok);
        expect(reason).not.toBe('');
      }
    }
  });

  test('always says what is not shown', () => {
    for (const each of cases) expect(judge(each).notShown.length).toBeGreaterThan(0);
  });

  test('names the check for whose sake another was not made', () => {
    const { checks } = judge(find('policy-without-a-pin'));
    expect(checks.find(({ name }) => name === 'admitted')).toEqual({
      name: 'admitted',
      ok: false,
      reason: 'not checked because “policy” does not hold',
      collusion: null,
    });
    expect(checks.find(({ name }) => name === 'evidence')?.ok).toBe(true);
  });

  test('of a good file is one plain sentence', () => {
    const verdict = judge(find('good-artifact'));
    expect(verdict.sentence).toBe(
      '“hello_2.10-3_amd64.deb” is hello 2.10-3 as published by acme.example, logged as entry 1 on 24 November 2026 at 21:05 UTC.',
    );
    expect(verdict.asOf).toEqual({ rootSize: 3, logTime: '2026-11-24T21:07:00.000Z' });
    expect(verdict.about).toMatchObject({
      name: FILE.name,
      product: 'hello',
      sha256: FILE.sha256,
      version: '2.10-3',
    });
  });

  test('without a file names the file that it would hold for', () => {
    const verdict = judge(find('good-artifact-without-file'));
    expect(verdict.sentence).toContain(
      `No file was compared with it: this holds for a file whose SHA-256 is ${FILE.sha256}.`,
    );
    expect(verdict.checks.some(({ name }) => name === 'file')).toBe(false);
    expect(verdict.notShown.join('\n')).toContain('no file was compared');
  });

  test('of a withdrawn release says when and why', () => {
    expect(judge(find('withdrawn')).sentence).toBe(
      'Refused: “hello_2.10-3_amd64.deb” is hello 2.10-3 as published by acme.example, but the release was withdrawn on 24 November 2026 at 21:06 UTC (entry 2): “The binary contained a debugging back door.”',
    );
    expect(judge(find('good-withdrawal')).sentence).toBe(
      'hello 2.10-3 was withdrawn by acme.example, logged as entry 2 on 24 November 2026 at 21:06 UTC: “The binary contained a debugging back door.”',
    );
  });

  test('ends once, whether the reason that it quotes brings its own full stop or not', async () => {
    for (const each of cases) expect(judge(each).sentence).toMatch(/[^.!?…][.!?…]”?$|…\.$/);
    for (const [reason, end] of [
      ['It leaks keys', '“It leaks keys”.'],
      ['Never use it!', '“Never use it!”'],
    ] as const) {
      const world = await SignedWorld.create();
      await world.publishRelease();
      const body = utf8ToBytes(reason);
      const index = await world.withdraw(0, { reason: body });
      const evidence = world.evidence([index], { bodies: [body] });
      const { sentence } = verifyEvidence({ evidence, policy: world.policy() });
      expect(sentence.endsWith(`: ${end}`)).toBe(true);
    }
  });

  test('in words carries every line', () => {
    const verdict = judge(find('withdrawn'));
    const text = inWords(verdict);
    for (const { name, ok, reason } of verdict.checks) {
      expect(text).toContain(`\n${ok ? '✓' : '✗'} ${name} `);
      expect(text).toContain(`  ${reason}\n`);
    }
    for (const line of verdict.notShown) expect(text).toContain(`– ${line}\n`);
    expect(text.startsWith(`${verdict.sentence}\n`)).toBe(true);
    expect(text.endsWith('As of root size 3, log time 2026-11-24T21:07:00.000Z.\n')).toBe(true);
  });
});

describe('what is not shown follows from the facts', () => {
  const lines = (verdict: Verdict): string => verdict.notShown.join('\n');

  test('who witnessed', () => {
    expect(lines(judge(find('good-artifact')))).toContain('nobody but acme.example itself cosigned it');
    const witnessed = judge(find('good-witnessed'));
    expect(lines(witnessed)).not.toContain('nobody but acme.example');
    expect(lines(witnessed)).toContain('together with 1 of the operators north and south');
  });

  test('several keys of one operator are one party', async () => {
    const world = await SignedWorld.create();
    await world.publishArtifact(await world.publishRelease());
    const cosigners = ['w1.example', 'w2.example'] as const;
    const evidence = world.evidence([1, 0], {
      rootCheckpoint: world.checkpoint('statements', { cosigners }),
      keysCheckpoint: world.checkpoint('keys', { cosigners }),
    });
    const verdict = verifyEvidence({ evidence, policy: world.policy(WITNESSED) });
    expect(verdict.ok).toBe(true);
    expect(verdict.checks.find(({ name }) => name === 'root-checkpoint')?.collusion).toBe(
      'whoever holds the log and cosigner keys of acme.example, together with north, by showing you another log than others see',
    );
    const { operators, ...unnamed } = WITNESSED;
    expect(operators).toBeDefined();
    expect(lines(verifyEvidence({ evidence, policy: world.policy(unnamed) }))).toContain(
      'Who operates w1.example and w2.example: the policy does not say',
    );
  });

  test('a vendor is no stranger to itself under another name', async () => {
    const world = await SignedWorld.create();
    await world.publishArtifact(await world.publishRelease());
    const cosigners = ['acme.example/cosigner', 'w1.example'] as const;
    const evidence = world.evidence([1, 0], {
      rootCheckpoint: world.checkpoint('statements', { cosigners }),
      keysCheckpoint: world.checkpoint('keys', { cosigners }),
    });
    const operators = [{ operator: 'independent', keyNames: ['acme.example/cosigner', 'w1.example'] }];
    const policy = world.policy({ ...WITNESSED, operators });
    expect(lines(verifyEvidence({ evidence, policy }))).toContain(
      'nobody but acme.example itself cosigned it',
    );
  });

  test('where the policy came from', () => {
    const request = { ...find('good-artifact') };
    const evidence = utf8ToBytes(request.evidence);
    const { policy } = request;
    expect(lines(verifyEvidence({ evidence, policy }))).toContain('Where the policy comes from');
    expect(lines(verifyEvidence({ evidence, policy, policySource: 'vendor' }))).toContain(
      'taken from acme.example alone',
    );
    expect(lines(verifyEvidence({ evidence, policy, policySource: 'other' }))).not.toMatch(
      /policy (comes|is the one)/,
    );
  });

  test('provenance and SBOM, as the release names them', async () => {
    const world = await SignedWorld.create();
    const digest = '1'.repeat(64);
    const more = { provenance: { digest }, sbom: { digest, format: 'spdx' as const } };
    await world.publishArtifact(await world.publishRelease({ more }));
    const named = lines(verifyEvidence({ evidence: world.evidence([1, 0]), policy: world.policy() }));
    expect(named).toContain('names a build provenance, which was not checked here');
    expect(named).toContain('names an SBOM, which was not checked here');
    expect(lines(judge(find('good-artifact')))).toContain('names no build provenance');
  });

  test('a key that has ended since', async () => {
    expect(lines(judge(find('good-artifact')))).not.toContain('has ended since');
    const world = await SignedWorld.create();
    await world.publishArtifact(await world.publishRelease());
    const { keyid } = world.publisher;
    await world.appendKeys(keyRevokeStatement({ key: keyid, log: world.keysOrigin, reason: 'retired' }));
    const verdict = verifyEvidence({ evidence: world.evidence([1, 0]), policy: world.policy(), file: FILE });
    expect(verdict.ok).toBe(true);
    expect(lines(verdict)).toContain(`key ${keyid.slice(0, 12)}… has ended since`);
    expect(verdict.checks.find(({ name }) => name === 'admitted')?.collusion).toContain(
      'by dating a statement back',
    );
  });

  test('nothing, where nothing was accepted', () => {
    expect(judge(find('empty')).notShown).toEqual([
      'Anything at all: the evidence or the policy was not accepted, so nothing that they say was believed.',
    ]);
  });
});

describe('hostile sizes and requests', () => {
  test('larger than 8 MiB', () => {
    const verdict = verifyEvidence({
      evidence: new Uint8Array(MAX_EVIDENCE_BYTES + 1).fill(0x20),
      policy: find('good-artifact').policy,
    });
    expect(verdict.ok).toBe(false);
    expect(verdict.checks[1]?.reason).toContain('at most 8388608 are allowed');
  });

  test('bytes that are not UTF-8', () => {
    const verdict = verifyEvidence({
      evidence: Uint8Array.of(0x22, 0xff, 0x22),
      policy: find('good-artifact').policy,
    });
    expect(verdict.checks[1]?.reason).toContain('not UTF-8');
  });

  test('text that moves the cursor does not reach the reader', () => {
    const each = find('good-artifact');
    const verdict = verifyEvidence({
      evidence: utf8ToBytes(each.evidence),
      policy: each.policy,
      file: { ...FILE, name: 'a\u001b[2J\u202egnp.exe\n“ is safe”' },
    });
    expect(verdict.sentence).toContain('“a\ufffd[2J\ufffdgnp.exe “ is safe””');
    expect(verdict.sentence).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('a request that no caller should make throws', () => {
    const { evidence, policy } = find('good-artifact');
    const request = { evidence: utf8ToBytes(evidence), policy };
    expect(() => verifyEvidence({ ...request, file: { ...FILE, sha256: 'ABC' } })).toThrow(TypeError);
    expect(() => verifyEvidence({ ...request, maxAgeMs: -1 })).toThrow(RangeError);
    expect(() => verifyEvidence({ ...request, nowMs: Number.NaN })).toThrow(RangeError);
  });
});
