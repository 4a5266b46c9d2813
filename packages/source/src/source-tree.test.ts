import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArchive } from './archive.ts';
import { comparePaths } from './entry-path.ts';
import { readFolder } from './folder.ts';
import { readGit } from './git-revision.ts';
import { defaultLimits } from './limits.ts';
import { scanTree } from './scan.ts';
import type { SnapshotEntry } from './manifest.ts';

const dir = mkdtempSync(join(tmpdir(), 'vitrine-source-'));
const tree = join(dir, 'tree');
afterAll(() => rmSync(dir, { recursive: true }));

function git(at: string, ...args: string[]): string {
  return execFileSync('git', ['-C', at, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
const sorted = (entries: SnapshotEntry[]) => entries.toSorted((a, b) => comparePaths(a.path, b.path));

beforeAll(() => {
  mkdirSync(join(tree, 'sub/deep'), { recursive: true });
  mkdirSync(join(tree, 'empty-folder'));
  writeFileSync(join(tree, 'a.c'), 'int a;');
  writeFileSync(join(tree, 'a-b'), '');
  writeFileSync(join(tree, 'sub/large'), Buffer.alloc(3 * 2 ** 20 + 17, 'large'));
  writeFileSync(join(tree, 'sub/deep/ünï "quoted" name'), 'x');
  writeFileSync(join(tree, 'run.sh'), '#!/bin/sh\n');
  chmodSync(join(tree, 'run.sh'), 0o755);
  symlinkSync('/etc/passwd', join(tree, 'sub/outside'));
  symlinkSync('deep', join(tree, 'sub/to-folder'));
  git(tree, 'init', '-q', '-b', 'main');
  git(tree, 'add', '-A');
  git(tree, 'commit', '-qm', 'first');
});

it('folder, git revision and archive of one tree have the same entries', async () => {
  const folder = sorted(await scanTree(readFolder(tree)));
  expect(folder.map(({ path, mode }) => `${mode} ${path}`)).toEqual([
    '100644 a-b',
    '100644 a.c',
    '100755 run.sh',
    '100644 sub/deep/ünï "quoted" name',
    '100644 sub/large',
    '120000 sub/outside',
    '120000 sub/to-folder',
  ]);
  expect(sorted(await scanTree(await readGit(tree, 'main')))).toEqual(folder);
  expect(sorted(await scanTree(await readGit(join(tree, 'sub'), 'HEAD')))).toEqual(folder);
  for (const format of ['gnu', 'pax', 'ustar']) {
    const tar = join(dir, `${format}.tar.gz`);
    execFileSync('tar', [`--format=${format}`, '--exclude=.git', '-czf', tar, '-C', tree, '.']);
    expect(sorted(await scanTree(await readArchive(tar))), format).toEqual(folder);
  }
  const tar = join(dir, 'git.tar');
  git(tree, 'archive', '-o', tar, 'main');
  expect(sorted(await scanTree(await readArchive(tar)))).toEqual(folder);
});

describe('git', () => {
  it('reads many blobs, all or some', async () => {
    const many = join(dir, 'many');
    mkdirSync(many);
    for (let i = 0; i < 1500; i++) writeFileSync(join(many, `f${i}`), `content ${i % 700}`);
    git(many, 'init', '-q');
    git(many, 'add', '-A');
    git(many, 'commit', '-qm', 'many');
    const source = await readGit(many, 'HEAD');
    expect(sorted(await scanTree(source))).toEqual(sorted(await scanTree(readFolder(many))));
    const some: string[] = [];
    for await (const file of source.files(new Set(['f7', 'f1499', 'f3']))) {
      for await (const chunk of file.content()) some.push(`${file.path}: ${Buffer.from(chunk).toString()}`);
    }
    expect(some).toEqual(['f1499: content 99', 'f3: content 3', 'f7: content 7']);
    for await (const file of source.files()) {
      expect(file.path).toBe('f0');
      break;
    }
  });

  it('says what is wrong', async () => {
    await expect(readGit(tree, 'no-such-tag')).rejects.toMatchObject({ code: 'unknown-revision' });
    await expect(readGit(tree, '--help')).rejects.toMatchObject({ code: 'unknown-revision' });
    await expect(readGit(join(dir, 'absent'), 'HEAD')).rejects.toMatchObject({ code: 'git-failed' });
    const head = git(tree, 'rev-parse', 'HEAD').trim();
    git(tree, 'update-index', '--add', '--cacheinfo', `160000,${head},module`);
    git(tree, 'commit', '-qm', 'submodule');
    const source = await readGit(tree, 'HEAD');
    await expect(scanTree(source)).rejects.toMatchObject({ code: 'submodule', path: 'module' });
    await expect(
      scanTree(await readGit(tree, 'HEAD', { limits: { ...defaultLimits, maxTotalBytes: 9 } })),
    ).rejects.toThrow();
  });

  it('does not take replaced objects, nor hooks, for the content', async () => {
    const repository = join(dir, 'replaced');
    mkdirSync(repository);
    git(repository, 'init', '-q');
    writeFileSync(join(repository, 'f'), 'true');
    git(repository, 'add', 'f');
    git(repository, 'commit', '-qm', 'one');
    const truth = git(repository, 'rev-parse', 'HEAD:f').trim();
    writeFileSync(join(repository, 'lie'), 'a lie');
    git(repository, 'replace', truth, git(repository, 'hash-object', '-w', 'lie').trim());
    const [entry] = await scanTree(await readGit(repository, 'HEAD'));
    expect(entry?.sizeBytes).toBe(4);
  });
});

describe('folder', () => {
  it('refuses what cannot be recorded', async () => {
    const odd = join(dir, 'odd');
    mkdirSync(odd);
    execFileSync('mkfifo', [join(odd, 'pipe')]);
    await expect(scanTree(readFolder(odd))).rejects.toMatchObject({ code: 'special-file', path: 'pipe' });
    rmSync(join(odd, 'pipe'));
    writeFileSync(Buffer.concat([Buffer.from(`${odd}/`), Buffer.of(0x62, 0xff)]), 'x');
    await expect(scanTree(readFolder(odd))).rejects.toMatchObject({ code: 'path-not-utf8' });
    rmSync(odd, { recursive: true });
    mkdirSync(join(odd, 'only-folders'), { recursive: true });
    await expect(scanTree(readFolder(odd))).rejects.toMatchObject({ code: 'empty-source' });
    writeFileSync(join(odd, 'a\nb'), 'x');
    await expect(scanTree(readFolder(odd))).rejects.toMatchObject({ code: 'path-control-character' });
    expect(() => readFolder(join(odd, 'absent'))).toThrow(expect.objectContaining({ code: 'unreadable' }));
    expect(() => readFolder(join(odd, 'a\nb'))).toThrow(expect.objectContaining({ code: 'not-a-folder' }));
  });

  it('stops at its limits', async () => {
    await expect(scanTree(readFolder(tree, { ...defaultLimits, maxEntries: 2 }))).rejects.toMatchObject({
      code: 'too-many-entries',
    });
    await expect(
      scanTree(readFolder(tree, { ...defaultLimits, maxTotalBytes: 2 ** 20 })),
    ).rejects.toMatchObject({
      code: 'too-large',
      path: 'sub/large',
    });
  });

  it.each([
    ['grows', (path: string) => appendFileSync(path, 'more')],
    ['shrinks', (path: string) => writeFileSync(path, 'less')],
    ['is rewritten', (path: string) => writeFileSync(path, Buffer.alloc(2_000_000, 'b'))],
  ])('notices a file that %s while it is read', async (_, change) => {
    const moving = mkdtempSync(join(dir, 'moving-'));
    writeFileSync(join(moving, 'file'), Buffer.alloc(2_000_000, 'a'));
    const read = async () => {
      for await (const file of readFolder(moving).files()) {
        let chunks = 0;
        for await (const chunk of file.content())
          if (chunk.length > 0 && chunks++ === 0) change(join(moving, 'file'));
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'source-changed', path: 'file' });
  });
});
