import { formatVkey } from '@vitrine/tlog';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KEYS_ORIGIN, PUBLISHER, ROOT, ROOT_ORIGIN, START_MS } from '../test/keys-log-builder.ts';
import { release } from '../test/statement-cases.ts';
import { ONE_OF_EACH } from '../test/one-of-each.ts';
import { testSigner } from '../test/test-signer.ts';
import {
  artifactStatement,
  commitmentTo,
  formatArtifactList,
  formatDisposalList,
  formatEnvelope,
  formatKeyHolder,
  formatLeaf,
  formatStatement,
  MAX_ENVELOPE_BYTES,
  MAX_KEY_HOLDER_BYTES,
  parseArtifactList,
  parseDisposalList,
  parseKeyHolder,
  parseLeaf,
  parseStatement,
  parseStatementEnvelope,
  parseStatementLeaf,
  payloadDigestOf,
  predicateTypes,
  registrationPolicyStatement,
  StatementError,
  type StatementErrorCode,
  signEnvelope,
  signStatement,
  type WitnessesPredicate,
  witnessesStatement,
  withSignatures,
} from './index.ts';

const DIGEST = 'a'.repeat(64);
const OTHER = testSigner('other');

function thrown(action: () => unknown): StatementErrorCode {
  try {
    action();
  } catch (error) {
    if (error instanceof StatementError) return error.code;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('statements', () => {
  test('there is one of each type here', () => {
    expect(ONE_OF_EACH.map(({ predicateType }) => predicateType).sort()).toEqual(
      Object.keys(predicateTypes).sort(),
    );
  });

  test.each(ONE_OF_EACH.map((each) => [each.predicateType, each] as const))('%s', (_type, statement) => {
    const payload = formatStatement(statement);
    expect(parseStatement(payload)).toEqual(statement);
    // What in-toto's spec/v1/statement.md requires of any statement.
    expect(statement._type).toBe('https://in-toto.io/Statement/v1');
    expect(statement.subject.length).toBeGreaterThan(0);
    for (const { digest } of statement.subject) expect(Object.keys(digest).length).toBeGreaterThan(0);
  });

  test('a constructor cannot sign what a parser would refuse', () => {
    const bad = artifactStatement(
      { name: '../etc/passwd', sha256: DIGEST },
      { log: ROOT_ORIGIN, product: 'hello', release: DIGEST, sizeBytes: 1, version: '1' },
    );
    expect(thrown(() => formatStatement(bad))).toBe('malformed-statement');
    const rules = Array.from({ length: 64 }, (_, i) => ({
      predicateType: `https://vitrine.dev/${'x'.repeat(20)}-${String.fromCharCode(97 + (i % 26))}${'y'.repeat(Math.floor(i / 26))}/v1`,
      role: 'publisher',
      threshold: 1,
    }));
    const large = registrationPolicyStatement({ log: KEYS_ORIGIN, rules, version: 1 });
    expect(formatStatement(large).length).toBeLessThan(MAX_ENVELOPE_BYTES);
    return expect(signStatement(large, [ROOT])).rejects.toMatchObject({ code: 'too-large' });
  });

  test('an error says where', () => {
    const wrong = JSON.stringify(JSON.parse(new TextDecoder().decode(formatStatement(release())))).replace(
      '"files":214',
      '"files":-1',
    );
    expect(() => parseStatement(new TextEncoder().encode(wrong))).toThrow(/predicate\.source\.files/);
  });
});

describe('envelopes', () => {
  test('signatures are sorted, and none stands twice', async () => {
    const envelope = parseStatementEnvelope(
      await signStatement(release(), [PUBLISHER, OTHER, ROOT]),
    ).envelope;
    const keyids = envelope.signatures.map(({ keyid }) => keyid);
    expect(keyids).toEqual([PUBLISHER, OTHER, ROOT].map(({ keyid }) => keyid).sort());
    await expect(signStatement(release(), [PUBLISHER, PUBLISHER])).rejects.toThrow(TypeError);
    await expect(signStatement(release(), [])).rejects.toThrow(TypeError);
    await expect(signEnvelope('t', new Uint8Array(0), [{ ...OTHER, keyid: ROOT.keyid }])).rejects.toThrow(
      TypeError,
    );
  });

  test('signatures made apart come to the same envelope', async () => {
    const together = await signStatement(release(), [PUBLISHER, OTHER]);
    const one = parseStatementEnvelope(await signStatement(release(), [OTHER])).envelope;
    const other = parseStatementEnvelope(await signStatement(release(), [PUBLISHER])).envelope;
    expect(formatEnvelope(withSignatures(one, other.signatures))).toEqual(together);
    expect(() => withSignatures(one, one.signatures)).toThrow(TypeError);
  });

  test('the identity is that of payload and signers, not of the signatures', async () => {
    const one = parseStatementEnvelope(await signStatement(release(), [PUBLISHER]));
    const two = parseStatementEnvelope(await signStatement(release(), [PUBLISHER, OTHER]));
    expect(one.payloadDigest).toBe(two.payloadDigest);
    expect(one.identity).not.toBe(two.identity);
    const signature = { keyid: PUBLISHER.keyid, sig: new Uint8Array(64) };
    const forged = { ...one.envelope, signatures: [signature] };
    expect(parseStatementEnvelope(formatEnvelope(forged)).identity).toBe(one.identity);
  });
});

describe('leaves', () => {
  test('format and parse are inverse', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.uint8Array({ maxLength: MAX_ENVELOPE_BYTES }),
        (registeredAtMs, envelope) => {
          const leaf = formatLeaf({ registeredAtMs, envelope });
          expect(parseLeaf(leaf)).toEqual({ registeredAtMs, envelope });
          const within = new Uint8Array(leaf.length + 5);
          within.set(leaf, 3);
          expect(parseLeaf(within.subarray(3, 3 + leaf.length))).toEqual({ registeredAtMs, envelope });
        },
      ),
      { numRuns: 50 },
    );
  });

  test('what is no leaf', () => {
    expect(thrown(() => parseLeaf(new Uint8Array(7)))).toBe('malformed-leaf');
    expect(thrown(() => parseLeaf(new Uint8Array(8).fill(0xff)))).toBe('malformed-leaf');
    expect(thrown(() => parseLeaf(new Uint8Array(8193)))).toBe('too-large');
    expect(() => formatLeaf({ registeredAtMs: -1, envelope: new Uint8Array(1) })).toThrow(RangeError);
    expect(() => formatLeaf({ registeredAtMs: 1.5, envelope: new Uint8Array(1) })).toThrow(RangeError);
    expect(() => formatLeaf({ registeredAtMs: 0, envelope: new Uint8Array(8185) })).toThrow(RangeError);
  });

  test('an altered leaf is another statement or none', async () => {
    const leaf = formatLeaf({
      registeredAtMs: START_MS,
      envelope: await signStatement(release(), [PUBLISHER]),
    });
    const good = parseStatementLeaf(leaf);
    fc.assert(
      fc.property(fc.nat(leaf.length - 1), fc.integer({ min: 1, max: 255 }), (position, change) => {
        const altered = leaf.slice();
        altered[position] = (altered[position] ?? 0) ^ change;
        try {
          const parsed = parseStatementLeaf(altered);
          expect(parsed).not.toEqual(good);
          // There is one spelling: what parses is what would have been written.
          const { envelope, registeredAtMs } = parsed;
          expect(formatLeaf({ registeredAtMs, envelope: formatEnvelope(envelope) })).toEqual(altered);
        } catch (error) {
          expect(error).toBeInstanceOf(StatementError);
        }
      }),
      { numRuns: process.env['VITRINE_SOAK'] === undefined ? 400 : 20_000 },
    );
  });
});

