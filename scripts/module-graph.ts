/** The modules of this repository and what they import, as dependency-cruiser sees them under .dependency-cruiser.cjs. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import { root } from './repository.ts';

/**
 * Cruises all workspaces.
 * @throws Error when a workspace gave no module or no import between workspaces was resolved: then every rule would hold,
 *   because nothing was looked at
 */
export async function cruiseWorkspaces(): Promise<ICruiseResult> {
  process.chdir(root);
  const workspaces = globSync('{packages,apps}/*/src');
  const options = await extractOptions(join(root, '.dependency-cruiser.cjs'));
  const { output } = await cruise(workspaces, options);
  if (typeof output === 'string') throw new TypeError('dependency-cruiser gave a text instead of a result');
  const { modules } = output;
  const unseen = workspaces.filter(
    (folder) => !modules.some(({ source }) => source.startsWith(`${folder}/`)),
  );
  if (workspaces.length === 0 || unseen.length > 0) {
    throw new Error(`dependency-cruiser saw no module in ${unseen.join(', ') || 'any workspace'}`);
  }
  const crossing = modules.some(
    ({ source, dependencies }) =>
      source.startsWith('apps/') &&
      dependencies.some(({ resolved }) => /^packages\/[^/]+\/src\//.test(resolved)),
  );
  if (!crossing)
    throw new Error('no import of a package by an app was resolved: the exports conditions are not honoured');
  return output;
}
