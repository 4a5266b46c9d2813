import { expect, test } from 'vitest';
import { HotTiles } from './hot-tiles.ts';

const MIB = 1024 * 1024;

test('keeps what was read lately, within 64 MiB, and nothing that is large', () => {
  const tiles = new HotTiles();
  for (let i = 0; i < 63; i++) tiles.keep('log', `tile/0/${i}`, Buffer.alloc(MIB, i));
  expect(tiles.get('log', 'tile/0/0')?.[0]).toBe(0);
  tiles.keep('log', 'tile/0/64', Buffer.alloc(MIB, 64));
  expect(tiles.get('log', 'tile/0/1')).toBeUndefined();
  expect(tiles.get('log', 'tile/0/0')?.length).toBe(MIB);
  expect(tiles.get('other', 'tile/0/64')).toBeUndefined();
  tiles.keep('log', 'tile/0/65', Buffer.alloc(MIB + 1));
  expect(tiles.get('log', 'tile/0/65')).toBeUndefined();
  // The same again takes no more room.
  for (let i = 0; i < 100; i++) tiles.keep('log', 'tile/0/64', Buffer.alloc(MIB, 64));
  expect(tiles.get('log', 'tile/0/2')?.[0]).toBe(2);
});
