/** Evidence files that the reader gave, and to which file each belongs. */

export interface OwnEvidence {
  readonly fileName: string;
  readonly bytes: Uint8Array;
  /** Hex digest of the artifact that it is about; null when it names none or does not parse. */
  readonly sha256: string | null;
}

const EXTENSION = '.evidence';

export function isEvidenceName(fileName: string): boolean {
  return fileName.toLowerCase().endsWith(EXTENSION);
}

/**
 * The evidence for a file: that which names its digest, else that which bears its name, so that a file that was
 * altered is judged by the evidence of the one it pretends to be.
 */
export function chooseEvidence(
  given: readonly OwnEvidence[],
  fileName: string,
  sha256: string,
): OwnEvidence | undefined {
  return (
    given.find((evidence) => evidence.sha256 === sha256) ??
    given.find((evidence) => evidence.fileName === `${fileName}${EXTENSION}`)
  );
}
