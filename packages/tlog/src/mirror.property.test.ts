import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  entryPackages,
  formatAddEntriesHeader,
  formatEntryPackage,
  formatMirrorInfo,
  hashLeaf,
  isSubtree,
  parseMirrorInfo,
  type ReadNodes,
  readAddEntries,
  rootOfLeaves,
  subtreeConsistencyProof,
  TlogError,
  verifySubtreeConsistency,
} from './index.ts';

const numRuns = process.env['VITRINE_SOAK'] === undefined ? 100 : 5000;

const entries = Array.from({ length: 900 }, (_, i) => new TextEncoder().encode(`entry ${i}`));
const leaves = entries.map(hashLeaf);
const readNodes: ReadNodes = (addresses) =>
  Promise.resolve(
    addresses.map(({ level, index }) =>
      rootOfLeaves(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)),
    ),
  );

const upload = fc
  .integer({ min: 1, max: entries.length })
  .chain((end) => fc.record({ uploadEnd: fc.constant(end), uploadStart: fc.nat(end) }));

async function bodyOf(uploadStart: number, uploadEnd: number): Promise<Uint8Array> {
  const header = { origin: 'log.example', uploadStart, uploadEnd, ticket: Uint8Array.of(1, 2) };
  const parts = [formatAddEntriesHeader(header)];
  for (const { start, end, subtree } of entryPackages(uploadStart, uploadEnd)) {
    const proof = await subtreeConsistencyProof(subtree, uploadEnd, readNodes);
    parts.push(formatEntryPackage({ entries: entries.slice(start, end), proof }));
  }
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}

async function* inChunks(body: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < body.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield body.subarray(at, at + size);
    at += size;
  }
  await Promise.resolve();
}

const chunkSizes = fc
  .array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 5 })
  .map((sizes) => [...sizes, 7]);

