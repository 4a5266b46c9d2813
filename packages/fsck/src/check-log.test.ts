import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pathToFileURL } from 'node:url';
import {
  formatEntryBundle,
  formatTilePath,
  formatVkey,
  hashLeaf,
  parseVkey,
  rootOfLeaves,
  tileNodeReader,
  treeRoot,
} from '@vitrine/tlog';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BuiltLog, buildLog } from '../test/build-log.ts';
import { checkLog, FsckError, requireSoundLog } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'vitrine-fsck-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
const freshFolder = (): string => {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  return folder;
};

const entry = (leafIndex: number): Uint8Array => Buffer.from(`entry ${leafIndex}`);

/** A copy of a log to be damaged, so that building it is paid for once. */
function copyOf(log: BuiltLog): BuiltLog {
  const folder = freshFolder();
  cpSync(log.folder, folder, { recursive: true });
  return { ...log, folder };
}

function filesOf(log: BuiltLog): string[] {
  return readdirSync(log.folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => relative(log.folder, join(file.parentPath, file.name)))
    .sort();
}

function flipBit(log: BuiltLog, path: string, bit: number): void {
  const file = join(log.folder, path);
  const bytes = readFileSync(file);
  const at = Math.floor(bit / 8) % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
  writeFileSync(file, bytes);
}

async function pathsWrong(log: BuiltLog, workers = 2): Promise<string[]> {
  const report = await checkLog({ source: log.folder, vkey: log.vkey, workers });
  expect(report.ok).toBe(report.problems.length === 0);
  return report.problems.map(({ path }) => path).sort();
}

describe('a sound log', () => {
  test.each([0, 1, 2, 255, 256, 257, 512, 600, 65_535, 65_536, 65_537, 70_000, 140_000])(
    'of %i entries',
    async (treeSize) => {
      const log = buildLog(freshFolder(), treeSize, entry);
      const progress: number[] = [];
      const report = await checkLog({
        source: log.folder,
        vkey: log.vkey,
        onProgress: ({ checkedLeaves }) => progress.push(checkedLeaves),
      });
      expect(report).toEqual({
        ok: true,
        origin: 'example.com/fsck',
        size: treeSize,
        root: Buffer.from(log.root).toString('base64'),
        problems: [],
      });
      expect(progress.at(-1) ?? 0).toBe(treeSize);
      await requireSoundLog({ source: pathToFileURL(log.folder), vkey: log.vkey });
    },
  );

  test('is the one that Tessera wrote', async () => {
    const folder = join(import.meta.dirname, '../../../vectors/tessera/log');
    const vkey = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx';
    const report = await checkLog({ source: folder, vkey });
    expect(report).toMatchObject({
      ok: true,
      size: 15,
      root: 'rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=',
    });
  });

  test('may hold empty entries and the largest', async () => {
    const log = buildLog(freshFolder(), 300, (i) => Buffer.alloc(i % 3 === 0 ? 0 : i === 100 ? 65_535 : 1));
    await requireSoundLog({ source: log.folder, vkey: log.vkey });
  });

  test('may have grown since its checkpoint, and have dropped the partial resources', async () => {
    const small = buildLog(freshFolder(), 600, entry);
    const grown = buildLog(freshFolder(), 900, entry);
    writeFileSync(join(grown.folder, 'checkpoint'), grown.signCheckpoint(600, small.root));
    // The level-1 partial tile of size 600 has no full successor yet, so it must still be there.
    mkdirSync(join(grown.folder, 'tile/1/000.p'), { recursive: true });
    cpSync(join(small.folder, 'tile/1/000.p/2'), join(grown.folder, 'tile/1/000.p/2'));
    await requireSoundLog({ source: grown.folder, vkey: grown.vkey });
  });

  test('may lie there with its bundles compressed', async () => {
    const log = buildLog(freshFolder(), 600, entry);
    for (const path of filesOf(log).filter((each) => each.startsWith('tile/entries/'))) {
      const file = join(log.folder, path);
      writeFileSync(file, gzipSync(readFileSync(file)));
    }
    await requireSoundLog({ source: log.folder, vkey: log.vkey });
  });

  test('may begin a bundle like a gzip file', async () => {
    const log = buildLog(freshFolder(), 3, (i) => Buffer.alloc(i === 0 ? 0x1f8b : 10, 7));
    await requireSoundLog({ source: log.folder, vkey: log.vkey });
  });
});

