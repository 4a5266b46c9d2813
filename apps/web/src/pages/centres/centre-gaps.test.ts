import type { AnnouncedCentre } from '@vitrine/api';
import { expect, test } from 'vitest';
import { gapsOf, gapsOfAll, isCosigning, verifiedInWords } from './centre-gaps.ts';
import { countryName } from './country-name.ts';

const HOUR_MS = 3_600_000;
const NOW = 100 * 24 * HOUR_MS;

function centre(more: Partial<AnnouncedCentre> = {}): AnnouncedCentre {
  const recent = { size: 9, atMs: NOW - HOUR_MS };
  return {
    name: 'zurich.example',
    operator: 'ETH',
    city: 'Zurich',
    country: 'CH',
    region: 'Europe',
    url: 'https://zurich.example',
    working: true,
    witnessVkey: 'w',
    mirrorVkey: 'm',
    intakeOrigin: 'zurich.example/intake',
    announcedAt: 0,
    leafIndex: 7,
    lastCosigned: { witness: recent, mirror: recent },
    days: [],
    self: false,
    seen: null,
    ...more,
  };
}

test('nothing is missing at a centre whose two keys cosigned within two days', () => {
  expect(gapsOf(centre(), NOW)).toEqual([]);
  expect(isCosigning(centre(), NOW)).toBe(true);
});

test('each key that never cosigned, or not lately, is told of', () => {
  const old = { size: 3, atMs: NOW - 49 * HOUR_MS };
  expect(gapsOf(centre({ lastCosigned: { witness: null, mirror: old } }), NOW)).toEqual([
    expect.stringContaining('has not cosigned as a witness'),
    'Its mirror has not cosigned for two days.',
  ]);
  expect(isCosigning(centre({ lastCosigned: { witness: old, mirror: null } }), NOW)).toBe(false);
});

test('a closed centre is that and nothing else', () => {
  const closed = centre({ working: false });
  expect(gapsOf(closed, NOW)).toEqual(['It is announced as closed.']);
  expect(isCosigning(closed, NOW)).toBe(false);
});

test('several centres of one operator count as one, and one’s own as nobody else', () => {
  expect(gapsOfAll([centre(), centre({ name: 'geneva.example' })], NOW)).toEqual([
    expect.stringContaining('one operator'),
  ]);
  expect(gapsOfAll([centre({ self: true })], NOW)).toEqual([expect.stringContaining('nobody else')]);
  expect(gapsOfAll([centre({ self: true }), centre({ operator: 'NUS' })], NOW)).toEqual([]);
  expect(gapsOfAll([], NOW)).toEqual([]);
});

test('a country has its name; what is none stays as it is', () => {
  expect([countryName('CH'), countryName('QX'), countryName('x')]).toEqual(['Switzerland', 'QX', 'x']);
});

test('how far a centre has verified is told beside what is shown here', () => {
  expect([verifiedInWords(9, 9), verifiedInWords(7, 9), verifiedInWords(10, 9)]).toEqual([
    'all 9 entries',
    '7 of 9 entries, 2 behind',
    '10 entries, 1 more than are shown here',
  ]);
});
