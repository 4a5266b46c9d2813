import { expect, test } from 'vitest';
import { choiceOf, feedOf, watchedOf } from './watched-choice.ts';

const keyid = 'a'.repeat(64);

test('an address chooses a key, a product or the promises', () => {
  expect(choiceOf({ keyid })).toEqual({ kind: 'key', name: keyid });
  expect(choiceOf({ product: 'larder' })).toEqual({ kind: 'product', name: 'larder' });
  expect(choiceOf({})).toEqual({ kind: 'product', name: '' });
  expect(choiceOf({ promises: '' })).toEqual({ kind: 'promises', name: '' });
});

test('what is chosen has a feed and can be watched, or is no name of such a thing', () => {
  expect(watchedOf({ kind: 'key', name: ` ${keyid.toUpperCase()} ` })).toEqual({ keyid });
  expect(watchedOf({ kind: 'key', name: 'larder' })).toBeNull();
  expect(watchedOf({ kind: 'product', name: 'larder' })).toEqual({ product: 'larder' });
  expect(watchedOf({ kind: 'product', name: 'No Such Name' })).toBeNull();
  expect(watchedOf({ kind: 'promises', name: 'left over' })).toEqual({ promises: true });
  expect(feedOf({ keyid })).toBe(`/feeds/keys/${keyid}.atom`);
  expect(feedOf({ product: 'larder' })).toBe('/feeds/products/larder.atom');
  expect(feedOf({ promises: true })).toBe('/feeds/promises.atom');
});
