import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bundlesOfTree,
  decodeBase64,
  decodeHex,
  encodeBase64,
  encodeHex,
  formatBundlePath,
  formatCheckpoint,
  formatEntries,
  formatEntryBundle,
  formatNote,
  formatProof,
  formatSignatureLine,
  formatTilePath,
  hashesAtLevel,
  parseBundlePath,
  parseCheckpoint,
  parseEntries,
  parseEntryBundle,
  parseNote,
  parsePolicy,
  parseProof,
  parseSignatureLines,
  parseTile,
  parseTilePath,
  parseVkey,
  TlogError,
  tilesOfTree,
  tileWidth,
  verifyCheckpoint,
} from './index.ts';

const numRuns = process.env['VITRINE_SOAK'] === undefined ? 200 : 10_000;

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const line = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .map((text) => text.replace(/[\u0000-\u001f]/g, ''))
  .filter((text) => text !== '' && text.isWellFormed());
const keyName = line.map((text) => text.replace(/[\p{White_Space}+]/gu, '')).filter((text) => text !== '');
const signature = fc.record({
  name: keyName,
  keyId: fc.nat(0xffff_ffff),
  signature: fc.uint8Array({ minLength: 1, maxLength: 100 }),
});
const noteText = fc.array(fc.oneof(line, fc.constant(''))).map((lines) => `${lines.join('\n')}\n`);
const note = fc.record({ text: noteText, signatures: fc.array(signature, { minLength: 1, maxLength: 16 }) });
const checkpoint = fc.record({
  origin: line,
  treeSize: fc.maxSafeNat(),
  root: bytes(32),
  extensions: fc.array(line, { maxLength: 3 }),
});

describe('parse is the inverse of format', () => {
  test('Base 64 and Base 16', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
        expect(decodeBase64(encodeBase64(octets))).toEqual(octets);
        expect(encodeBase64(octets)).toBe(Buffer.from(octets).toString('base64'));
        expect(decodeHex(encodeHex(octets))).toEqual(octets);
      }),
      { numRuns },
    );
  });

  test('notes, byte for byte', () => {
    fc.assert(
      fc.property(note, (each) => {
        expect(parseNote(formatNote(each))).toEqual(each);
        expect(parseNote(new TextEncoder().encode(formatNote(each)))).toEqual(each);
        const lines = each.signatures.map(formatSignatureLine).join('');
        expect(parseSignatureLines(lines)).toEqual(each.signatures);
      }),
      { numRuns },
    );
  });

  test('checkpoints', () => {
    fc.assert(
      fc.property(checkpoint, (each) => {
        expect(parseCheckpoint(formatCheckpoint(each))).toEqual(each);
      }),
      { numRuns },
    );
  });

  test('tile and bundle paths', () => {
    const position = { index: fc.maxSafeNat(), width: fc.integer({ min: 1, max: 256 }) };
    fc.assert(
      fc.property(fc.record({ level: fc.nat(63), ...position }), (tile) => {
        expect(parseTilePath(formatTilePath(tile))).toEqual(tile);
        const { index, width } = tile;
        expect(parseBundlePath(formatBundlePath({ index, width }))).toEqual({ index, width });
      }),
      { numRuns },
    );
  });

  test('entry bundles', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 }),
        (entries) => {
          const bundle = formatEntryBundle(entries);
          expect(parseEntryBundle(bundle, entries.length)).toEqual(entries);
          expect(parseEntries(formatEntries([...entries, ...entries]), 512)).toHaveLength(2 * entries.length);
          // No cut, no other width.
          expect(() => parseEntryBundle(bundle.subarray(0, -1), entries.length)).toThrow(TlogError);
          if (entries.length < 256) {
            expect(() => parseEntryBundle(bundle, entries.length + 1)).toThrow(TlogError);
          }
        },
      ),
      { numRuns: numRuns / 4 },
    );
  });

  test('proofs', () => {
    const proof = fc.record(
      {
        index: fc.maxSafeNat(),
        extra: fc.uint8Array({ minLength: 1, maxLength: 50 }),
        hashes: fc.array(bytes(32), { maxLength: 53 }),
        checkpointNote: note.map(formatNote),
      },
      { requiredKeys: ['index', 'hashes', 'checkpointNote'] },
    );
    fc.assert(
      fc.property(proof, (each) => {
        expect(parseProof(formatProof(each))).toEqual(each);
      }),
      { numRuns },
    );
  });
});

