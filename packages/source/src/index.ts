/** Source snapshots: read a folder, a git revision or an archive, and commit to it. docs/formats/source-snapshot.md */
export { readArchive } from './archive.ts';
export { checkPath, comparePaths, PATH_MAX_BYTES } from './entry-path.ts';
export { readFolder } from './folder.ts';
export { readGit } from './git-revision.ts';
export type { GitOptions } from './git-revision.ts';
export { defaultLimits } from './limits.ts';
export type { SourceLimits } from './limits.ts';
export { formatManifest, manifestChunks, manifestOf, parseManifest } from './manifest.ts';
export type { FileMode, Manifest, SnapshotEntry } from './manifest.ts';
export { scanTree } from './scan.ts';
export type { ScanProgress } from './scan.ts';
export {
  snapshotLeaf,
  snapshotProofOf,
  snapshotRootOf,
  snapshotSalt,
  verifySnapshotProof,
} from './snapshot.ts';
export type { SnapshotProof } from './snapshot.ts';
export { SourceError } from './source-error.ts';
export type { SourceErrorCode } from './source-error.ts';
export type { Sequence, SourceFile, SourceTree } from './source-tree.ts';