describe('bodies', () => {
  const artifacts = [
    { name: 'b.deb', sha256: DIGEST, sizeBytes: 2 },
    { name: 'a.deb', sha256: DIGEST, sizeBytes: 1 },
  ];

  test('lists of artifacts are sorted by name', () => {
    expect(parseArtifactList(formatArtifactList(artifacts))).toEqual(artifacts.toReversed());
    expect(parseArtifactList(formatArtifactList([]))).toEqual([]);
    expect(thrown(() => formatArtifactList([...artifacts, ...artifacts]))).toBe('malformed-body');
    expect(thrown(() => formatArtifactList([{ name: '..', sha256: DIGEST, sizeBytes: 1 }]))).toBe(
      'malformed-body',
    );
    const unsorted = new TextEncoder().encode(JSON.stringify(artifacts));
    expect(thrown(() => parseArtifactList(unsorted))).toBe('malformed-body');
  });

  test('lists of disposed objects', () => {
    const list = { digests: ['b'.repeat(64), DIGEST], salt: 'c'.repeat(64) };
    expect(parseDisposalList(formatDisposalList(list)).digests).toEqual([DIGEST, 'b'.repeat(64)]);
    expect(thrown(() => formatDisposalList({ ...list, digests: [DIGEST, DIGEST] }))).toBe('malformed-body');
    expect(thrown(() => formatDisposalList({ ...list, salt: '' }))).toBe('malformed-body');
  });
});

