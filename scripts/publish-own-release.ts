/**
 * Publishes Vitrine's own source and packed packages to the server that `npm start` started, through the command line as
 * anyone would. Does nothing when this version is published already; supersedes the one before. Ends when the server does.
 *
 *     node scripts/publish-own-release.ts --server URL --server-pid PID --key FILE
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ApiError, createApiClient, type Product } from '@vitrine/api';
import { endChildren, endChildrenOnSignals, run } from './child-process.ts';
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

function say(line: string): void {
  process.stdout.write(`vitrine: ${line}\n`);
}

/** Ends this process and its children as soon as the server's process is gone. */
function endWith(serverPid: number): void {
  setInterval(() => {
    try {
      process.kill(serverPid, 0);
    } catch {
      void endChildren().then(() => process.exit(1));
    }
  }, 200).unref();
}

async function waitUntilHealthy(server: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${server}/healthz`).catch(() => undefined);
    if (response?.ok === true) return;
    await sleep(100);
  }
}

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

async function publish(server: string, key: string): Promise<void> {
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

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: '' },
    'server-pid': { type: 'string', default: '' },
    key: { type: 'string', default: '' },
  },
});
endChildrenOnSignals();
endWith(Number(values['server-pid']));
await waitUntilHealthy(values.server);
try {
  await publish(values.server, values.key);
} catch (error) {
  say(`Vitrine's own release is not published: ${error instanceof Error ? error.message : String(error)}`);
  say('The server goes on; the next npm start tries again and resumes.');
  process.exitCode = 1;
}