describe('tiles of a tree', () => {
  test('widths sum up to the hashes of each level', () => {
    fc.assert(
      fc.property(fc.nat(200_000), (treeSize) => {
        const hashes = new Map<number, number>();
        for (const { level, index, width } of tilesOfTree(treeSize)) {
          expect(width).toBeGreaterThan(0);
          expect(width).toBe(tileWidth({ level, index }, treeSize));
          hashes.set(level, (hashes.get(level) ?? 0) + width);
        }
        for (const [level, sum] of hashes) expect(sum).toBe(hashesAtLevel(level, treeSize));
        const entries = Array.from(bundlesOfTree(treeSize)).reduce((sum, { width }) => sum + width, 0);
        expect(entries).toBe(treeSize);
      }),
      { numRuns: numRuns / 4 },
    );
  });

  test('the example of the specification: 70,000', () => {
    const paths = Array.from(tilesOfTree(70_000), formatTilePath);
    expect(paths).toHaveLength(277);
    expect(paths.slice(-4)).toEqual(['tile/0/273.p/112', 'tile/1/000', 'tile/1/001.p/17', 'tile/2/000.p/1']);
    expect(Array.from(tilesOfTree(256), formatTilePath)).toEqual(['tile/0/000', 'tile/1/000.p/1']);
    expect(Array.from(tilesOfTree(0))).toEqual([]);
  });

  test('growth adds exactly the tiles that changed', () => {
    const sizes = fc.nat(70_000).chain((newSize) => fc.tuple(fc.nat(newSize), fc.constant(newSize)));
    fc.assert(
      fc.property(sizes, ([oldSize, newSize]) => {
        const before = new Set(Array.from(tilesOfTree(oldSize), formatTilePath));
        const after = Array.from(tilesOfTree(newSize), formatTilePath);
        const added = Array.from(tilesOfTree(newSize, oldSize), formatTilePath);
        expect(added).toEqual(after.filter((path) => !before.has(path)));
      }),
      { numRuns: numRuns / 4 },
    );
  });

  test('a full tile stands in for a partial one, and nothing else does', () => {
    expect(parseTile(new Uint8Array(8192), 3)).toHaveLength(3);
    expect(parseTile(new Uint8Array(96), 3)).toHaveLength(3);
    for (const length of [0, 32, 95, 97, 128, 8191, 8193]) {
      expect(() => parseTile(new Uint8Array(length), 3)).toThrow(TlogError);
    }
  });
});

describe('parsers throw nothing but TlogError', () => {
  const policy = parsePolicy('quorum none\n');
  const parsers: Record<string, (input: string) => unknown> = {
    decodeBase64,
    decodeHex,
    parseNote,
    parseSignatureLines,
    parseVkey,
    parseCheckpoint,
    parseTilePath,
    parseBundlePath,
    parseProof,
    parsePolicy,
    verifyCheckpoint: (input) => verifyCheckpoint(input, policy),
  };
  const byteParsers: Record<string, (input: Uint8Array) => unknown> = {
    parseNote,
    parseSignatureLines,
    parseProof,
    parsePolicy,
    parseEntryBundle: (input) => parseEntryBundle(input, 3),
    parseTile: (input) => parseTile(input, 3),
    verifyCheckpoint: (input) => verifyCheckpoint(input, policy),
  };
  const good = [
    'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    'a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u2014 a AAAAAAAAAAA=\n',
    'c2sp.org/tlog-proof@v1\nextra AAAA\nindex 7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\na\n\n\u2014 a AAAAAAAAAAA=\n',
    'log PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\ngroup g any h\nquorum g\n#x\n',
    'tile/3/x001/x234/067.p/5',
    'tile/entries/x001/067.p/5',
  ];
  const damaged = fc
    .tuple(
      fc.constantFrom(...good),
      fc.array(fc.tuple(fc.nat(400), fc.string({ unit: 'binary', maxLength: 3 }))),
    )
    .map(([text, edits]) =>
      edits.reduce((result, [at, put]) => {
        const cut = at % (result.length + 1);
        return result.slice(0, cut) + put + result.slice(cut + (at % 3));
      }, text),
    );
  const anyText = fc.oneof(
    damaged,
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\ud800', 'a\udc00\n', ...good),
  );

  const onlyTlogError = (run: () => unknown): void => {
    try {
      run();
    } catch (error) {
      expect(error).toBeInstanceOf(TlogError);
    }
  };

  test.each(Object.entries(parsers))('%s, on text', (_name, parse) => {
    fc.assert(
      fc.property(anyText, (text) => onlyTlogError(() => parse(text))),
      { numRuns: numRuns * 5 },
    );
  });

  test.each(Object.entries(byteParsers))('%s, on bytes', (_name, parse) => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      anyText.map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(anyBytes, (input) => onlyTlogError(() => parse(input))),
      { numRuns: numRuns * 5 },
    );
  });

  test('large input is refused, and soon', () => {
    const huge = '\n'.repeat(5_000_000);
    for (const parse of [parseNote, parseProof, parsePolicy]) expect(() => parse(huge)).toThrow(TlogError);
    const wide = 'a\n'.repeat(400_000);
    for (const parse of [parseNote, parseProof, parsePolicy]) expect(() => parse(wide)).toThrow(TlogError);
  });
});
