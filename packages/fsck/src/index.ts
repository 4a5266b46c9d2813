// Checks a C2SP tlog-tiles log of any content, from its entries up, over HTTP or in a folder.

export { type CheckLogOptions, type CheckProgress, checkLog, requireSoundLog } from './check-log.ts';
export { FsckError, type FsckErrorCode } from './fsck-error.ts';
export type { LogReport, Problem } from './log-report.ts';
