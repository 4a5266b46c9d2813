// Checks a C2SP tlog-tiles log of any content, from its entries up, over HTTP or in a folder.

export { type CheckLogOptions, type CheckProgress, checkLog, requireSoundLog } from './check-log.ts';
export { FsckError, type FsckErrorCode } from './fsck-error.ts';
export type { LogReport, Problem } from './log-report.ts';

// What it is made of, for a mirror that verifies as it copies.
export { hashTile } from './hashing.ts';
export type { HttpLocation } from './http-source.ts';
export type { Content, LogSource } from './log-source.ts';
export { type BundleContent, type Hashes, readBundle, readTile } from './resources.ts';
export { edgeAddresses, rootOfEdge } from './right-edge.ts';
export { locateSource, openSource, type SourceLocation } from './source-location.ts';
export { openThreadPool, type ThreadPool } from './thread-pool.ts';
