/** Vitrine's own release, as `npm start` publishes it: what it is called and what it consists of. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import * as v from 'valibot';
import { alone } from './alone.ts';
import { buildPackages } from './build.ts';
import { run } from './child-process.ts';
import { publishableWorkspaces, repositoryVersion, root } from './repository.ts';

/** Where the source is: a git revision, or, outside a git checkout, this folder. */
export type OwnSource =
  | { readonly kind: 'git'; readonly commit: string; readonly committedAt: string }
  | { readonly kind: 'folder' };

export interface OwnRelease {
  /** The version of package.json, with the commit where there is one: `0.1.0+1fa41b5c0d2e`. */
  readonly version: string;
  readonly source: OwnSource;
}

/** What would be published now: the folder as it is where there is no git, or git will not read it (it says why). */
export async function findOwnRelease(): Promise<OwnRelease> {
  const version = repositoryVersion();
  if (!existsSync(join(root, '.git'))) return { version, source: { kind: 'folder' } };
  const answer = await run('git', ['log', '-1', '--format=%H %cI']).catch(() => '');
  const [commit, committedAt] = answer.trim().split(' ');
  if (commit === undefined || committedAt === undefined) return { version, source: { kind: 'folder' } };
  return { version: `${version}+${commit.slice(0, 12)}`, source: { kind: 'git', commit, committedAt } };
}

/** The folder's files without what is installed, built or published. @param target a folder that does not exist yet */
export function copySource(target: string): void {
  const made =
    /(?:^|\/)(?:node_modules|dist)(?:\/|$)|^(?:[.]git|[.]vitrine|coverage|data)(?:\/|$)|[.]tsbuildinfo$/;
  cpSync(root, target, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !made.test(relative(root, path)),
  });
}

const PackedSchema = v.array(v.object({ filename: v.string() }));

/** Compiles and packs every publishable workspace into `folder`. @returns the tarballs' paths */
export async function packPackages(folder: string): Promise<string[]> {
  const names = publishableWorkspaces().map(({ name }) => `--workspace=${name}`);
  const output = await alone(async () => {
    await buildPackages();
    return run('npm', ['pack', '--json', '--silent', `--pack-destination=${folder}`, ...names]);
  });
  return v.parse(PackedSchema, JSON.parse(output)).map(({ filename }) => join(folder, filename));
}

const BomSchema = v.looseObject({
  metadata: v.looseObject({ component: v.looseObject({}) }),
});

/** Writes a CycloneDX bill of materials of everything that runs, from the lock file. @returns its path */
export async function writeBillOfMaterials(folder: string, release: OwnRelease): Promise<string> {
  const output = await run('npm', ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only']);
  // npm's serial number and time differ at every call; without them an interrupted publication resumes with the same bytes.
  const { serialNumber, ...bom } = v.parse(BomSchema, JSON.parse(output));
  const timestamp = release.source.kind === 'git' ? release.source.committedAt : undefined;
  const { timestamp: packedAt, ...metadata } = bom.metadata;
  const file = join(folder, `vitrine-${repositoryVersion()}.cdx.json`);
  const component = { ...metadata.component, name: 'vitrine' };
  writeFileSync(
    file,
    JSON.stringify(
      { ...bom, metadata: { ...metadata, ...(timestamp === undefined ? {} : { timestamp }), component } },
      null,
      2,
    ),
  );
  return file;
}

/** Whether files differ from the commit that would be published. */
export async function hasUncommittedChanges(): Promise<boolean> {
  return (await run('git', ['status', '--porcelain', '--untracked-files=no'])).trim() !== '';
}

/** Release notes: the newest section of CHANGELOG.md. */
export function ownNotes(): string {
  const sections = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').split(/^(?=## )/m);
  return sections[1]?.trim() ?? '';
}
