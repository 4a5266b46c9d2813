import { describe, expect, test } from 'vitest';
import { SignedWorld, vkeyOf, WITNESSED } from '../test/signed-world.ts';
import {
  EvidenceError,
  type EvidenceErrorCode,
  formatDuration,
  formatVerificationPolicy,
  isVendorKey,
  operatorOf,
  type PolicyDraft,
  parseDuration,
  parseVerificationPolicy,
} from './index.ts';

const world = await SignedWorld.create();
const draft: PolicyDraft = {
  logs: ['acme.example/statements', 'acme.example/keys'].map((name) => ({
    vkey: vkeyOf(name, 0x01),
    url: `https://acme.example/logs/${name.split('/').at(-1) ?? ''}/`,
  })),
  keysEntry0: 'a'.repeat(64),
  maxAgeMs: 36 * 3_600_000,
  ...WITNESSED,
};

function codeOf(action: () => unknown): EvidenceErrorCode {
  try {
    action();
  } catch (error) {
    if (error instanceof EvidenceError) return error.code;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('verification policies', () => {
  test('what is written is read', () => {
    const policy = parseVerificationPolicy(formatVerificationPolicy(draft));
    expect(policy).toMatchObject({
      instance: 'acme.example',
      rootOrigin: 'acme.example/statements',
      keysOrigin: 'acme.example/keys',
      keysEntry0: 'a'.repeat(64),
      maxAgeMs: 36 * 3_600_000,
    });
    expect(policy.tlog.witnesses).toHaveLength(4);
    expect(policy.operators).toEqual(
      new Map([
        ['w1.example', 'north'],
        ['w2.example', 'north'],
        ['w3.example', 'south'],
      ]),
    );
  });

  test('comments are comments, with white space before a rule too', () => {
    const text = world.policy().replace('#vitrine', '  #vitrine\t');
    const policy = parseVerificationPolicy(`# Vitrine is a locked glass case.\n#\n#vitrin\n${text}`);
    expect(policy.keysEntry0).toBe(parseVerificationPolicy(world.policy()).keysEntry0);
  });

  test('what cannot be read is not written', () => {
    expect(codeOf(() => formatVerificationPolicy({ ...draft, keysEntry0: '' }))).toBe('malformed-policy');
    expect(codeOf(() => formatVerificationPolicy({ ...draft, quorum: 'nobody' }))).toBe('malformed-policy');
    const operators = [{ operator: 'north', keyNames: [] }];
    expect(codeOf(() => formatVerificationPolicy({ ...draft, operators }))).toBe('malformed-policy');
  });

  test('rules are not read in another case, from two lines, or twice for one key', () => {
    const text = formatVerificationPolicy(draft);
    const more = [
      '#Vitrine max-age 1d',
      '#vitrine',
      '#vitrine max-age 1d',
      '#vitrine operator',
      '#vitrine operator north w3.example',
      '#vitrine operator east w3.example',
      '#vitrine keys-entry-0',
    ];
    for (const line of more)
      expect(codeOf(() => parseVerificationPolicy(`${text}${line}\n`))).toBe('malformed-policy');
    expect(codeOf(() => parseVerificationPolicy(text.replace(/#vitrine keys-entry-0.*\n/, '')))).toBe(
      'no-pin',
    );
  });

  test('the logs of two instances are not one policy', () => {
    const logs = ['acme.example/statements', 'other.example/keys'].map((name) => ({
      vkey: vkeyOf(name, 0x01),
    }));
    expect(codeOf(() => formatVerificationPolicy({ ...draft, logs }))).toBe('malformed-policy');
    const three = [...draft.logs, { vkey: vkeyOf('acme.example/open', 0x01) }];
    expect(codeOf(() => formatVerificationPolicy({ ...draft, logs: three }))).toBe('malformed-policy');
  });

  test('who operates what', () => {
    const policy = parseVerificationPolicy(formatVerificationPolicy(draft));
    expect(operatorOf(policy, 'w2.example')).toBe('north');
    expect(operatorOf(policy, 'acme.example/cosigner')).toBeUndefined();
    expect(isVendorKey(policy, 'acme.example/cosigner')).toBe(true);
    expect(isVendorKey(policy, 'acme.example.evil')).toBe(false);
    expect(isVendorKey(policy, 'w3.example')).toBe(false);
    const operators = [{ operator: 'south', keyNames: ['acme.example/statements', 'w3.example'] }];
    const claimed = parseVerificationPolicy(formatVerificationPolicy({ ...draft, operators }));
    expect(isVendorKey(claimed, 'w3.example')).toBe(true);
  });
});

describe('durations', () => {
  test.each([
    ['1s', 1_000],
    ['90m', 5_400_000],
    ['36h', 129_600_000],
    ['30d', 2_592_000_000],
  ])('%s', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
    expect(formatDuration(durationMs)).toBe(text);
  });

  test.each(['', '0d', '01d', '1', 'd', '1D', '1 d', '-1d', '1.5h', '1d\n', '9999999999d'])(
    '%j is none',
    (text) => {
      expect(codeOf(() => parseDuration(text))).toBe('malformed-duration');
    },
  );

  test('parts of a second cannot be written', () => {
    expect(() => formatDuration(1_500)).toThrow(RangeError);
  });
});