describe('who stands behind a key', () => {
  const holder = { holder: 'Alice Éxample, release engineering', salt: 'c'.repeat(64) };

  test('is an object that the commitment is the digest of, in one spelling', () => {
    const bytes = formatKeyHolder(holder);
    expect(parseKeyHolder(bytes)).toEqual(holder);
    expect(commitmentTo(holder)).toBe(payloadDigestOf(bytes));
    expect(commitmentTo({ ...holder, salt: 'd'.repeat(64) })).not.toBe(commitmentTo(holder));
    const spaced = new TextEncoder().encode(JSON.stringify(holder, null, 1));
    expect(thrown(() => parseKeyHolder(spaced))).toBe('not-canonical-json');
  });

  test.each(['', 'a\nb', 'a\u202eb', 'a\u200bb', 'x'.repeat(501)])('%j is nobody', (name) => {
    expect(thrown(() => formatKeyHolder({ ...holder, holder: name }))).toBe('malformed-body');
  });

  test('without a salt, with more members or too large is refused', () => {
    const bytesOf = (value: object) => new TextEncoder().encode(JSON.stringify(value));
    expect(thrown(() => parseKeyHolder(bytesOf({ holder: 'Alice' })))).toBe('malformed-body');
    expect(thrown(() => parseKeyHolder(bytesOf({ ...holder, title: 'Dr' })))).toBe('malformed-body');
    expect(thrown(() => parseKeyHolder(new Uint8Array(MAX_KEY_HOLDER_BYTES + 1)))).toBe('too-large');
  });
});

describe('witnesses', () => {
  const key = (name: string, seed = name) =>
    formatVkey({ name, type: 0x04, publicKey: testSigner(seed).rawPublicKey });
  const witness = { operator: 'north', vkey: key('north/witness') };
  const mirror = { kind: 'mirror' as const, operator: 'north', vkey: key('north/mirror') };
  const of = (witnesses: WitnessesPredicate['witnesses'], more: Partial<WitnessesPredicate> = {}) =>
    formatStatement(witnessesStatement({ log: KEYS_ORIGIN, quorum: 1, version: 1, witnesses, ...more }));

  test('of both kinds, with a quorum of operators each', () => {
    const { predicate } = parseStatement(of([witness, mirror], { mirrorQuorum: 1 }));
    expect(predicate).toMatchObject({ mirrorQuorum: 1, quorum: 1 });
  });

  test.each([
    ['one name for two keys', () => of([witness, { ...witness, vkey: key('north/witness', 'x') }])],
    ['one key under two names', () => of([witness, { ...witness, vkey: key('other', 'north/witness') }])],
    ['one vkey twice', () => of([witness, witness])],
    ['a quorum of two with one operator', () => of([witness, { ...witness, vkey: key('b') }], { quorum: 2 })],
    ['mirrors do not count as witnesses', () => of([mirror])],
    ['witnesses do not count as mirrors', () => of([witness], { mirrorQuorum: 1 })],
    ['a quorum of nobody', () => of([witness], { quorum: 0 })],
    ['an operator of two words', () => of([{ ...witness, operator: 'north pole' }])],
    ['an address that is no prefix', () => of([{ ...witness, url: 'https://north/?q' }])],
    ['an address with a space', () => of([{ ...witness, url: 'https://north/a b' }])],
    ['an address of another protocol', () => of([{ ...witness, url: 'file:///etc/passwd' }])],
    [
      'the key of a log',
      () => of([{ ...witness, vkey: formatVkey({ name: 'n', type: 0x01, publicKey: OTHER.rawPublicKey }) }]),
    ],
  ])('are refused: %s', (_what, make) => {
    expect(thrown(make)).toBe('malformed-statement');
  });
});

test('witnesses that a stranger wrote are refused in this package’s own words, whatever their key is', () => {
  const vkey = formatVkey({ name: 'north', type: 0x04, publicKey: OTHER.rawPublicKey });
  const good = new TextDecoder().decode(
    formatStatement(
      witnessesStatement({
        log: KEYS_ORIGIN,
        quorum: 1,
        version: 1,
        witnesses: [{ operator: 'north', vkey }],
      }),
    ),
  );
  for (const hostile of [
    good.replaceAll(vkey, 'nonsense'),
    good.replaceAll(vkey, ''),
    good.replace('{"operator"', '{"kind":"witness","operator"'),
    good.replace('{"operator"', '{"kind":"log","operator"'),
    good.replace('"quorum":1', '"mirrorQuorum":0,"quorum":1'),
  ]) {
    expect(hostile).not.toBe(good);
    expect(thrown(() => parseStatement(new TextEncoder().encode(hostile)))).toMatch(
      /^(malformed-statement|not-canonical-json)$/,
    );
  }
});