describe('damage is named by its path', () => {
  let small: BuiltLog;
  let large: BuiltLog;

  beforeAll(() => {
    small = buildLog(freshFolder(), 600, entry);
    large = buildLog(freshFolder(), 70_000, entry);
  });

  test('one bit in any file', async () => {
    for (const path of filesOf(small)) {
      for (const bit of [0, 1, 77, 1003, 4100]) {
        const log = copyOf(small);
        flipBit(log, path, bit);
        expect(await pathsWrong(log), `${path}, bit ${bit}`).toEqual([path]);
      }
    }
  });

  test('one bit in a partial tile or bundle of an earlier size', async () => {
    const older = buildLog(freshFolder(), 590, entry);
    const oldest = buildLog(freshFolder(), 100, entry);
    const log = copyOf(small);
    for (const { folder } of [older, oldest])
      cpSync(join(folder, 'tile'), join(log.folder, 'tile'), { recursive: true });
    await requireSoundLog({ source: log.folder, vkey: log.vkey });
    const partials = filesOf(log).filter((path) => path.includes('.p/'));
    expect(partials).toEqual(
      expect.arrayContaining(['tile/0/000.p/100', 'tile/0/002.p/78', 'tile/entries/002.p/78']),
    );
    for (const path of partials) {
      flipBit(log, path, 77);
      expect(await pathsWrong(log), path).toEqual([path]);
      flipBit(log, path, 77);
    }
  });

  test('any file missing', async () => {
    for (const path of filesOf(small).filter((each) => each !== 'checkpoint')) {
      const log = copyOf(small);
      rmSync(join(log.folder, path));
      const report = await checkLog({ source: log.folder, vkey: log.vkey });
      expect(report.problems).toEqual([{ path, reason: 'missing' }]);
    }
  });

  test('any file truncated, or longer', async () => {
    for (const path of filesOf(small)) {
      for (const change of [
        (bytes: Buffer) => bytes.subarray(0, -1),
        (bytes: Buffer) => bytes.subarray(0, bytes.length / 2),
        () => Buffer.alloc(0),
        (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)]),
      ]) {
        const log = copyOf(small);
        writeFileSync(join(log.folder, path), change(readFileSync(join(log.folder, path))));
        expect(await pathsWrong(log), path).toEqual([path]);
      }
    }
  });

  test('one bit anywhere in a tree of three levels', async () => {
    const files = filesOf(large);
    const interesting = [
      'tile/0/272',
      'tile/0/273.p/112',
      'tile/1/000',
      'tile/1/001.p/17',
      'tile/2/000.p/1',
      'tile/entries/000',
      'tile/entries/272',
      'tile/entries/273.p/112',
    ];
    expect(files).toEqual(expect.arrayContaining(interesting));
    const anyFile = fc.oneof(fc.constantFrom(...interesting), fc.constantFrom(...files));
    await fc.assert(
      fc.asyncProperty(anyFile, fc.nat(), async (path, bit) => {
        flipBit(large, path, bit);
        try {
          // Starting threads would take most of the time.
          expect(await pathsWrong(large, 1)).toEqual([path]);
        } finally {
          flipBit(large, path, bit);
        }
      }),
      { numRuns: process.env['VITRINE_SOAK'] === undefined ? 15 : 1500 },
    );
  });

  test('several at once, on one path from an entry to the root', async () => {
    const damaged = [
      'tile/0/005',
      'tile/entries/006',
      'tile/1/000',
      'tile/2/000.p/1',
      'tile/entries/273.p/112',
    ];
    const log = copyOf(large);
    for (const path of damaged) flipBit(log, path, 4001);
    expect(await pathsWrong(log)).toEqual(damaged.toSorted());
  });

  test('the entry is named, and its tile is not', async () => {
    const log = copyOf(large);
    const file = join(log.folder, 'tile/entries/003');
    const bytes = readFileSync(file);
    bytes.write('ENTRY 771', bytes.indexOf('entry 771'));
    writeFileSync(file, bytes);
    const { problems } = await checkLog({ source: log.folder, vkey: log.vkey });
    expect(problems).toEqual([
      {
        path: 'tile/entries/003',
        reason: 'altered: entry 3 (leaf 771) does not hash to the leaf that the checkpoint proves',
      },
    ]);
  });

  test('a bundle and its tile forged together', async () => {
    const log = copyOf(large);
    const entries = Array.from({ length: 256 }, (_, i) => entry(256 + i + (i === 9 ? 1_000_000 : 0)));
    writeFileSync(join(log.folder, 'tile/entries/001'), formatEntryBundle(entries));
    writeFileSync(join(log.folder, 'tile/0/001'), Buffer.concat(entries.map(hashLeaf)));
    expect(await pathsWrong(log)).toEqual(['tile/0/001', 'tile/entries/001']);
  });

  test('a whole tree of another history under a checkpoint of this one', async () => {
    const log = buildLog(freshFolder(), 70_000, (i) => entry(i + 1));
    const signed = log.signCheckpoint(70_000, large.root);
    writeFileSync(join(log.folder, 'checkpoint'), signed);
    expect(await pathsWrong(log)).toEqual(['checkpoint']);
  });

  test('a checkpoint of a size that the log does not have', async () => {
    const log = copyOf(small);
    writeFileSync(join(log.folder, 'checkpoint'), log.signCheckpoint(601, log.root));
    expect(await pathsWrong(log)).toEqual(
      expect.arrayContaining(['tile/0/002.p/89', 'tile/entries/002.p/89']),
    );
  });

  test('a checkpoint of an absurd size ends soon', async () => {
    const log = copyOf(small);
    writeFileSync(join(log.folder, 'checkpoint'), log.signCheckpoint(Number.MAX_SAFE_INTEGER, log.root));
    const { ok, problems } = await checkLog({ source: log.folder, vkey: log.vkey });
    expect(ok).toBe(false);
    expect(problems).toHaveLength(1001);
    expect(problems.at(-1)?.path).toBe('');
  });

  test('an empty tree with a root that is not empty', async () => {
    const log = buildLog(freshFolder(), 0, entry);
    writeFileSync(join(log.folder, 'checkpoint'), log.signCheckpoint(0, small.root));
    expect(await pathsWrong(log)).toEqual(['checkpoint']);
  });

  test('a checkpoint that another key signed, under the same name', async () => {
    const other = buildLog(freshFolder(), 600, entry);
    const report = await checkLog({ source: small.folder, vkey: other.vkey });
    expect(report).toMatchObject({ ok: false, origin: other.origin, size: null, root: null });
    expect(report.problems.map(({ path }) => path)).toEqual(['checkpoint']);
  });

  test('a checkpoint that is no text at all', async () => {
    const log = copyOf(small);
    writeFileSync(join(log.folder, 'checkpoint'), Buffer.alloc(100, 0xff));
    expect(await pathsWrong(log)).toEqual(['checkpoint']);
  });

  test('requireSoundLog lists it', async () => {
    const log = copyOf(small);
    flipBit(log, 'tile/0/001', 5);
    const error = await requireSoundLog({ source: log.folder, vkey: log.vkey }).catch(
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(FsckError);
    expect(String(error)).toContain('tile/0/001: altered: hash 0');
  });
});

