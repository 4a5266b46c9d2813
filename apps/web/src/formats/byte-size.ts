/** Sizes of files in words, in powers of 1000 as the IEC asks of kB, MB and GB. */

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `512 bytes`, `1.24 MB`: three significant digits. */
export function formatByteSize(sizeBytes: number): string {
  if (sizeBytes < 1000) return sizeBytes === 1 ? '1 byte' : `${sizeBytes} bytes`;
  let value = sizeBytes;
  let unit = '';
  for (const name of UNITS) {
    value /= 1000;
    unit = name;
    if (value < 999.5) break;
  }
  const decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(decimals)} ${unit}`;
}

/** `1,204,117`: grouped in threes. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-GB');
}

/** `1 artifact`, `2 artifacts`. */
export function countOf(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}
