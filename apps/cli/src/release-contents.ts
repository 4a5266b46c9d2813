/** Everything that a release consists of, read and checked on this machine before a server hears of it. */
import { hash } from 'node:crypto';
import { basename } from 'node:path';
import {
  DOCUMENT_MAX_BYTES,
  DocumentError,
  provenanceCoverage,
  validateProvenance,
  validateSbom,
} from '@vitrine/release-documents';
import type { ProvenanceSummary, SbomSummary } from '@vitrine/release-documents';
import { scanTree } from '@vitrine/source';
import type { SnapshotEntry, SourceTree } from '@vitrine/source';
import { artifactName, formatArtifactList } from '@vitrine/statements';
import * as v from 'valibot';
import { couldNotRun, refused } from './failure.ts';
import { hashFile, readBounded } from './local-file.ts';
import { formatBytes } from './progress.ts';
import type { SigningKey } from './signing-key.ts';
import type { Terminal } from './terminal.ts';

const NOTES_MAX_BYTES = 1024 * 1024;
/** A commit carries one release statement and at most this many of artifacts. */
const ARTIFACTS_MAX = 10_000;

export interface ArtifactFile {
  readonly path: string;
  readonly name: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** A document in memory, with its digest. */
export interface Document {
  readonly label: string;
  readonly bytes: Uint8Array;
  readonly digest: string;
}

export interface ReleaseContents {
  readonly tree: SourceTree;
  readonly entries: readonly SnapshotEntry[];
  readonly artifacts: readonly ArtifactFile[];
  readonly artifactList: Document;
  readonly sbom: (Document & { readonly summary: SbomSummary }) | undefined;
  readonly provenance: (Document & { readonly summary: ProvenanceSummary }) | undefined;
  readonly notes: Document | undefined;
}

export interface ContentOptions {
  readonly artifact?: readonly string[];
  readonly sbom?: string;
  readonly provenance?: string;
  readonly notes?: string;
}

/** @throws Failure, SourceError */
export async function readContents(
  tree: SourceTree,
  options: ContentOptions,
  signer: SigningKey,
  terminal: Terminal,
): Promise<ReleaseContents> {
  const names = artifactNames(options.artifact ?? []);
  const sbom = await readSbom(options.sbom);
  const provenance = await readProvenance(options.provenance);
  const notes = await readNotes(options.notes);
  const artifacts: ArtifactFile[] = [];
  for (const [name, path] of names) {
    const task = terminal.progress.start(`hashing ${name}`, 'bytes');
    const hashed = await hashFile(path, (bytes) => task.update(bytes));
    task.end(formatBytes(hashed.sizeBytes));
    artifacts.push({ path, name, ...hashed });
  }
  const task = terminal.progress.start('hashing the source', 'files');
  let bytes = 0;
  const entries = await scanTree(tree, (progress) => {
    bytes = progress.bytes;
    task.update(progress.files);
  });
  task.end(`${entries.length} files, ${formatBytes(bytes)}`);
  refuseSigningKey(signer, entries, artifacts);
  if (provenance !== undefined) warnAboutCoverage(provenance.summary, artifacts, terminal);
  const artifactList = document(
    'list of artifacts',
    formatArtifactList(artifacts.map(({ name, sha256, sizeBytes }) => ({ name, sha256, sizeBytes }))),
  );
  return { tree, entries, artifacts, artifactList, sbom, provenance, notes };
}

export function document(label: string, bytes: Uint8Array): Document {
  return { label, bytes, digest: hash('sha256', bytes, 'hex') };
}

/** Artifacts by their file names, which name them for ever: each may occur once. */
function artifactNames(paths: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const path of paths) {
    const name = basename(path);
    const parsed = v.safeParse(artifactName, name);
    if (!parsed.success) throw couldNotRun(`--artifact ${path}: ${parsed.issues[0].message}`);
    const other = names.get(name);
    if (other !== undefined)
      throw couldNotRun(`two artifacts are named ${name}: ${other} and ${path}; rename one`);
    names.set(name, path);
  }
  if (names.size > ARTIFACTS_MAX) throw couldNotRun(`a release has at most ${ARTIFACTS_MAX} artifacts`);
  return names;
}

async function readSbom(file: string | undefined): Promise<ReleaseContents['sbom']> {
  if (file === undefined) return undefined;
  const bytes = await readBounded(file, DOCUMENT_MAX_BYTES);
  const summary = await checked('SBOM', file, () => validateSbom(bytes));
  return { ...document(file, bytes), summary };
}

async function readProvenance(file: string | undefined): Promise<ReleaseContents['provenance']> {
  if (file === undefined) return undefined;
  const bytes = await readBounded(file, DOCUMENT_MAX_BYTES);
  const summary = await checked('provenance', file, () => validateProvenance(bytes));
  return { ...document(file, bytes), summary };
}

async function checked<T>(what: string, file: string, validate: () => T | Promise<T>): Promise<T> {
  try {
    return await validate();
  } catch (thrown) {
    if (!(thrown instanceof DocumentError)) throw thrown;
    throw refused(`the ${what} ${file} is refused: ${thrown.message} (${thrown.code})`, thrown);
  }
}

async function readNotes(file: string | undefined): Promise<Document | undefined> {
  if (file === undefined) return undefined;
  return document(file, await readText(file, NOTES_MAX_BYTES));
}

/** The bytes of a file that is UTF-8 text. @throws Failure */
export async function readText(file: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await readBounded(file, maxBytes);
  if (bytes.length > maxBytes) throw couldNotRun(`${file} is over ${formatBytes(maxBytes)}`);
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw couldNotRun(`${file} is not UTF-8 text`, cause);
  }
  return bytes;
}

/** Whoever reviews the source, or gets an artifact, would hold the key. */
function refuseSigningKey(
  { fileDigest }: SigningKey,
  entries: readonly SnapshotEntry[],
  artifacts: readonly ArtifactFile[],
): void {
  const path =
    entries.find(({ digest }) => digest === fileDigest)?.path ??
    artifacts.find((artifact) => artifact.sha256 === fileDigest)?.path;
  if (path !== undefined)
    throw refused(`${path} is the signing key itself: keep it out of what is published`);
}

function warnAboutCoverage(
  provenance: ProvenanceSummary,
  artifacts: readonly ArtifactFile[],
  terminal: Terminal,
): void {
  const { covered, uncovered } = provenanceCoverage(provenance, artifacts);
  if (artifacts.length > 0 && covered.length === 0)
    throw refused('the provenance is about none of the artifacts: no subject has the SHA-256 of one');
  if (uncovered.length > 0)
    terminal.note(`warning: the provenance does not cover ${uncovered.map(({ name }) => name).join(', ')}`);
}
