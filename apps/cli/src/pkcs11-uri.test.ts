import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rawKeyOf } from './pkcs11-key.ts';
import { formatPkcs11Uri, parsePkcs11Uri } from './pkcs11-uri.ts';

const MODULE = '?module-path=/usr/lib/softhsm/libsofthsm2.so';

describe('a pkcs11: URI', () => {
  test('names a key of a token', () => {
    expect(
      parsePkcs11Uri(
        `pkcs11:token=The%20lab;object=opinions;id=%01%ff;type=private${MODULE}&pin-source=file:/run/pin`,
      ),
    ).toEqual({
      token: 'The lab',
      object: 'opinions',
      id: '01ff',
      modulePath: '/usr/lib/softhsm/libsofthsm2.so',
      pinFile: '/run/pin',
    });
  });

  test.each([
    [
      'a PIN on the command line',
      `pkcs11:token=a;object=b${MODULE}&pin-value=1234`,
      /does not belong on the command line/,
    ],
    ['no token', `pkcs11:object=b${MODULE}`, /which token/],
    ['no key', `pkcs11:token=a${MODULE}`, /which key/],
    ['no library', 'pkcs11:token=a;object=b', /which library/],
    ['a library found by name', 'pkcs11:token=a;object=b?module-path=softhsm.so', /absolute/],
    ['a public key', `pkcs11:token=a;object=b;type=public${MODULE}`, /private/],
    ['what is not supported', `pkcs11:token=a;object=b;slot-id=1${MODULE}`, /slot-id/],
    ['twice', `pkcs11:token=a;token=b;object=b${MODULE}`, /twice/],
    ['half an escape', `pkcs11:token=a%2;object=b${MODULE}`, /has no place/],
    ['a line end', `pkcs11:token=a%0ab;object=b${MODULE}`, /no text/],
    ['invalid UTF-8', `pkcs11:token=%ff;object=b${MODULE}`, /no text/],
    ['two question marks', `pkcs11:token=a;object=b${MODULE}?`, /question mark/],
    ['too long', `pkcs11:token=${'a'.repeat(3000)};object=b${MODULE}`, /no pkcs11/],
  ])('is refused with %s', (_what, uri, reason) => {
    expect(() => parsePkcs11Uri(uri)).toThrow(reason);
  });

  test('is written as it is read, whatever the label', () => {
    const label = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .filter((text) => text.isWellFormed() && !/[\p{Cc}\ufffd]/u.test(text));
    fc.assert(
      fc.property(label, label, fc.uint8Array({ minLength: 1, maxLength: 20 }), (token, object, id) => {
        const key = { token, object, id: Buffer.from(id).toString('hex'), modulePath: '/m.so' };
        expect(parsePkcs11Uri(`${formatPkcs11Uri(key)}?module-path=/m.so`)).toEqual(key);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the key in what pkcs11-tool lists', () => {
  const point = 'ee'.repeat(32);
  const listed = (text: string, label = 'opinions', id = '01'): string =>
    `Public Key Object; EC_EDWARDS  EC_POINT 255 bits\n  EC_POINT:   ${text}\n  label:      ${label}\n  ID:         ${id}\n  Access:     local\n`;
  const hexOf = (listing: string, key = {}): string =>
    Buffer.from(rawKeyOf(listing, { object: 'opinions', ...key })).toString('hex');

  test.each([`0420${point}`, point])('%s', (text) => {
    expect(hexOf(listed('ff'.repeat(32), 'other', '02') + listed(text))).toBe(point);
  });
  test('none, several, or one of another curve', () => {
    expect(() => hexOf('')).toThrow(/no Ed25519 public key/);
    expect(() => hexOf(listed(point, 'opinions '))).toThrow(/no Ed25519 public key/);
    expect(() => hexOf(listed(`0441${'04'.repeat(65)}`))).toThrow(/no Ed25519 public key/);
    const both = listed(point) + listed('ff'.repeat(32), 'opinions', '02');
    expect(() => hexOf(both)).toThrow(/several/);
    expect(hexOf(both, { id: '01' })).toBe(point);
  });
});
