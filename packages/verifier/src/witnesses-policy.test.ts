import { type WitnessEntry, witnessesStatement } from '@vitrine/statements';
import { parsePolicy } from '@vitrine/tlog';
import { beforeAll, describe, expect, test } from 'vitest';
import { SignedWorld, vkeyOf } from '../test/signed-world.ts';
import { isVendorKey, operatorOf, parseVerificationPolicy, type VerificationPolicy } from './index.ts';
import { policyWithWitnesses } from './witnesses-policy.ts';

let policy: VerificationPolicy;
beforeAll(async () => {
  const world = await SignedWorld.create();
  policy = parseVerificationPolicy(world.policy({ maxAgeMs: 3_600_000 }));
});

function key(operator: string, name: string, more: Pick<WitnessEntry, 'kind' | 'url'> = {}): WitnessEntry {
  return { operator, vkey: vkeyOf(name, 0x04), ...more };
}

const mirror = { kind: 'mirror' } as const;
const CENTRES = [
  key('acme.example', 'acme.example/cosigner'),
  key('north.example', 'north.example/witness', { url: 'https://north.example/witness' }),
  key('north.example', 'north.example/second'),
  key('south.example', 'south.example/witness'),
  key('north.example', 'north.example/mirror', mirror),
  key('south.example', 'south.example/mirror', mirror),
];

function statementOf(witnesses: readonly WitnessEntry[], quorum: number, mirrorQuorum?: number) {
  return witnessesStatement({
    log: 'acme.example/keys',
    quorum,
    version: 1,
    witnesses: [...witnesses],
    ...(mirrorQuorum === undefined ? {} : { mirrorQuorum }),
  }).predicate;
}

describe('the policy that follows from logged witnesses', () => {
  test('asks both kinds, each by operator, and keeps what is not about witnesses', () => {
    const text = policyWithWitnesses(policy, statementOf(CENTRES, 2, 1));
    const groups = text.split('\n').filter((line) => /^(group|quorum)/.test(line));
    expect(groups.slice(0, 1)).toEqual([
      expect.stringMatching(
        /^group witnesses:north\.example any witness:north\.example\/\S+ witness:north\.example\/\S+$/,
      ),
    ]);
    expect(groups.slice(-2)).toEqual(['group both all witnesses mirrors', 'quorum both']);
    expect(text).toMatch(/^witness witness:north\.example\/witness \S+ https:\/\/north\.example\/witness$/m);

    const next = parseVerificationPolicy(text);
    expect(next.keysEntry0).toBe(policy.keysEntry0);
    expect(next.maxAgeMs).toBe(3_600_000);
    expect(next.tlog.logs.map(({ key: { publicKey } }) => publicKey)).toEqual(
      policy.tlog.logs.map(({ key: { publicKey } }) => publicKey),
    );
    expect(operatorOf(next, 'north.example/mirror')).toBe('north.example');
    expect(CENTRES.map(({ vkey }) => isVendorKey(next, vkey.split('+')[0] ?? ''))).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test('without a quorum of mirrors names them and asks the witnesses only', () => {
    const next = parsePolicy(policyWithWitnesses(policy, statementOf(CENTRES, 3)));
    expect(next.quorum).toMatchObject({ kind: 'group', name: 'witnesses', threshold: 3 });
    expect(next.witnesses).toHaveLength(CENTRES.length);
  });

  test('no name of a key or operator can pass for a group', () => {
    const odd = [key('none', 'none'), key('witnesses', 'witnesses'), key('mirrors', 'both', mirror)];
    const next = parsePolicy(policyWithWitnesses(policy, statementOf(odd, 2, 1)));
    expect(next.quorum).toMatchObject({ name: 'both', threshold: 2 });
  });
});
