// What a log is read through: a folder whose layout is the URL layout, or an HTTP prefix.

/** The octets of a resource, or why there are none: that is the log's fault, not the reader's. */
export type Content = { readonly bytes: Uint8Array } | { readonly fault: string; readonly missing: boolean };

export interface LogSource {
  /** How many reads are worth having under way at once. */
  readonly lanes: number;
  /** Whether bundles may lie there compressed without a header that says so. */
  readonly mayHoldGzip: boolean;
  /**
   * Reads a resource of at most `limitBytes`.
   *
   * @throws FsckError `unreachable` if it could not be told what the log holds
   */
  read(path: string, limitBytes: number): Promise<Content>;
  /** The widths w for which `<path>.p/<w>` is held, narrowest first; none where that cannot be listed. */
  partialWidths(path: string): readonly number[];
}
