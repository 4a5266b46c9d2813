/** The packages as npm would publish them, unpacked into an empty folder: dist alone, found by their names, on Node 24. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyEvidence } from '@vitrine/verifier';
import { FILE, SignedWorld } from '../packages/verifier/test/signed-world.ts';
import { packPackages } from '../scripts/own-release.ts';
import { publishableWorkspaces, root } from '../scripts/repository.ts';

const ManifestSchema = v.object({ dependencies: v.optional(v.record(v.string(), v.string()), {}) });
const workspaces = publishableWorkspaces();
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-packed-'));
  const tarballs = await packPackages(folder);
  expect(tarballs).toHaveLength(workspaces.length);
  for (const { name, version, folder: source } of workspaces) {
    const tarball = join(folder, `${name.slice(1).replace('/', '-')}-${version}.tgz`);
    const target = join(folder, 'node_modules', name);
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
    // What the manifest declares, and only that, is put beside it: an undeclared dependency is not found.
    const { dependencies } = v.parse(
      ManifestSchema,
      JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')),
    );
    for (const dependency of Object.keys(dependencies).filter((other) => !other.startsWith('@vitrine/'))) {
      const link = join(target, 'node_modules', dependency);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(installed(source, dependency), link);
    }
  }
});

/** Where npm installed a workspace's dependency: of its own, or shared. */
function installed(workspace: string, dependency: string): string {
  const own = join(workspace, 'node_modules', dependency);
  return existsSync(own) ? own : join(root, 'node_modules', dependency);
}

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a module in the folder, without the condition that leads to sources; what it prints as JSON. */
function runThere(source: string): unknown {
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  return JSON.parse(output);
}

describe.each(workspaces)('$name', ({ name, folder: source }) => {
  test('exports what its source exports', async () => {
    const there = runThere(`console.log(JSON.stringify(Object.keys(await import('${name}')).toSorted()))`);
    const here: unknown = await import(join(source, 'src', 'index.ts'));
    if (typeof here !== 'object' || here === null) throw new TypeError('a module namespace was expected');
    expect(there).toEqual(Object.keys(here).toSorted());
    expect(there).not.toEqual([]);
  });

  test('holds no source, no test and no build record', () => {
    const packed = execFileSync(
      'find',
      [join(folder, 'node_modules', name), '-type', 'f', '-printf', '%P\n'],
      { encoding: 'utf8' },
    );
    const files = packed
      .trim()
      .split('\n')
      .filter((path) => !path.startsWith('node_modules/'));
    expect(
      files.filter(
        (path) => !/^(?:package[.]json|README[.]md|LICENSE|dist\/.+[.](?:js|d[.]ts)(?:[.]map)?)$/.test(path),
      ),
    ).toEqual([]);
    expect(files.filter((path) => path.includes('.test.'))).toEqual([]);
    expect(files).toContain('dist/index.js');
    expect(files).toContain('dist/index.d.ts');
  });
});

test('the packed verifier gives the verdicts of its source, on evidence that holds and on evidence that does not', async () => {
  const world = await SignedWorld.create();
  const release = await world.publishRelease();
  const artifact = await world.publishArtifact(release);
  const policy = world.policy();
  const evidence = world.evidence([artifact, release]);
  const file = FILE;
  const cases = [
    { evidence, file },
    { evidence, file: { ...file, sizeBytes: file.sizeBytes + 1 } },
    { evidence: evidence.with(evidence.length >> 1, 0x2d), file },
    { evidence: evidence.subarray(0, 100), file },
  ];
  const expected = cases.map((one) => verifyEvidence({ ...one, policy, nowMs: world.nowMs }));
  expect(expected.map(({ ok }) => ok)).toEqual([true, false, false, false]);

  const input = cases.map((one) => ({ ...one, evidence: Buffer.from(one.evidence).toString('base64') }));
  writeFileSync(join(folder, 'cases.json'), JSON.stringify({ cases: input, policy, nowMs: world.nowMs }));
  const verdicts = runThere(`
    import { readFileSync } from 'node:fs';
    import { verifyEvidence } from '@vitrine/verifier';
    const { cases, policy, nowMs } = JSON.parse(readFileSync('cases.json', 'utf8'));
    const verdicts = cases.map(({ evidence, file }) =>
      verifyEvidence({ evidence: new Uint8Array(Buffer.from(evidence, 'base64')), file, policy, nowMs }));
    console.log(JSON.stringify(verdicts));
  `);
  expect(verdicts).toEqual(JSON.parse(JSON.stringify(expected)));
});
