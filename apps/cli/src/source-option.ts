/** Where the source of a release is read from: exactly one of --source, --git and --source-archive. */
import { statSync } from 'node:fs';
import { defaultLimits, readArchive, readFolder, readGit } from '@vitrine/source';
import type { SourceLimits, SourceTree } from '@vitrine/source';
import { couldNotRun } from './failure.ts';

export interface SourceOptions {
  readonly source?: string;
  readonly git?: string;
  readonly sourceArchive?: string;
  readonly maxSourceFiles?: number;
  readonly maxSourceBytes?: number;
  readonly maxCompressionRatio?: number;
}

/**
 * Opens the source that the options name.
 * @param environment of git, without the variables that would choose another repository
 * @throws Failure for none or several; SourceError
 */
export async function openSource(
  options: SourceOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<SourceTree> {
  const { source, git, sourceArchive } = options;
  const limits: SourceLimits = {
    maxEntries: options.maxSourceFiles ?? defaultLimits.maxEntries,
    maxTotalBytes: options.maxSourceBytes ?? defaultLimits.maxTotalBytes,
    maxCompressionRatio: options.maxCompressionRatio ?? defaultLimits.maxCompressionRatio,
  };
  const given = [source, git, sourceArchive].filter((value) => value !== undefined);
  if (given.length !== 1)
    throw couldNotRun('give the source once: --source DIR, --git DIR@REV or --source-archive FILE');
  if (source !== undefined) return readFolder(source, limits);
  if (sourceArchive !== undefined) return readArchive(sourceArchive, limits);
  const { dir, revision } = splitGit(git ?? '');
  return readGit(dir, revision, { limits, environment: withoutGitVariables(environment) });
}

/** `DIR@REV`: at the first `@` before which there is a folder, since both may contain one. */
function splitGit(text: string): { dir: string; revision: string } {
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const dir = text.slice(0, at) || '.';
    if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true && at + 1 < text.length)
      return { dir, revision: text.slice(at + 1) };
  }
  throw couldNotRun(`--git ${text}: DIR@REV is expected, a repository and a revision in it`);
}

function withoutGitVariables(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('GIT_')));
}
