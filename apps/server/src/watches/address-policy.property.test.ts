import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAllowedAddress } from './address-policy.ts';

const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
type Octets = [number, number, number, number];

/** Written apart from the lists, by arithmetic. */
function judged([a, b, c]: Octets): 'public' | 'private' | 'never' {
  if (a === 10 || a === 127 || (a === 100 && b >> 6 === 1) || (a === 172 && b >> 4 === 1)) return 'private';
  if (a === 192 && b === 168) return 'private';
  if (a === 0 || a >= 224 || (a === 169 && b === 254)) return 'never';
  if (a === 192 && b === 0 && (c === 0 || c === 2)) return 'never';
  if (a === 192 && b === 88 && c === 99) return 'never';
  if (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) return 'never';
  return a === 203 && b === 0 && c === 113 ? 'never' : 'public';
}

/** Random ones are mostly public: half of them near a border. */
const address: fc.Arbitrary<Octets> = fc.oneof(
  octets,
  fc.tuple(
    fc.constantFrom(0, 9, 10, 11, 100, 126, 127, 128, 169, 172, 192, 198, 203, 223, 224, 255),
    fc.constantFrom(0, 15, 16, 17, 18, 19, 20, 31, 32, 51, 63, 64, 88, 127, 128, 168, 254, 255),
    fc.constantFrom(0, 1, 2, 3, 99, 100, 113, 255),
    fc.nat(255),
  ),
);

const hexOf = ([a, b, c, d]: Octets): string =>
  `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;

test('an IPv4 address is judged alike in every notation', () => {
  fc.assert(
    fc.property(address, (parts) => {
      const dotted = parts.join('.');
      const kind = judged(parts);
      for (const notation of [
        dotted,
        `::ffff:${dotted}`,
        `::ffff:${hexOf(parts)}`,
        `0:0:0:0:0:FFFF:${hexOf(parts)}`,
        `64:ff9b::${dotted}`,
        `64:ff9b::${hexOf(parts)}`,
      ]) {
        expect([notation, isAllowedAddress(notation, false)]).toEqual([notation, kind === 'public']);
        expect([notation, isAllowedAddress(notation, true)]).toEqual([notation, kind !== 'never']);
      }
      // Compatible (deprecated), translated at the place, 6to4, Teredo, ISATAP’s link-local.
      for (const notation of [
        `::${dotted}`,
        `64:ff9b:1::${dotted}`,
        `2002:${hexOf(parts)}::1`,
        `2001:0:${hexOf(parts)}::`,
        `fe80::5efe:${dotted}`,
      ])
        if (notation !== '::0.0.0.1')
          expect([notation, isAllowedAddress(notation, true)]).toEqual([notation, false]);
    }),
    { numRuns: process.env['VITRINE_SOAK'] === undefined ? 1_000 : 50_000 },
  );
});

test('of IPv6 only global unicast is public', () => {
  const group = fc.nat(0xffff).map((value) => value.toString(16));
  fc.assert(
    fc.property(fc.nat(0xffff), fc.array(group, { minLength: 7, maxLength: 7 }), (first, rest) => {
      const text = [first.toString(16), ...rest].join(':');
      // Of these /16 some part is special; they have cases of their own below.
      fc.pre(![0, 0x64, 0x2001, 0x2002, 0x3fff].includes(first));
      expect([text, isAllowedAddress(text, false)]).toEqual([text, first >> 13 === 1]);
    }),
  );
});

test.each([
  '::',
  '::1',
  'fe80::1',
  'fe80::1%lo',
  'fc00::1',
  'fd00:ec2::254',
  'fec0::1',
  'ff02::1',
  '100::1',
  '2001::1',
  '2001:2::1',
  '2001:db8::1',
  '2001:1ff:ffff::1',
  '2002:7f00:1::',
  '3fff:fff::1',
  '5f00::1',
  '64:ff9b::127.0.0.1',
  '64:ff9b:1::1',
  '::ffff:0:127.0.0.1',
  '169.254.169.254',
  '0x7f000001',
  '2130706433',
  '127.1',
  'localhost',
  '[::1]',
  '',
])('%s is not public', (text) => expect(isAllowedAddress(text, false)).toBe(false));

test.each([
  '1.1.1.1',
  '2606:4700:4700::1111',
  '2001:200::1',
  '2001:4860:4860::8888',
  '3ffe::1',
  '64:ff9b::8.8.8.8',
])('%s is public', (text) => expect(isAllowedAddress(text, false)).toBe(true));

test('in-house means loopback and private networks, never a cloud’s metadata', () => {
  for (const text of ['127.0.0.1', '::1', '10.1.2.3', 'fd12::1'])
    expect(isAllowedAddress(text, true)).toBe(true);
  for (const text of ['169.254.169.254', 'fe80::1', '224.0.0.1', '0.0.0.0', '::'])
    expect(isAllowedAddress(text, true)).toBe(false);
});
