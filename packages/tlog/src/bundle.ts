// Entry bundles: c2sp.org/tlog-tiles, "Log entries". Each entry stands behind its length, a big-endian u16.

import { TlogError } from './error.ts';
import { TILE_WIDTH } from './tile.ts';

/** The largest entry, in bytes. */
export const MAX_ENTRY_BYTES = 65_535;

/** The largest entry bundle, in bytes. */
export const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_ENTRY_BYTES);

/**
 * The entries of a bundle, as views of `bytes`.
 *
 * @throws TlogError `malformed-bundle` unless `bytes` hold exactly `width` entries
 * @throws RangeError if `width` is not 1 to 256
 */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  requireWidth(width);
  const entries = parseEntries(bytes, width);
  if (entries.length !== width) throw malformed(`it holds ${entries.length} entries, not ${width}`);
  return entries;
}

/**
 * The inverse of parseEntryBundle.
 *
 * @throws RangeError if there are not 1 to 256 entries, or one is larger than 65,535 bytes
 */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  requireWidth(entries.length);
  return formatEntries(entries);
}

/**
 * Entries in a bundle's framing, but any number of them up to `limit`; views of `bytes`.
 *
 * @throws TlogError `malformed-bundle` if an entry is cut short, or there are more than `limit`
 */
export function parseEntries(bytes: Uint8Array, limit: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (entries.length === limit) throw malformed(`it goes on at byte ${at}, after ${limit} entries`);
    if (at + 2 > bytes.length) throw malformed(`the length of entry ${entries.length} is cut short`);
    const end = at + 2 + view.getUint16(at);
    if (end > bytes.length) throw malformed(`entry ${entries.length} is cut short`);
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

/** The inverse of parseEntries. @throws RangeError if an entry is larger than 65,535 bytes */
export function formatEntries(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((size, entry) => size + 2 + entry.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES)
      throw new RangeError(`an entry has ${entry.length} bytes, above 65,535`);
    view.setUint16(at, entry.length);
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}

function requireWidth(width: number): void {
  if (!Number.isSafeInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new RangeError(`a bundle holds 1 to ${TILE_WIDTH} entries, not ${width}`);
  }
}

function malformed(why: string): TlogError {
  return new TlogError('malformed-bundle', `malformed entry bundle: ${why}`);
}
