/** The secret object that holds a whole snapshot. docs/formats/source-snapshot.md, "Manifest". */
import { checkPath, comparePaths, PathRegister } from './entry-path.ts';
import { SourceError } from './source-error.ts';

/** Git's modes: a file, an executable file, a symbolic link whose content is its text. */
export type FileMode = '100644' | '100755' | '120000';

export interface SnapshotEntry {
  readonly path: string;
  readonly mode: FileMode;
  readonly sizeBytes: number;
  /** Lower-case hex SHA-256 of the content. */
  readonly digest: string;
}

export interface Manifest {
  /** The snapshot secret, 32 bytes. */
  readonly secret: Uint8Array;
  /** Sorted by the bytes of their path. */
  readonly entries: readonly SnapshotEntry[];
}

const header = 'vitrine.dev/source-manifest@v1';
const lineForm = /^(100644|100755|120000) (0|[1-9][0-9]{0,15}) ([0-9a-f]{64}) (".*")$/s;
const encoder = new TextEncoder();

/** Sorts entries into a manifest. @param secret 32 bytes @throws SourceError what a path may be refused for */
export function manifestOf(secret: Uint8Array, entries: Iterable<SnapshotEntry>): Manifest {
  const sorted = [...entries].sort((a, b) => comparePaths(a.path, b.path));
  const register = new PathRegister();
  for (const entry of sorted) register.add(entry.path, entry.mode === '120000' ? 'link' : 'file');
  return { secret, entries: sorted };
}

/** The bytes of a manifest, a few thousand lines a chunk. @throws RangeError when the secret is not 32 bytes */
export function* manifestChunks(manifest: Manifest): Generator<Uint8Array> {
  if (manifest.secret.length !== 32) throw new RangeError('a snapshot secret has 32 bytes');
  let lines = [header, Buffer.from(manifest.secret).toString('hex')];
  for (const { path, mode, sizeBytes, digest } of manifest.entries) {
    lines.push(`${mode} ${sizeBytes} ${digest} ${JSON.stringify(path)}`);
    if (lines.length < 4096) continue;
    yield encoder.encode(`${lines.join('\n')}\n`);
    lines = [];
  }
  if (lines.length > 0) yield encoder.encode(`${lines.join('\n')}\n`);
}

/** The bytes of a manifest in one piece. */
export function formatManifest(manifest: Manifest): Uint8Array {
  return Buffer.concat([...manifestChunks(manifest)]);
}

/**
 * Reads a manifest strictly: what it accepts, {@link formatManifest} gives back byte for byte.
 * @throws SourceError manifest-malformed with the line at fault
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  const refuse = (line: number, reason: string, cause?: unknown): never => {
    throw new SourceError('manifest-malformed', `line ${line} of the source manifest: ${reason}`, { cause });
  };
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const entries: SnapshotEntry[] = [];
  const register = new PathRegister();
  let secret: Uint8Array | undefined;
  let previous = '';
  let number = 0;
  for (let at = 0; at < bytes.length; ) {
    number++;
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) return refuse(number, 'it does not end with a newline');
    let line: string;
    try {
      line = decoder.decode(bytes.subarray(at, end));
    } catch (cause) {
      return refuse(number, 'it is not UTF-8', cause);
    }
    at = end + 1;
    if (number === 1) {
      if (line !== header) refuse(number, `it is not ${header}`);
      continue;
    }
    if (number === 2) {
      if (!/^[0-9a-f]{64}$/.test(line)) refuse(number, 'it is not a secret of 64 lower-case hex digits');
      secret = Buffer.from(line, 'hex');
      continue;
    }
    const entry = parseEntry(line, (reason, cause) => refuse(number, reason, cause));
    if (entries.length > 0 && comparePaths(previous, entry.path) >= 0)
      refuse(number, 'its path is not after the path of the line before');
    try {
      register.add(entry.path, entry.mode === '120000' ? 'link' : 'file');
    } catch (cause) {
      refuse(number, cause instanceof Error ? cause.message : 'its path is refused', cause);
    }
    entries.push(entry);
    previous = entry.path;
  }
  if (secret === undefined) return refuse(number + 1, 'the manifest ends before its secret');
  return { secret, entries };
}

function parseEntry(line: string, refuse: (reason: string, cause?: unknown) => never): SnapshotEntry {
  const parts = lineForm.exec(line);
  const [, mode, size, digest, quoted] = parts ?? [];
  if (size === undefined || digest === undefined || quoted === undefined)
    return refuse('it is not: mode, size, digest, path as a JSON string');
  if (mode !== '100644' && mode !== '100755' && mode !== '120000') return refuse('its mode is unknown');
  const sizeBytes = Number(size);
  if (!Number.isSafeInteger(sizeBytes)) return refuse('its size is too large');
  let path: unknown;
  try {
    path = JSON.parse(quoted);
  } catch (cause) {
    return refuse('its path is not a JSON string', cause);
  }
  if (typeof path !== 'string' || JSON.stringify(path) !== quoted)
    return refuse('its path is not written as JSON.stringify writes it');
  try {
    checkPath(path);
  } catch (cause) {
    return refuse(cause instanceof Error ? cause.message : 'its path is refused', cause);
  }
  return { path, mode, sizeBytes, digest };
}
