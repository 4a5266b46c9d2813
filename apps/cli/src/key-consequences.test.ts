import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DEFAULT_RULES, emptyKeysState, HEAD_TYPE, parseSpki, RELEASE_TYPE } from '@vitrine/statements';
import type { KeyRecord, KeysState, RegistrationRule } from '@vitrine/statements';
import { consequencesOf } from './key-consequences.ts';

function key(role: string, products: readonly string[] = ['*']): KeyRecord {
  const { publicKey } = generateKeyPairSync('ed25519');
  const spki = parseSpki(new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })));
  return { ...spki, roles: [{ role, products: [...products] }], addedAtMs: 10 };
}

function state(keys: readonly KeyRecord[], rules: readonly RegistrationRule[] = DEFAULT_RULES): KeysState {
  return {
    ...emptyKeysState('acme.example/keys'),
    lastRegisteredAtMs: 20,
    policies: [{ version: 1, fromMs: 0, rules }],
    keys: new Map(keys.map((each) => [each.keyid, each])),
  };
}

const anchor = key('anchor');
const publisher = key('publisher');
const custodian = key('custodian');
const all = [anchor, publisher, custodian];

describe('what a statement would do', () => {
  test('nothing worth a word, when everything may still be said', () => {
    expect(consequencesOf(state(all), state([...all, key('publisher')]))).toEqual({ warnings: [] });
  });

  test('the only anchor key may not end, not even for a successor: the running server signs with the old one', () => {
    const ended: KeyRecord = { ...anchor, endedAtMs: 20, endedBy: 'rotated' };
    const successor: KeyRecord = { ...key('anchor'), addedAtMs: 20 };
    expect(consequencesOf(state(all), state([ended, successor, publisher, custodian])).refusal).toContain(
      'anchor.pem',
    );
    const second = key('anchor');
    expect(
      consequencesOf(state([...all, second]), state([ended, second, publisher, custodian])).refusal,
    ).toBeUndefined();
    const partial = key('anchor', ['toys']);
    expect(
      consequencesOf(state([...all, partial]), state([ended, partial, publisher, custodian])).refusal,
    ).toContain('anchor');
  });

  test('rules must let one anchor key say heads', () => {
    const without = DEFAULT_RULES.filter(({ predicateType }) => predicateType !== HEAD_TYPE);
    expect(consequencesOf(state(all), state(all, without)).refusal).toContain('head/v1');
    const head = { predicateType: HEAD_TYPE, threshold: 1 };
    expect(
      consequencesOf(state(all), state(all, [...without, { ...head, role: 'herald' }])).refusal,
    ).toContain('herald');
    expect(
      consequencesOf(state(all), state(all, [...without, { ...head, role: 'anchor', threshold: 2 }])).refusal,
    ).toContain('one key');
  });

  test('types that nobody could say any more are named', () => {
    const ended: KeyRecord = { ...publisher, endedAtMs: 20, endedBy: 'retired' };
    expect(consequencesOf(state(all), state([anchor, ended, custodian])).warnings).toHaveLength(3);
    const without = DEFAULT_RULES.filter(({ predicateType }) => predicateType !== RELEASE_TYPE);
    expect(consequencesOf(state(all), state(all, without)).warnings).toEqual([
      'nobody may say release/v1 any more',
    ]);
    const added = [
      ...DEFAULT_RULES,
      { predicateType: 'https://vitrine.dev/finding/v1', role: 'reviewer', threshold: 1 },
    ];
    expect(consequencesOf(state(all), state(all, added)).warnings).toEqual([
      'no valid key has the role reviewer, which finding/v1 would need',
    ]);
  });
});
