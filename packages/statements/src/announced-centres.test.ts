import { formatVkey } from '@vitrine/tlog';
import { describe, expect, test } from 'vitest';
import { testSigner } from '../test/test-signer.ts';
import { ROOT_ORIGIN } from '../test/keys-log-builder.ts';
import {
  type CentrePredicate,
  centreStatement,
  formatStatement,
  parseStatement,
  StatementError,
  whyNotAnnounced,
} from './index.ts';

const vkey = (name: string, type: 0x01 | 0x04, key = name): string =>
  formatVkey({ name, type, publicKey: testSigner(key).rawPublicKey });

function announcement(name: string, more: Partial<CentrePredicate> = {}): CentrePredicate {
  return {
    centre: {
      city: 'Zurich',
      country: 'CH',
      name,
      operator: 'ETH',
      region: 'Europe',
      url: `https://${name}`,
    },
    intake: { origin: `${name}/intake`, vkey: vkey(`${name}/intake`, 0x01) },
    log: ROOT_ORIGIN,
    mirror: vkey(`${name}/mirror`, 0x04),
    version: 1,
    witness: vkey(`${name}/witness`, 0x04),
    working: true,
    ...more,
  };
}

const parse = (predicate: CentrePredicate): unknown =>
  parseStatement(formatStatement(centreStatement(predicate)));
const A = 'a.example';
const B = 'b.example';

describe('an announcement by itself', () => {
  test('has three keys, whatever their names', () => {
    expect(() => parse(announcement(A))).not.toThrow();
    for (const more of [
      { mirror: vkey(`${A}/mirror`, 0x04, `${A}/witness`) },
      { intake: { origin: `${A}/intake`, vkey: vkey(`${A}/intake`, 0x01, `${A}/witness`) } },
      { intake: { origin: `${A}/intake`, vkey: vkey(`${A}/intake`, 0x01, `${A}/mirror`) } },
    ])
      expect(() => parse(announcement(A, more))).toThrow(/one key stands in two roles/);
  });

  test('names its own intake log, and keys that are keys', () => {
    const foreign = { origin: `${B}/intake`, vkey: vkey(`${B}/intake`, 0x01) };
    expect(() => parse(announcement(A, { intake: foreign }))).toThrow(/not named NAME\/intake/);
    for (const malformed of ['', 'x', 'a+b+c', vkey(`${A}/witness`, 0x01)])
      expect(() => parse(announcement(A, { witness: malformed }))).toThrow(StatementError);
  });
});

describe('beside those in force', () => {
  test('a newer one of the same centre counts, also with other roles for its keys', () => {
    const first = announcement(A);
    expect(whyNotAnnounced(first, [])).toBeUndefined();
    expect(whyNotAnnounced(first, [first])).toContain('announcement 1 is in force');
    const swapped = announcement(A, { version: 2, witness: first.mirror, mirror: first.witness });
    expect(whyNotAnnounced(swapped, [first, announcement(B)])).toBeUndefined();
  });

  test('one with a key of another centre does not, in any pair of roles', () => {
    const other = announcement(B);
    for (const taken of ['witness', 'mirror', 'intake']) {
      const key = `${B}/${taken}`;
      for (const [role, more] of [
        ['witness', { witness: vkey(`${A}/witness`, 0x04, key) }],
        ['mirror', { mirror: vkey(`${A}/mirror`, 0x04, key) }],
        ['intake', { intake: { origin: `${A}/intake`, vkey: vkey(`${A}/intake`, 0x01, key) } }],
      ] as const)
        for (const inForce of [[other], [{ ...other, working: false }], [announcement('c.example'), other]])
          expect(whyNotAnnounced(announcement(A, more), inForce)).toBe(
            `its ${role} key is the ${taken} key of ${B}: a key speaks for one centre in one role`,
          );
    }
  });
});
