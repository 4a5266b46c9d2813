import { expect, test } from 'vitest';
import { parseReceiverUrl } from './receiver-url.ts';

test.each([
  ['https://example.org/hook?token=1#part', 'https://example.org/hook?token=1', 'example.org'],
  ['HTTPS://EXAMPLE.org.:8443/', 'https://example.org.:8443/', 'example.org'],
  ['https://[2606:4700:4700:0::1111]/', 'https://[2606:4700:4700::1111]/', '2606:4700:4700::1111'],
  ['https://münchen.example/', 'https://xn--mnchen-3ya.example/', 'xn--mnchen-3ya.example'],
])('%s', (text, href, host) => expect(parseReceiverUrl(text, false)).toEqual({ href, host }));

test.each([
  'http://example.org/',
  'ftp://example.org/',
  'file:///etc/passwd',
  'gopher://example.org/',
  'data:text/plain,x',
  'https://user@example.org/',
  'https://:secret@example.org/',
  'https://localhost/',
  'https://a.localhost:8443/',
  'https://localhost./',
  'https://127.0.0.1/',
  'https://0x7f.1/',
  'https://2130706433/',
  'https://0177.0.0.1/',
  'https://①②⑦.0.0.1/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://169.254.169.254/latest/meta-data/',
  'https://example.org:25/',
  'https://example.org:22/',
  'not an address',
])('%s is refused', (text) =>
  expect(() => parseReceiverUrl(text, false)).toThrow(expect.objectContaining({ code: 'watch-url-refused' })),
);

test('in-house, http and private addresses are taken, and still no credentials or metadata', () => {
  expect(parseReceiverUrl('http://127.0.0.1:9000/hook', true).href).toBe('http://127.0.0.1:9000/hook');
  expect(parseReceiverUrl('http://localhost:9000/', true).host).toBe('localhost');
  for (const text of [
    'http://a:b@127.0.0.1/',
    'http://169.254.169.254/',
    'http://[fe80::1]/',
    'http://0.0.0.0/',
  ])
    expect(() => parseReceiverUrl(text, true)).toThrow();
});
