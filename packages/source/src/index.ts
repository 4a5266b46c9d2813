/** Source snapshots: read a folder, a git revision or an archive, and commit to it. docs/formats/source-snapshot.md */
export * from './entry-path.ts';
export * from './manifest.ts';
export * from './snapshot.ts';
export * from './source-error.ts';
export * from './source-tree.ts';
