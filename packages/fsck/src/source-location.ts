// Where a log is: tells a folder from a URL, and opens either.

import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { folderSource } from './folder-source.ts';
import { FsckError } from './fsck-error.ts';
import { type HttpLocation, httpSource } from './http-source.ts';
import type { LogSource } from './log-source.ts';

/** A source in a form that reaches a worker thread. */
export type SourceLocation =
  | { readonly kind: 'folder'; readonly path: string }
  | ({ readonly kind: 'http' } & HttpLocation);

/**
 * Tells a folder from a URL.
 *
 * @throws FsckError `bad-source`, `unreachable` if there is no such folder
 */
export function locateSource(source: URL | string, requestTimeoutMs: number): SourceLocation {
  const url =
    source instanceof URL ? source : /^[a-z][a-z0-9+.-]+:\/\//i.test(source) ? parseUrl(source) : undefined;
  if (url === undefined) return existingFolder(String(source));
  if (url.protocol === 'file:') return existingFolder(fileURLToPath(url));
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new FsckError('bad-source', `${url.href} is not an http, https or file URL`);
  }
  const prefix = new URL(url);
  prefix.search = '';
  prefix.hash = '';
  if (!prefix.pathname.endsWith('/')) prefix.pathname += '/';
  return { kind: 'http', url: prefix.href, requestTimeoutMs };
}

export function openSource(location: SourceLocation): LogSource {
  return location.kind === 'folder' ? folderSource(location.path) : httpSource(location);
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new FsckError('bad-source', `${JSON.stringify(text)} is not a URL`, { cause });
  }
}

function existingFolder(path: string): SourceLocation {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    throw new FsckError('unreachable', `there is no folder ${path}`, { cause });
  }
  if (!isFolder) throw new FsckError('unreachable', `${path} is not a folder`);
  return { kind: 'folder', path };
}