async function refusal(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof TlogError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

const read = async (body: Uint8Array, maxEntryBytes?: number): Promise<number> => {
  const { packages } = await readAddEntries(inChunks(body, [1000]), maxEntryBytes);
  let count = 0;
  for await (const each of packages) count += each.entries.length;
  return count;
};

describe('add-entries', () => {
  test('packages cover the upload, cut where bundles are, each with a subtree that has a proof', () => {
    const huge = fc
      .maxSafeNat()
      .chain((end) =>
        fc
          .record({ end: fc.constant(end), back: fc.nat(3000) })
          .map(({ back }) => [Math.max(0, end - back), end]),
      );
    fc.assert(
      fc.property(huge, ([uploadStart = 0, uploadEnd = 0]) => {
        let at = uploadStart;
        for (const { start, end, subtree } of entryPackages(uploadStart, uploadEnd)) {
          expect(start).toBe(at);
          expect(end).toBeGreaterThan(start);
          expect(Math.floor(start / 256)).toBe(Math.floor((end - 1) / 256));
          expect(end % 256 === 0 || end === uploadEnd).toBe(true);
          expect(subtree).toEqual({ start: start - (start % 256), end });
          expect(isSubtree(subtree.start, subtree.end)).toBe(true);
          at = end;
        }
        expect(at).toBe(uploadEnd);
      }),
      { numRuns },
    );
    for (const [start, end] of [
      [2, 1],
      [-1, 1],
      [0, 2 ** 53],
    ] as const) {
      expect(() => Array.from(entryPackages(start, end))).toThrow(RangeError);
    }
  });

  test('is read as it was written, whatever the chunks, and every package verifies', async () => {
    await fc.assert(
      fc.asyncProperty(upload, chunkSizes, async ({ uploadStart, uploadEnd }, sizes) => {
        const body = await bodyOf(uploadStart, uploadEnd);
        const { header, packages } = await readAddEntries(inChunks(body, sizes));
        const ticket = Uint8Array.of(1, 2);
        expect(header).toEqual({ origin: 'log.example', uploadStart, uploadEnd, ticket });
        const root = rootOfLeaves(leaves.slice(0, uploadEnd));
        const received: Uint8Array[] = [];
        for await (const each of packages) {
          received.push(...each.entries);
          const before = leaves.slice(each.subtree.start, each.start);
          const subtreeRoot = rootOfLeaves([...before, ...each.entries.map(hashLeaf)]);
          const claim = { ...each.subtree, treeSize: uploadEnd, subtreeRoot, root, proof: each.proof };
          expect(verifySubtreeConsistency(claim)).toBe(true);
        }
        expect(received).toEqual(entries.slice(uploadStart, uploadEnd));
      }),
      { numRuns: numRuns / 4 },
    );
  });

  test('that is cut keeps what came whole; what follows the last package is left', async () => {
    const body = await bodyOf(250, 600);
    const whole = [6, 256, 88];
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length), async (length) => {
        const run = (): Promise<number> => read(body.subarray(0, length));
        if (length < 33) {
          expect(await refusal(run)).toMatch(
            /^malformed-request: .* it ends within its (origin|range|ticket)/,
          );
          return;
        }
        const count = await run();
        const sums = [0, 6, 262, 350];
        expect(sums).toContain(count);
        expect(count === 350).toBe(length === body.length);
      }),
      { numRuns },
    );
    expect(await read(Uint8Array.from([...body, 1, 2, 3]))).toBe(whole.reduce((sum, each) => sum + each, 0));
  });

  test('is refused with an origin, a range, an entry or a proof out of bounds', async () => {
    const header = { origin: 'log.example', uploadStart: 0, uploadEnd: 1, ticket: new Uint8Array(0) };
    const bytes = formatAddEntriesHeader(header);
    const altered = (at: number, value: number): Promise<string> =>
      refusal(() => read(bytes.with(at, value)));
    expect(await altered(2, 0x0a)).toContain('the origin is not one non-empty line');
    expect(await altered(2, 0x01)).toContain('the origin is none that a checkpoint can have');
    expect(await altered(2, 0xff)).toContain('the origin is not UTF-8');
    expect(await refusal(() => read(new Uint8Array(20)))).toContain('the origin is not one non-empty line');
    expect(await altered(13, 1)).toContain('its range');
    expect(await altered(21, 0x80)).toContain('its range');
    expect(await altered(20, 2)).toContain('its range, 2 to 1');
    const large = Uint8Array.from([...bytes, 0x10, 0x00]);
    expect(await refusal(() => read(large, 4095))).toContain('entry 0 has 4096 bytes, more than the 4095');
    const hashes = Uint8Array.from([...bytes, 0, 0, 64]);
    expect(await refusal(() => read(hashes))).toContain('the package from entry 0 has 64 hashes');
    const formats = [
      { ...header, origin: '' },
      { ...header, origin: 'a\nb' },
      { ...header, origin: 'o'.repeat(65_536) },
      { ...header, uploadStart: 2 },
      { ...header, uploadEnd: 2 ** 53 },
      { ...header, ticket: new Uint8Array(65_536) },
    ];
    for (const bad of formats) expect(() => formatAddEntriesHeader(bad)).toThrow(TlogError);
    const entry = new Uint8Array(1);
    const hash = new Uint8Array(32);
    const packages = [
      { entries: [], proof: [] },
      { entries: Array<Uint8Array>(257).fill(entry), proof: [] },
      { entries: [new Uint8Array(65_536)], proof: [] },
      { entries: [entry], proof: Array<Uint8Array>(64).fill(hash) },
      { entries: [entry], proof: [new Uint8Array(31)] },
    ];
    for (const bad of packages) expect(() => formatEntryPackage(bad)).toThrow(RangeError);
  });
});

describe('mirror info', () => {
  test('parse is the inverse of format', () => {
    const info = fc.record({
      treeSize: fc.maxSafeNat(),
      nextEntry: fc.maxSafeNat(),
      ticket: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(info, (each) => {
        expect(parseMirrorInfo(formatMirrorInfo(each))).toEqual(each);
        expect(parseMirrorInfo(new TextEncoder().encode(formatMirrorInfo(each)))).toEqual(each);
      }),
      { numRuns },
    );
    expect(parseMirrorInfo('5\n3\n\n')).toEqual({ treeSize: 5, nextEntry: 3, ticket: new Uint8Array(0) });
  });

  test('anything else is refused', () => {
    const bodies = [
      '',
      '5\n3\n',
      '5\n3\nAAAA',
      '5\n3\nAAAA\n\n',
      '05\n3\n\n',
      '5\n-3\n\n',
      '5\n3\nAAA\n',
      '5\n3\nAB==\n',
    ];
    const big = 'A'.repeat(4 * 21_846);
    for (const body of [...bodies, `5\n3\n${big}\n`, `5\n3\n${big}${big}\n`]) {
      expect(() => parseMirrorInfo(body)).toThrow(TlogError);
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (body) => {
        try {
          expect(formatMirrorInfo(parseMirrorInfo(body))).toBe(body);
        } catch (error) {
          expect(error).toBeInstanceOf(TlogError);
        }
      }),
      { numRuns: numRuns * 5 },
    );
  });
});
