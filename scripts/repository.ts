/** This repository as the scripts see it: where it is, and which workspaces can be published. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as v from 'valibot';

export const root = join(import.meta.dirname, '..');

/** The command `name` as npm installed it here. */
export function bin(name: string): string {
  return join(root, 'node_modules', '.bin', name);
}

const ManifestSchema = v.object({
  name: v.string(),
  version: v.string(),
  private: v.optional(v.boolean(), false),
});

export interface Workspace {
  readonly name: string;
  readonly version: string;
  /** Absolute. */
  readonly folder: string;
}

/** @throws valibot's ValiError when the file is not a package's manifest */
function readManifest(file: string): v.InferOutput<typeof ManifestSchema> {
  return v.parse(ManifestSchema, JSON.parse(readFileSync(file, 'utf8')));
}

/** Version of the whole, as the root package.json has it. */
export function repositoryVersion(): string {
  return readManifest(join(root, 'package.json')).version;
}

/** The workspaces that may be published, that is, which are not private; by name. */
export function publishableWorkspaces(): Workspace[] {
  return globSync('{packages,apps}/*/package.json', { cwd: root })
    .map((path) => ({ ...readManifest(join(root, path)), folder: join(root, dirname(path)) }))
    .filter((workspace) => !workspace.private)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
