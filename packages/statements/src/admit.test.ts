import { describe, expect, test } from 'vitest';
import {
  ANCHOR,
  BASE,
  KEYS_ORIGIN,
  keyAdd,
  keysLeaves,
  PUBLISHER,
  ROOT,
  ROOT_ORIGIN,
  registrationPolicy,
  type SignedEntry,
  START_MS,
} from '../test/keys-log-builder.ts';
import { testSigner } from '../test/test-signer.ts';
import {
  admit,
  admitEnvelope,
  DEFAULT_RULES,
  foldKeys,
  formatLeaf,
  formatPublicKey,
  HEAD_TYPE,
  keyRevokeStatement,
  keyRotateStatement,
  releaseStatement,
  signStatement,
  whyNoHeads,
} from './index.ts';

const NEXT = testSigner('next anchor');
const withoutHeads = DEFAULT_RULES.filter(({ predicateType }) => predicateType !== HEAD_TYPE);
const log = KEYS_ORIGIN;

async function afterwards(more: readonly SignedEntry[], { keyid } = ANCHOR): Promise<string | undefined> {
  const { state, entries } = foldKeys(KEYS_ORIGIN, await keysLeaves([...BASE, ...more]));
  // What is asked about here counts in the fold, whatever becomes of the centre.
  if (state.unsound === undefined) expect(entries.every(({ counts }) => counts)).toBe(true);
  return whyNoHeads(state, keyid);
}

describe('heads signed by one key alone', () => {
  test('are admitted while the key is in force, and so is its successor’s', async () => {
    expect(await afterwards([])).toBeUndefined();
    const rotated: SignedEntry = [
      keyRotateStatement({ key: ANCHOR.keyid, log, successor: formatPublicKey(NEXT) }),
      [ANCHOR, NEXT],
    ];
    expect(await afterwards([rotated], NEXT)).toBeUndefined();
    expect(await afterwards([rotated])).toContain('had been rotated');
  });

  test('are not once the key has ended, in the very millisecond', async () => {
    expect(
      await afterwards([[keyRevokeStatement({ key: ANCHOR.keyid, log, reason: 'retired' }), [ROOT]]]),
    ).toContain('had been retired');
    const compromised = keyRevokeStatement({
      key: ANCHOR.keyid,
      log,
      reason: 'compromised',
      validBelow: 1_000_000,
    });
    expect(await afterwards([[compromised, [ROOT]]])).toContain('compromised');
  });

  test('are not by a key that does not hold the role for everything, or that nobody added', async () => {
    expect(await afterwards([], PUBLISHER)).toContain('does not hold the role anchor');
    expect(await afterwards([], NEXT)).toContain('was never added');
    expect(await afterwards([[keyAdd(NEXT, 'anchor', ['hello']), [ROOT]]], NEXT)).toContain(
      'for some products only',
    );
  });

  test('are not where the rules leave them out, or want more than one signature or another role', async () => {
    const head = { predicateType: HEAD_TYPE, role: 'anchor', threshold: 1 };
    const under = async (rules: (typeof head)[]) => afterwards([[registrationPolicy(2, rules), [ROOT]]]);
    expect(await under([...withoutHeads, head])).toBeUndefined();
    expect(await under([...withoutHeads])).toContain('no rule');
    expect(await under([...withoutHeads, { ...head, threshold: 2 }])).toContain('2 keys');
    expect(await under([...withoutHeads, { ...head, role: 'herald' }])).toContain('the role herald');
  });

  test('are not under a log whose times run backwards', async () => {
    expect(await afterwards([[keyAdd(NEXT), [ROOT], START_MS]])).toContain('proves nothing');
  });
});

describe('a statement under a key that was revoked as compromised', () => {
  const RELEASE = releaseStatement({
    artifacts: { count: 1, list: 'a'.repeat(64) },
    log: ROOT_ORIGIN,
    product: 'hello',
    source: { files: 1, manifest: 'a'.repeat(64), root: 'a'.repeat(64) },
    version: '1',
  });

  async function judged(
    leafIndex: number,
    validBelow: readonly number[],
    registeredAtMs = START_MS + 500_000,
  ) {
    const revocations = validBelow.map(
      (below): SignedEntry => [
        keyRevokeStatement({ key: PUBLISHER.keyid, log, reason: 'compromised', validBelow: below }),
        [ROOT],
        START_MS + 1_000_000 - below,
      ],
    );
    const { state, entries } = foldKeys(KEYS_ORIGIN, await keysLeaves([...BASE, ...revocations]));
    expect(entries.every(({ counts }) => counts)).toBe(true);
    const leaf = formatLeaf({ registeredAtMs, envelope: await signStatement(RELEASE, [PUBLISHER]) });
    return { state, verdict: admit(state, { origin: ROOT_ORIGIN, leafIndex, leaf }) };
  }

  test('counts below the index named, and above it says what it was, until when, and by which entry', async () => {
    expect((await judged(4, [5])).verdict).toMatchObject({ admitted: true });
    const { state, verdict } = await judged(5, [5]);
    expect(verdict).toMatchObject({
      admitted: false,
      code: 'threshold-not-met',
      voided: {
        admission: { admitted: true, statement: RELEASE, signers: [PUBLISHER.keyid] },
        atMs: START_MS + 999_995,
        leafIndex: state.size - 1,
      },
    });
  });

  test('was voided by the first revocation that reaches it', async () => {
    const { state, verdict } = await judged(5, [9, 3]);
    expect(verdict).toMatchObject({ voided: { atMs: START_MS + 999_997, leafIndex: state.size - 1 } });
    expect((await judged(9, [9, 3])).verdict).toMatchObject({
      voided: { atMs: START_MS + 999_991, leafIndex: state.size - 2 },
    });
  });

  test('never counted when it was registered afterwards, or at the door', async () => {
    const { state, verdict } = await judged(5, [5], START_MS + 2_000_000);
    expect(verdict).toMatchObject({ admitted: false });
    expect(verdict).not.toHaveProperty('voided');
    const envelope = await signStatement(RELEASE, [PUBLISHER]);
    const atTheDoor = admitEnvelope(state, { origin: ROOT_ORIGIN, atMs: START_MS + 500_000, envelope });
    expect(atTheDoor).not.toHaveProperty('voided');
  });
});
