/**
 * Padmé: sizes on disk tell O(log log size) bits of what was written, at a cost of 12% at most and 3% from 16 MiB on.
 * Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PoPETs 2019, §4.
 */

/** Nothing smaller is told apart: the size of a block on most file systems. */
const SMALLEST = 4096;

/** The size to which `sizeBytes` is padded: at least 4,096 unless it is 0. */
export function paddedSize(sizeBytes: number): number {
  if (sizeBytes === 0) return 0;
  if (sizeBytes <= SMALLEST) return SMALLEST;
  const exponent = Math.floor(Math.log2(sizeBytes));
  const mantissaBits = Math.floor(Math.log2(exponent)) + 1;
  const granule = 2 ** (exponent - mantissaBits);
  return Math.ceil(sizeBytes / granule) * granule;
}
