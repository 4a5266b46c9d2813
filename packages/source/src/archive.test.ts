import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readArchive } from './archive.ts';
import { defaultLimits } from './limits.ts';
import { scanTree } from './scan.ts';
import { SourceError } from './source-error.ts';

const dir = mkdtempSync(join(tmpdir(), 'vitrine-archive-'));
afterAll(() => rmSync(dir, { recursive: true }));

interface Member {
  name: string | Uint8Array;
  type?: string;
  content?: Uint8Array | string;
  link?: string;
  mode?: number;
  size?: number;
  prefix?: string;
}

/** One header with its content, checksum and padding; every field can be set to nonsense. */
function member({
  name,
  type = '0',
  content = '',
  link = '',
  mode = 0o644,
  size,
  prefix = '',
}: Member): Buffer {
  const body = Buffer.from(content as string);
  const header = Buffer.alloc(512);
  header.set(Buffer.from(name as string).subarray(0, 100), 0);
  header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${(size ?? body.length).toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(prefix, 345, 155);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

const end = Buffer.alloc(1024);

function pax(records: Record<string, string>, type = 'x'): Buffer {
  const content = Object.entries(records)
    .map(([key, value]) => {
      const rest = ` ${key}=${value}\n`;
      let length = Buffer.byteLength(rest) + 1;
      while (Buffer.byteLength(`${length}${rest}`) !== length) length++;
      return `${length}${rest}`;
    })
    .join('');
  return member({ name: 'pax', type, content });
}

let count = 0;
function file(bytes: Uint8Array, name = 'a.tar'): string {
  const path = join(dir, `${count++}-${name}`);
  writeFileSync(path, bytes);
  return path;
}

async function scan(bytes: Uint8Array, limits = defaultLimits) {
  return scanTree(await readArchive(file(bytes), limits));
}

async function refusal(bytes: Uint8Array, limits = defaultLimits): Promise<SourceError> {
  try {
    await scan(bytes, limits);
  } catch (error) {
    if (error instanceof SourceError) return error;
    throw error;
  }
  throw new Error('the archive was accepted');
}

const good = Buffer.concat([
  member({ name: 'p-1.0/', type: '5' }),
  member({ name: 'p-1.0/a.c', content: 'int a;' }),
  member({ name: 'p-1.0/run', content: '#!/bin/sh\n', mode: 0o755 }),
  member({ name: 'p-1.0/l', type: '2', link: 'a.c' }),
  member({ name: 'p-1.0/empty' }),
]);
const goodPaths = ['p-1.0/a.c', 'p-1.0/run', 'p-1.0/l', 'p-1.0/empty'];

describe('archives that are read', () => {
  it.each([
    ['plain', (tar: Buffer) => tar],
    ['gzip', (tar: Buffer) => gzipSync(tar)],
    ['zstd', (tar: Buffer) => zstdCompressSync(tar)],
    ['xz', (tar: Buffer) => execFileSync('xz', ['-c'], { input: tar })],
    ['bzip2', (tar: Buffer) => execFileSync('bzip2', ['-c'], { input: tar })],
  ])('%s', async (_, pack) => {
    const entries = await scan(pack(Buffer.concat([good, end, Buffer.alloc(4096)])));
    expect(entries.map(({ path, mode, sizeBytes }) => [path, mode, sizeBytes])).toEqual([
      ['p-1.0/a.c', '100644', 6],
      ['p-1.0/run', '100755', 10],
      ['p-1.0/l', '120000', 3],
      ['p-1.0/empty', '100644', 0],
    ]);
    expect(entries[3]?.digest).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('takes long names from pax, GNU and ustar headers', async () => {
    const long = `${'d'.repeat(120)}/ü`;
    const entries = await scan(
      Buffer.concat([
        pax({ path: long, mtime: '1.5' }),
        member({ name: 'short', content: 'x' }),
        member({ name: '././@LongLink', type: 'L', content: `${long}2\0` }),
        member({ name: 'short', content: 'y' }),
        member({ name: 'name', prefix: 'prefix', content: 'z' }),
        pax({ comment: 'of a commit' }, 'g'),
        pax({ linkpath: 'ü' }),
        member({ name: './link', type: '2', link: 'u' }),
        end,
      ]),
    );
    expect(entries.map(({ path }) => path)).toEqual([long, `${long}2`, 'prefix/name', 'link']);
    expect(entries[3]?.sizeBytes).toBe(2);
  });

  it('reads the files that are asked for and passes over the others', async () => {
    const tree = await readArchive(file(Buffer.concat([good, end])));
    const seen: string[] = [];
    for await (const entry of tree.files(new Set(['p-1.0/run']))) {
      for await (const chunk of entry.content()) seen.push(Buffer.from(chunk).toString());
    }
    expect(seen).toEqual(['#!/bin/sh\n']);
  });

  it('takes a backslash in a name', async () => {
    const entries = await scan(Buffer.concat([member({ name: 'a\\x2db', content: 'x' }), end]));
    expect(entries[0]?.path).toBe('a\\x2db');
  });

  it('passes over content that nobody reads', async () => {
    const seen: string[] = [];
    for await (const entry of (await readArchive(file(Buffer.concat([good, end])))).files())
      seen.push(entry.path);
    expect(seen).toEqual(goodPaths);
  });
});

describe('archives that are refused', () => {
  const cases: [string, string, Buffer][] = [
    ['traversal', 'path-traversal', member({ name: '../evil', content: 'x' })],
    ['traversal inside', 'path-traversal', member({ name: 'a/../../evil', content: 'x' })],
    ['traversal by backslash', 'path-traversal', member({ name: 'a\\..\\evil', content: 'x' })],
    [
      'traversal through pax',
      'path-traversal',
      Buffer.concat([pax({ path: 'a/../b' }), member({ name: 'x' })]),
    ],
    ['absolute', 'path-absolute', member({ name: '/etc/passwd', content: 'x' })],
    ['drive letter', 'path-absolute', member({ name: 'C:\\x', content: 'x' })],
    ['empty part', 'path-malformed', member({ name: 'a//b', content: 'x' })],
    ['dot part', 'path-malformed', member({ name: 'a/./b', content: 'x' })],
    ['empty name', 'path-malformed', member({ name: '', content: 'x' })],
    ['leading backslash', 'path-absolute', member({ name: '\\b', content: 'x' })],
    ['control character', 'path-control-character', member({ name: 'a\x1b[31m', content: 'x' })],
    ['newline', 'path-control-character', member({ name: 'a\nb', content: 'x' })],
    ['not UTF-8', 'path-not-utf8', member({ name: Buffer.from([0x61, 0xff]), content: 'x' })],
    ['long name', 'path-too-long', Buffer.concat([pax({ path: 'a'.repeat(4097) }), member({ name: 'x' })])],
    ['name with NUL', 'archive-malformed', Buffer.concat([pax({ path: 'a\0b' }), member({ name: 'x' })])],
    ['duplicate', 'duplicate-path', Buffer.concat([member({ name: 'a' }), member({ name: 'a' })])],
    ['duplicate by ./', 'duplicate-path', Buffer.concat([member({ name: 'a' }), member({ name: './a' })])],
    [
      'through a link',
      'path-through-link',
      Buffer.concat([
        member({ name: 'd', type: '2', link: '/etc' }),
        member({ name: 'd/passwd', content: 'x' }),
      ]),
    ],
    [
      'through a link made later',
      'file-and-folder',
      Buffer.concat([member({ name: 'd/passwd' }), member({ name: 'd', type: '2', link: '/etc' })]),
    ],
    [
      'a folder through a link',
      'path-through-link',
      Buffer.concat([member({ name: 'd', type: '2', link: 'x' }), member({ name: 'd/e/', type: '5' })]),
    ],
    ['file and folder', 'file-and-folder', Buffer.concat([member({ name: 'a' }), member({ name: 'a/b' })])],
    [
      'folder and file',
      'file-and-folder',
      Buffer.concat([member({ name: 'a/', type: '5' }), member({ name: 'a' })]),
    ],
    [
      'hard link',
      'hard-link',
      Buffer.concat([member({ name: 'a' }), member({ name: 'b', type: '1', link: 'a' })]),
    ],
    ['character device', 'special-file', member({ name: 'null', type: '3' })],
    ['block device', 'special-file', member({ name: 'sda', type: '4' })],
    ['pipe', 'special-file', member({ name: 'fifo', type: '6' })],
    ['GNU sparse', 'sparse-file', member({ name: 's', type: 'S' })],
    ['pax sparse', 'sparse-file', Buffer.concat([pax({ 'GNU.sparse.major': '1' }), member({ name: 's' })])],
    ['unknown type', 'unknown-entry-type', member({ name: 'v', type: 'V' })],
    ['link with content', 'archive-malformed', member({ name: 'l', type: '2', link: 'x', content: 'y' })],
    ['link without text', 'archive-malformed', member({ name: 'l', type: '2' })],
    ['folder with content', 'archive-malformed', member({ name: 'd/', type: '5', content: 'y' })],
    ['global path', 'archive-malformed', Buffer.concat([pax({ path: 'a' }, 'g'), member({ name: 'x' })])],
    [
      'two paths',
      'archive-malformed',
      Buffer.concat([pax({ path: 'a' }), pax({ path: 'b' }), member({ name: 'x' })]),
    ],
    [
      'pax and GNU path',
      'archive-malformed',
      Buffer.concat([
        pax({ path: 'a' }),
        member({ name: 'L', type: 'L', content: 'b\0' }),
        member({ name: 'x' }),
      ]),
    ],
    [
      'wrong pax length',
      'archive-malformed',
      Buffer.concat([member({ name: 'p', type: 'x', content: '99 path=a\n' }), member({ name: 'x' })]),
    ],
    ['huge pax header', 'archive-malformed', member({ name: 'p', type: 'x', size: 2 ** 31 })],
    ['header without an entry', 'archive-malformed', pax({ path: 'a' })],
    ['endless size', 'truncated', member({ name: 'a', size: 8 ** 11 - 1 })],
  ];
  it.each(cases)('%s: %s', async (_, code, members) => {
    const error = await refusal(Buffer.concat([members, end]));
    expect(error.code).toBe(code);
    // biome-ignore lint: the point is that no control character reaches a terminal
    expect(error.message).not.toMatch(/\p{Cc}/u);
  });

  it('a cut anywhere', async () => {
    const whole = Buffer.concat([good, end]);
    for (let length = 512; length < whole.length; length += 256)
      expect((await refusal(whole.subarray(0, length))).code, `cut at ${length}`).toBe('truncated');
  });

  it('a cut compressed archive', async () => {
    const tar = Buffer.concat([good, member({ name: 'r', content: Buffer.alloc(5000, 'ab') }), end]);
    for (const packed of [
      gzipSync(tar),
      zstdCompressSync(tar),
      execFileSync('xz', ['-c'], { input: tar }),
      execFileSync('bzip2', ['-c'], { input: tar }),
    ])
      expect((await refusal(packed.subarray(0, packed.length - 20))).code).toBe('truncated');
  });

  it('a damaged compressed archive', async () => {
    for (const packed of [
      gzipSync(Buffer.concat([good, end])),
      execFileSync('xz', ['-c'], { input: Buffer.concat([good, end]) }),
    ]) {
      packed[packed.length >> 1] = (packed[packed.length >> 1] ?? 0) ^ 0x55;
      expect(['archive-malformed', 'truncated']).toContain((await refusal(packed)).code);
    }
  });

  it('data after the end', async () => {
    expect((await refusal(Buffer.concat([good, end, member({ name: 'hidden' })]))).code).toBe(
      'archive-malformed',
    );
    expect((await refusal(Buffer.concat([good, Buffer.alloc(512), member({ name: 'hidden' })]))).code).toBe(
      'archive-malformed',
    );
  });

  it('a wrong checksum', async () => {
    const tar = Buffer.concat([member({ name: 'a' }), end]);
    tar[0] = 0x62;
    expect((await refusal(tar)).code).toBe('archive-malformed');
  });

  it('a bomb by ratio, by bytes and by entries', async () => {
    const zeros = gzipSync(Buffer.concat([member({ name: 'z', content: Buffer.alloc(80 * 2 ** 20) }), end]));
    expect((await refusal(zeros)).code).toBe('compression-ratio');
    expect((await refusal(Buffer.concat([good, end]), { ...defaultLimits, maxTotalBytes: 10 })).code).toBe(
      'too-large',
    );
    expect((await refusal(Buffer.concat([good, end]), { ...defaultLimits, maxEntries: 3 })).code).toBe(
      'too-many-entries',
    );
  });

  it('what is no archive', async () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('hello'),
      Buffer.from('PK\x03\x04'),
      Buffer.from('7z\xbc\xaf\x27\x1c', 'latin1'),
      Buffer.alloc(600, 'x'),
    ])
      expect((await refusal(bytes)).code).toBe('archive-unsupported');
    expect((await refusal(end)).code).toBe('empty-source');
    await expect(readArchive(join(dir, 'absent.tar'))).rejects.toMatchObject({ code: 'unreadable' });
    await expect(readArchive(dir)).rejects.toMatchObject({ code: 'archive-unsupported' });
  });

  it('an archive that is exchanged between two readings', async () => {
    const path = file(Buffer.concat([good, end]));
    const tree = await readArchive(path);
    await scanTree(tree);
    writeFileSync(path, Buffer.concat([good, good, end]));
    await expect(scanTree(tree)).rejects.toMatchObject({ code: 'source-changed' });
  });
});

it('damaged archives are read or refused with a code, and never otherwise', async () => {
  const whole = Buffer.concat([good, pax({ path: 'q' }), member({ name: 'x', content: 'y' }), end]);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      async (changes, mendChecksums) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        if (mendChecksums) mend(bytes);
        try {
          await scan(bytes);
        } catch (error) {
          if (!(error instanceof SourceError)) throw error;
        }
      },
    ),
    { numRuns: process.env['VITRINE_SOAK'] === undefined ? 200 : 10_000 },
  );
});

function mend(tar: Buffer): void {
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    const header = tar.subarray(at, at + 512);
    if (!header.subarray(257, 262).equals(Buffer.from('ustar'))) continue;
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  }
}
