import { describe, expect, test } from 'vitest';
import { formatAddressQuery, parseAddressQuery, textsOf } from '../address.ts';
import { countOf, formatByteSize } from './byte-size.ts';
import { hexDump } from './hex-dump.ts';
import { ageInWords, formatLocal, formatUtc, remainingInWords } from './log-time.ts';
import { formatCsv, formatJsonRecords } from './record-files.ts';
import { shellQuote } from './shell-quote.ts';
import { shortenDigest } from './shortened-digest.ts';
import { visibleName } from './visible-name.ts';

const NOON = Date.UTC(2026, 10, 24, 12, 0, 3);

describe('log time', () => {
  test('is written in UTC with its zone', () => {
    expect(formatUtc(NOON)).toBe('24 Nov 2026, 12:00:03 UTC');
    expect(formatUtc(0)).toBe('1 Jan 1970, 00:00:00 UTC');
  });
  test('names the zone of the reader', () => {
    expect(formatLocal(NOON, 'Europe/Zurich')).toMatch(/24 Nov 2026.*13:00:03.*(CET|GMT\+1)/);
  });
  test.each([
    [0, 'just now'],
    [-3_000, 'just now'],
    [59_999, '59 seconds ago'],
    [60_000, '1 minute ago'],
    [7_200_000, '2 hours ago'],
    [3 * 86_400_000, '3 days ago'],
    [-120_000, '2 minutes ahead of your clock'],
  ])('%d ms of age', (ageMs, words) => {
    expect(ageInWords(NOON, NOON + ageMs)).toBe(words);
  });
  test('says what remains', () => {
    expect(remainingInWords(90_000)).toBe('about 1 minute left');
    expect(remainingInWords(200)).toBe('almost done');
  });
});

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1_000, '1.00 kB'],
  [9_996, '10.0 kB'],
  [999_499, '999 kB'],
  [999_999, '1.00 MB'],
  [4_294_967_296, '4.29 GB'],
  [Number.MAX_SAFE_INTEGER, '9.01 PB'],
])('%d bytes', (sizeBytes, words) => {
  expect(formatByteSize(sizeBytes)).toBe(words);
});

test('counts agree in number', () => {
  expect(countOf(1, 'entry', 'entries')).toBe('1 entry');
  expect(countOf(12_000, 'entry', 'entries')).toBe('12,000 entries');
});

describe('tables as files', () => {
  test('CSV quotes what RFC 4180 asks to be quoted', () => {
    expect(
      formatCsv(
        ['name', 'size', 'note'],
        [
          ['a "quoted", name', 12, null],
          ['two\nlines', -1, true],
        ],
      ),
    ).toBe('name,size,note\r\n"a ""quoted"", name",12,\r\n"two\nlines",-1,true\r\n');
  });
  test.each(['=cmd()', '+1', '-1', '@x', '\tx'])(
    'a text that would run as a formula is disarmed: %j',
    (text) => {
      expect(formatCsv(['a'], [[text]])).toBe(`a\r\n'${text}\r\n`);
    },
  );
  test('JSON has one object a row', () => {
    expect(JSON.parse(formatJsonRecords(['a', 'b'], [['x', 1], ['y']]))).toEqual([
      { a: 'x', b: 1 },
      { a: 'y', b: null },
    ]);
  });
});

test('a hex dump has offset, bytes and text', () => {
  expect(hexDump(new TextEncoder().encode('museum\u0000!x'), 8)).toEqual([
    { offset: '00000000', hex: ['6d', '75', '73', '65', '75', '6d', '00', '21'], text: 'museum.!' },
    { offset: '00000008', hex: ['78'], text: 'x' },
  ]);
  expect(hexDump(new Uint8Array())).toEqual([]);
});

test('only long digests are shortened', () => {
  expect(shortenDigest('ab'.repeat(32))).toBe('ababababab…ababab');
  expect(shortenDigest('deadbeef')).toBe('deadbeef');
});

test.each([
  ['larder_2.1.0_amd64.deb', 'larder_2.1.0_amd64.deb'],
  ['two words', `'two words'`],
  ["it's", `'it'\\''s'`],
  ['$(rm -rf ~)', `'$(rm -rf ~)'`],
  ['--policy', `'--policy'`],
  ['', `''`],
])('%j as one word of a shell', (text, quoted) => {
  expect(shellQuote(text)).toBe(quoted);
});

test('a character that turns a name around is written out', () => {
  expect(visibleName('invoice\u202Egpj.exe')).toBe('invoice\\u{202e}gpj.exe');
  expect(visibleName('Küche für große Häuser.zip')).toBe('Küche für große Häuser.zip');
});

describe('address', () => {
  test('keeps texts that look like other things', () => {
    const query = { version: '1.0', digest: '00123456', q: 'true & "x"' };
    expect(parseAddressQuery(formatAddressQuery(query))).toEqual(query);
  });
  test('leaves out what is empty or no text', () => {
    expect(formatAddressQuery({ q: '', before: undefined, odd: { a: 1 } })).toBe('');
    expect(textsOf({ q: 'x', n: 1 })).toEqual({ q: 'x' });
  });
});
