// Coverage against counting every byte by itself.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesWithin,
  type ByteRange,
  coverageOf,
  lagOf,
  type ScopedFile,
  ShownBytes,
  unionOf,
} from './index.ts';

const RUNS = process.env['VITRINE_SOAK'] === undefined ? 100 : 5_000;

const range = fc
  .tuple(fc.nat(60), fc.nat(60))
  .map(([a, b]): ByteRange => ({ from: Math.min(a, b), to: Math.max(a, b) }));
const CONTENTS = ['a', 'b', 'c', 'd'];
const PATHS = [
  'README',
  'src/a.ts',
  'src/b.TS',
  'src/deep/c.c',
  'src/deep/d.tar.gz',
  '.env',
  'lib/.hidden/e',
];
const scope = fc.uniqueArray(
  fc.record({ path: fc.constantFrom(...PATHS), digest: fc.constantFrom(...CONTENTS), sizeBytes: fc.nat(50) }),
  { selector: ({ path }) => path },
);
const shown = fc.array(
  fc.record({ range, digest: fc.constantFrom(...CONTENTS), reader: fc.constantFrom('r', 's') }),
  { maxLength: 20 },
);

function bytesOf(ranges: readonly ByteRange[]): Set<number> {
  const bytes = new Set<number>();
  for (const { from, to } of ranges) for (let at = from; at < to; at++) bytes.add(at);
  return bytes;
}

test('a union is what its ranges are together, in one form', () => {
  fc.assert(
    fc.property(fc.array(range), fc.nat(70), (ranges, size) => {
      const union = unionOf(ranges);
      expect(bytesOf(union)).toEqual(bytesOf(ranges));
      for (const [i, { from, to }] of union.entries()) {
        expect(from).toBeLessThan(to);
        expect(union[i + 1]?.from ?? Infinity).toBeGreaterThan(to);
      }
      expect(bytesWithin(union, size)).toBe([...bytesOf(ranges)].filter((at) => at < size).length);
    }),
    { numRuns: RUNS },
  );
  expect(() => unionOf([{ from: 2, to: 1 }])).toThrow(RangeError);
  expect(() => unionOf([{ from: 0, to: Number.NaN }])).toThrow(RangeError);
});

test('every share is what counting byte by byte gives', () => {
  fc.assert(
    fc.property(scope, shown, (files, records) => {
      const bytes = new ShownBytes();
      for (const {
        range: { from, to },
        digest,
        reader,
      } of records)
        bytes.add({ digest, reader, from, to });
      const coverage = coverageOf(files, bytes);
      const counted = (of: readonly ScopedFile[], by: (reader: string) => boolean) => {
        const each = of.map(({ digest, sizeBytes }) => {
          const theirs = records.filter((record) => record.digest === digest && by(record.reader));
          const seen = [...bytesOf(theirs.map(({ range: one }) => one))].filter(
            (at) => at < sizeBytes,
          ).length;
          return { sizeBytes, seen, isBegun: theirs.length > 0 };
        });
        return {
          bytes: each.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
          bytesShown: each.reduce((sum, { seen }) => sum + seen, 0),
          files: each.length,
          filesBegun: each.filter(({ isBegun }) => isBegun).length,
          filesShown: each.filter(({ isBegun, seen, sizeBytes }) => isBegun && seen === sizeBytes).length,
        };
      };
      const anyone = (): boolean => true;
      expect(coverage.total).toEqual(counted(files, anyone));
      for (const [folder, share] of coverage.folders)
        expect(share).toEqual(
          counted(
            files.filter(({ path }) => folder === '' || path.startsWith(`${folder}/`)),
            anyone,
          ),
        );
      for (const [extension, share] of coverage.extensions)
        expect(share).toEqual(
          counted(
            files.filter(({ path }) => {
              const name = path.slice(path.lastIndexOf('/') + 1);
              const dot = name.lastIndexOf('.');
              return (dot > 0 ? name.slice(dot).toLowerCase() : '') === extension;
            }),
            anyone,
          ),
        );
      for (const reader of ['r', 's']) {
        const theirs = files.filter(({ digest }) =>
          records.some((one) => one.digest === digest && one.reader === reader),
        );
        if (theirs.length > 0)
          expect(coverage.readers.get(reader)).toEqual(counted(theirs, (one) => one === reader));
        else expect(coverage.readers.has(reader)).toBe(false);
      }
    }),
    { numRuns: RUNS },
  );
});

describe('what to read next', () => {
  test('new content first, then by what is left; what was read and moved is not asked for again', () => {
    const bytes = new ShownBytes();
    bytes.add({ digest: 'read', reader: 'r', from: 0, to: 100 });
    bytes.add({ digest: 'half', reader: 'r', from: 0, to: 60 });
    const coverage = coverageOf(
      [
        { path: 'moved/read.c', digest: 'read', sizeBytes: 100 },
        { path: 'half.c', digest: 'half', sizeBytes: 100 },
        { path: 'old.c', digest: 'old', sizeBytes: 500 },
        { path: 'small.c', digest: 'small', sizeBytes: 10 },
        { path: 'large.c', digest: 'large', sizeBytes: 90 },
      ],
      bytes,
    );
    const { bytesNew, next } = lagOf(coverage, new Set(['read', 'half', 'old']));
    expect(bytesNew).toBe(100);
    expect(next.map(({ path }) => path)).toEqual(['large.c', 'small.c', 'old.c', 'half.c']);
  });
});
