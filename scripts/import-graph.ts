/**
 * `npm run graph`: writes which folder imports which, as a Mermaid graph, between the markers in docs/architecture.md.
 * With `--check` it changes nothing and fails when what stands there is not what the code says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cruiseWorkspaces } from './module-graph.ts';
import { root } from './repository.ts';

const page = join(root, 'docs', 'architecture.md');
const begin = '<!-- import graph: written by `npm run graph` -->';
const end = '<!-- end of import graph -->';

/** `packages/tlog/src/note.ts` → `tlog`; `apps/server/src/log/log.ts` → `server/log`; undefined outside the workspaces. */
function folderOf(path: string): string | undefined {
  const [, kind, workspace, folder] = /^(packages|apps)\/([^/]+)\/src\/(?:([^/]+)\/)?/.exec(path) ?? [];
  if (workspace === undefined) return undefined;
  return kind === 'packages' || folder === undefined ? workspace : `${workspace}/${folder}`;
}

async function graph(): Promise<string> {
  const { modules } = await cruiseWorkspaces();
  const code = modules.filter(({ source }) => !/[.]test[.]tsx?$|\/browser-tests\//.test(source));
  const folders = new Set<string>();
  const edges = new Set<string>();
  for (const { source, dependencies } of code) {
    const from = folderOf(source);
    if (from === undefined) continue;
    folders.add(from);
    for (const { resolved } of dependencies) {
      const to = folderOf(resolved);
      if (to !== undefined && to !== from) edges.add(`${from} ${to}`);
    }
  }
  const node = (folder: string): string => folder.replaceAll(/[^a-z0-9]/g, '_');
  const groups = new Map<string, string[]>();
  for (const folder of [...folders].toSorted()) {
    const app = ['server', 'cli', 'web'].find((name) => folder === name || folder.startsWith(`${name}/`));
    const group = app === undefined ? 'packages' : `apps/${app}`;
    groups.set(group, [...(groups.get(group) ?? []), folder]);
  }
  const lines = [...groups]
    .toSorted()
    .flatMap(([group, members]) => [
      `  subgraph ${node(group)}g["${group}"]`,
      ...members.map(
        (folder) => `    ${node(folder)}["${folder.includes('/') ? folder.split('/')[1] : folder}"]`,
      ),
      '  end',
    ]);
  for (const edge of [...edges].toSorted()) lines.push(`  ${edge.split(' ').map(node).join(' --> ')}`);
  return ['```mermaid', 'flowchart LR', ...lines, '```'].join('\n');
}

const text = readFileSync(page, 'utf8');
const from = text.indexOf(begin);
const to = text.indexOf(end);
if (from < 0 || to < from) throw new Error(`${page} lacks the lines "${begin}" and "${end}"`);
const written = `${text.slice(0, from + begin.length)}\n\n${await graph()}\n\n${text.slice(to)}`;
if (process.argv.includes('--check')) {
  if (written !== text) {
    process.stderr.write(
      'docs/architecture.md shows an old import graph: run `npm run graph` and commit it.\n',
    );
    process.exitCode = 1;
  }
} else if (written !== text) {
  writeFileSync(page, written);
  process.stdout.write('docs/architecture.md: import graph renewed\n');
}
