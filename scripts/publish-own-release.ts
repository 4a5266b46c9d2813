/** Publishes Vitrine's own source and packed packages, through the command line as anyone would. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiError, createApiClient, type Product } from '@vitrine/api';
import { run } from './child-process.ts';
import {
  type OwnRelease,
  copySource,
  findOwnRelease,
  hasUncommittedChanges,
  ownNotes,
  packPackages,
  writeBillOfMaterials,
} from './own-release.ts';
import { bin, root } from './repository.ts';

const product = 'vitrine';

async function publishedReleases(server: string): Promise<Product['releases']> {
  try {
    return (await createApiClient(server).call('product', { params: { product } })).releases;
  } catch (error) {
    if (error instanceof ApiError && error.problem?.code === 'not-found') return [];
    throw error;
  }
}

/** How the command line is told where the source is; outside a git checkout it is copied below `folder` first. */
function sourceArguments({ source }: OwnRelease, folder: string): string[] {
  if (source.kind === 'git') return ['--git', `${root}@${source.commit}`];
  const copy = join(folder, 'source');
  copySource(copy);
  return ['--source', copy];
}

/**
 * Does nothing when this version is published already; supersedes the one before.
 * @param say one line of what happens
 */
export async function publishOwnRelease(
  { key, server }: { readonly server: string; readonly key: string },
  say: (line: string) => void,
): Promise<void> {
  const release = await findOwnRelease();
  const releases = await publishedReleases(server);
  if (releases.some(({ version }) => version === release.version)) {
    say(`${product} ${release.version} is published already: ${server}/products/${product}`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-release-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  if (release.source.kind === 'git' && (await hasUncommittedChanges())) {
    say('there are uncommitted changes: the packages have them, the source published is the last commit');
  }
  say(`packing ${product} ${release.version} …`);
  const packages = join(folder, 'packages');
  mkdirSync(packages);
  const artifacts = await packPackages(packages);
  const sbom = await writeBillOfMaterials(folder, release);
  const notes = join(folder, 'notes.md');
  writeFileSync(notes, ownNotes());
  const newest = releases[0];
  const supersedes = newest === undefined ? [] : ['--supersedes', newest.version];
  say(`publishing its source and ${artifacts.length} packages …`);
  await run(bin('vitrine'), [
    ...[
      'publish',
      'release',
      '--server',
      server,
      '--key',
      key,
      '--product',
      product,
      '--release',
      release.version,
    ],
    ...sourceArguments(release, folder),
    ...artifacts.flatMap((file) => ['--artifact', file]),
    ...['--sbom', sbom, '--notes', notes, ...supersedes],
  ]);
  say(`published. Open ${server}/products/${product}/${encodeURIComponent(release.version)}`);
}
