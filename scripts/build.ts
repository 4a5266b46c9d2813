/**
 * `npm run build`: compiles every package and app into its dist/, then the web pages. `npm start` uses the two halves on
 * their own, each only when something changed.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alone } from './alone.ts';
import { run } from './child-process.ts';
import { bin, publishableWorkspaces, root } from './repository.ts';

const web = join(root, 'apps', 'web');
/** Vite empties dist/ first and this is written last, so an interrupted build leaves none. */
const webStamp = join(web, 'dist', '.built-from');

/** Compiles what may be published; tsc itself skips what is up to date. To be called {@link alone}. */
export async function buildPackages(): Promise<void> {
  const folders = publishableWorkspaces().map(({ folder }) => folder);
  for (const folder of folders) removeOrphans(folder);
  await run(bin('tsc'), ['-b', ...folders]);
}

/** tsc never deletes: what a removed or renamed source once gave would be packed for ever. */
function removeOrphans(folder: string): void {
  for (const path of globSync('dist/**/*.{js,js.map,d.ts,d.ts.map}', { cwd: folder })) {
    const source = path.replace(/^dist/, 'src').replace(/(?:[.]d)?[.](?:js|ts)(?:[.]map)?$/, '');
    if (!existsSync(join(folder, `${source}.ts`)) && !existsSync(join(folder, `${source}.tsx`))) {
      rmSync(join(folder, path));
    }
  }
}

/** Builds the web pages unless they are built from exactly the sources at hand. @returns whether it built */
export function buildWeb(): Promise<boolean> {
  return alone(async () => {
    const sources = webSources();
    if (existsSync(webStamp) && readFileSync(webStamp, 'utf8') === sources) return false;
    await run(bin('vite'), ['build', '--logLevel', 'error'], { cwd: web });
    writeFileSync(webStamp, sources);
    return true;
  });
}

/** SHA-256 over the paths and contents of everything that the web pages are made of. */
function webSources(): string {
  const paths = globSync(
    [
      'apps/web/*.*',
      'apps/web/{src,public}/**/*.*',
      'packages/{tlog,statements,verifier,commitments,api}/src/**/*.*',
      'package-lock.json',
    ],
    { cwd: root },
  );
  const hash = createHash('sha256');
  for (const path of paths.toSorted()) {
    const content = readFileSync(join(root, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

if (import.meta.main) {
  await alone(async () => {
    for (const { folder } of publishableWorkspaces()) removeOrphans(folder);
    await run(bin('tsc'), ['-b']);
  });
  const built = await buildWeb();
  process.stdout.write(`build: packages and apps in dist/, web ${built ? 'built' : 'up to date'}\n`);
}
