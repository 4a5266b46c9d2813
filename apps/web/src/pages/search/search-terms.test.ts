import { expect, test } from 'vitest';
import { digestIn, searchTermsOf } from './search-terms.ts';

test('terms are what the search knows, trimmed, without the empty', () => {
  expect(searchTermsOf({ q: ' larder ', product: '', version: '1.0', 'results.filter': 'x' })).toEqual({
    q: 'larder',
    version: '1.0',
  });
});
test('a pasted digest is known as one, in any case and with its algorithm', () => {
  expect(digestIn(`SHA256:${'AB'.repeat(32)}`)).toBe('ab'.repeat(32));
  expect(digestIn('deadbeef')).toBeUndefined();
  expect(digestIn('larder 2.1.0')).toBeUndefined();
});
