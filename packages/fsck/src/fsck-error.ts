// The one error of this package: the check could not run. A log that is not sound is no error but a report.

/** Why a log could not be checked. */
export type FsckErrorCode =
  /** The vkey does not parse, or is not of type 0x01. */
  | 'bad-vkey'
  /** The source is neither a folder nor an http(s) URL. */
  | 'bad-source'
  /** The folder does not exist, or the server cannot be reached or does not answer properly. */
  | 'unreachable'
  /** The source answers, but has no checkpoint. */
  | 'no-checkpoint'
  /** A worker thread died: a defect of this program, or no memory. */
  | 'worker-failed'
  /** Thrown by requireSoundLog alone. */
  | 'not-sound';

/** Thrown when a check could not run, and by nothing else. */
export class FsckError extends Error {
  readonly code: FsckErrorCode;

  constructor(code: FsckErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FsckError';
    this.code = code;
  }
}