describe('could not run', () => {
  const { vkey } = buildLog(freshFolder(), 1, entry);
  const refusal = (options: { source: URL | string; vkey?: string }): Promise<unknown> =>
    checkLog({ vkey, ...options }).then(
      () => 'ran',
      (error: unknown) => (error instanceof FsckError ? error.code : error),
    );

  test('the folder is not there, is a file, or holds no checkpoint', async () => {
    expect(await refusal({ source: join(root, 'nowhere') })).toBe('unreachable');
    const file = join(freshFolder(), 'file');
    writeFileSync(file, '');
    expect(await refusal({ source: file })).toBe('unreachable');
    expect(await refusal({ source: dirname(file) })).toBe('no-checkpoint');
  });

  test('the vkey is malformed, or a cosigner key', async () => {
    const source = freshFolder();
    expect(await refusal({ source, vkey: '' })).toBe('bad-vkey');
    expect(await refusal({ source, vkey: vkey.slice(0, -1) })).toBe('bad-vkey');
    const { name, publicKey } = parseVkey(vkey);
    expect(await refusal({ source, vkey: formatVkey({ name, publicKey, type: 4 }) })).toBe('bad-vkey');
  });

  test('the source is no source', async () => {
    expect(await refusal({ source: new URL('ftp://example.com/') })).toBe('bad-source');
    expect(await refusal({ source: 'http://[' })).toBe('bad-source');
  });
});

test.runIf(process.env['VITRINE_SOAK'] !== undefined)(
  'a tree with a full tile of level 2: 17 million leaves',
  { timeout: 1_800_000 },
  async () => {
    const log = buildLog(freshFolder(), 256 ** 3 + 70_000, entry);
    await requireSoundLog({ source: log.folder, vkey: log.vkey });
    for (const damaged of [
      ['tile/2/000'],
      ['tile/1/100'],
      ['tile/0/x025/700'],
      ['tile/entries/x025/700'],
      ['tile/3/000.p/1'],
      ['tile/1/100', 'tile/2/000', 'tile/3/000.p/1', 'tile/entries/x025/700'],
      ['tile/0/x025/700', 'tile/1/100', 'tile/2/000'],
    ]) {
      for (const path of damaged) flipBit(log, path, 4001);
      expect(await pathsWrong(log)).toEqual(damaged.toSorted());
      for (const path of damaged) flipBit(log, path, 4001);
    }
  },
);

test('what it finds sound can be proven from its tiles', async () => {
  const log = buildLog(freshFolder(), 1000, entry);
  await requireSoundLog({ source: log.folder, vkey: log.vkey });
  const reader = tileNodeReader(1000, (tile) =>
    Promise.resolve(new Uint8Array(readFileSync(join(log.folder, formatTilePath(tile))))),
  );
  const leaves = Array.from({ length: 1000 }, (_, i) => hashLeaf(entry(i)));
  expect(await treeRoot(1000, reader)).toEqual(rootOfLeaves(leaves));
});
