import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { comparePaths } from './entry-path.ts';
import { formatManifest, manifestOf, parseManifest } from './manifest.ts';
import type { FileMode, SnapshotEntry } from './manifest.ts';
import { snapshotProofOf, snapshotRootOf, verifySnapshotProof } from './snapshot.ts';
import { SourceError } from './source-error.ts';

const runs = process.env['VITRINE_SOAK'] === undefined ? 100 : 5000;
const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
const part = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter(
    (text) =>
      !/[\p{Cc}/]/u.test(text) &&
      !/^\\|(^|\\)\.\.($|\\)/.test(text) &&
      text !== '.' &&
      text !== '..' &&
      !/^[A-Za-z]:/.test(text),
  );
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const entry = fc.record<SnapshotEntry>({
  path,
  mode: fc.constantFrom<FileMode>('100644', '100755', '120000'),
  sizeBytes: fc.nat(),
  digest: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
});
/** No path twice, none the folder of another. */
const entries = fc
  .uniqueArray(entry, { selector: (one) => one.path, minLength: 1, maxLength: 40 })
  .map((all) => all.filter(({ path: own }) => !all.some((other) => other.path.startsWith(`${own}/`))));

function sha(...parts: (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256');
  for (const one of parts) hash.update(one);
  return hash.digest();
}

/** The definitions of RFC 6962, section 2.1, and of docs/formats/source-snapshot.md, word for word. */
function slowRoot(leaves: Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha('');
  if (leaves.length === 1) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha(Buffer.of(1), slowRoot(leaves.slice(0, split)), slowRoot(leaves.slice(split)));
}
function slowLeaf(key: Uint8Array, one: SnapshotEntry): Buffer {
  const name = Buffer.from(one.path);
  const numbers = Buffer.alloc(4 + 4 + 8);
  numbers.writeUInt32BE(name.length, 0);
  numbers.writeUInt32BE(Number.parseInt(one.mode, 8), 4);
  numbers.writeBigUInt64BE(BigInt(one.sizeBytes), 8);
  return sha(
    Buffer.of(0),
    createHmac('sha256', key).update(name).digest(),
    numbers.subarray(0, 4),
    name,
    numbers.subarray(4),
    Buffer.from(one.digest, 'hex'),
  );
}

it('paths are ordered by their bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(comparePaths(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
    { numRuns: runs * 20 },
  );
  expect(comparePaths('\u{10000}', '\uffff')).toBeGreaterThan(0);
});

it('a manifest is read back as it was written, and its root is the definition', () => {
  fc.assert(
    fc.property(secret, entries, (key, all) => {
      const manifest = manifestOf(key, all);
      const bytes = formatManifest(manifest);
      const read = parseManifest(bytes);
      expect(read.entries).toEqual(manifest.entries);
      expect(Buffer.from(read.secret)).toEqual(Buffer.from(key));
      expect(Buffer.from(snapshotRootOf(read))).toEqual(
        slowRoot(manifest.entries.map((one) => slowLeaf(key, one))),
      );
    }),
    { numRuns: runs },
  );
});

it('one file is shown by its proof, and by no other', () => {
  fc.assert(
    fc.property(secret, entries, fc.nat(), fc.nat(), (key, all, at, other) => {
      const manifest = manifestOf(key, all);
      const root = snapshotRootOf(manifest);
      const index = at % manifest.entries.length;
      const proof = snapshotProofOf(manifest, index);
      expect(verifySnapshotProof(proof, root)).toBe(true);
      expect(
        verifySnapshotProof(
          { ...proof, entry: { ...proof.entry, sizeBytes: proof.entry.sizeBytes + 1 } },
          root,
        ),
      ).toBe(false);
      expect(verifySnapshotProof({ ...proof, salt: Buffer.alloc(32, 7) }, root)).toBe(false);
      expect(verifySnapshotProof({ ...proof, hashes: [...proof.hashes, root] }, root)).toBe(false);
      const wrong = other % (manifest.entries.length + 2);
      if (wrong !== index) expect(verifySnapshotProof({ ...proof, index: wrong }, root)).toBe(false);
    }),
    { numRuns: runs },
  );
});

it('a manifest with one byte altered is refused or is another manifest', () => {
  fc.assert(
    fc.property(secret, entries, fc.nat(), fc.integer({ min: 1, max: 255 }), (key, all, at, change) => {
      const bytes = Buffer.from(formatManifest(manifestOf(key, all)));
      const position = at % bytes.length;
      bytes[position] = (bytes[position] ?? 0) ^ change;
      try {
        expect(Buffer.from(formatManifest(parseManifest(bytes)))).toEqual(bytes);
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
        expect(error.code).toBe('manifest-malformed');
      }
    }),
    { numRuns: runs * 5 },
  );
});

it.each([
  ['nothing', ''],
  ['no newline at the end', 'vitrine.dev/source-manifest@v1'],
  ['no secret', 'vitrine.dev/source-manifest@v1\n'],
  ['another version', `vitrine.dev/source-manifest@v2\n${'0'.repeat(64)}\n`],
  ['a short secret', `vitrine.dev/source-manifest@v1\n${'0'.repeat(63)}\n`],
  ['unsorted paths', manifestText('b', 'a')],
  ['a path twice', manifestText('a', 'a')],
  ['a file that is a folder', manifestText('a', 'a/b')],
  ['traversal', manifestText('../a')],
  ['an escape too many', manifestText('a').replace('"a"', '"\\u0061"')],
  ['a leading zero', manifestText('a').replace('100644 1 ', '100644 01 ')],
  ['an unknown mode', manifestText('a').replace('100644', '100600')],
  ['a size past 2^53', manifestText('a').replace('100644 1 ', '100644 9007199254740993 ')],
  ['an empty line', `${manifestText('a')}\n`],
])('a manifest with %s is refused', (_, text) => {
  expect(() => parseManifest(Buffer.from(text))).toThrow(
    expect.objectContaining({ name: 'SourceError', code: 'manifest-malformed' }),
  );
});

function manifestText(...paths: string[]): string {
  return [
    'vitrine.dev/source-manifest@v1',
    '0'.repeat(64),
    ...paths.map((one) => `100644 1 ${'a'.repeat(64)} ${JSON.stringify(one)}`),
    '',
  ].join('\n');
}
