// Reading tiles and bundles as what they should be, or as a fault.

import { gunzipSync } from 'node:zlib';
import {
  type BundleAddress,
  formatBundlePath,
  formatTilePath,
  HASH_BYTES,
  MAX_BUNDLE_BYTES,
  TILE_WIDTH,
  type TileAddress,
  TlogError,
} from '@vitrine/tlog';
import { hashEntries } from './hashing.ts';
import type { Content, LogSource } from './log-source.ts';

const FULL_TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/** Hashes, 32 bytes each, one after another; or what is wrong with the resource. */
export type Hashes = { readonly hashes: Uint8Array } | { readonly fault: string };

/** The hashes of a tile; for a partial tile that is gone, those of the full tile in its place. */
export async function readTile(source: LogSource, tile: TileAddress): Promise<Hashes> {
  const { content, width } = await readPartial(source, tile.width, FULL_TILE_BYTES, (w) =>
    formatTilePath({ ...tile, width: w }),
  );
  if ('fault' in content) return { fault: content.fault };
  const { bytes } = content;
  if (bytes.length !== width * HASH_BYTES) {
    return { fault: `has ${bytes.length} bytes, not the ${width * HASH_BYTES} of ${width} hashes` };
  }
  return { hashes: bytes.subarray(0, tile.width * HASH_BYTES) };
}

/** The octets of a bundle, uncompressed, and the leaf hashes of its entries; or what is wrong with it. */
export type BundleContent =
  | { readonly bytes: Uint8Array; readonly hashes: Uint8Array }
  | { readonly fault: string };

/** A bundle of exactly this width; where a partial one is gone, the beginning of the full one in its place. */
export async function readBundle(source: LogSource, bundle: BundleAddress): Promise<BundleContent> {
  const { content, width } = await readPartial(source, bundle.width, MAX_BUNDLE_BYTES, (w) =>
    formatBundlePath({ ...bundle, width: w }),
  );
  if ('fault' in content) return { fault: content.fault };
  const { bytes } = content;
  const isGzip = source.mayHoldGzip && bytes[0] === 0x1f && bytes[1] === 0x8b;
  try {
    return hashBundle(bytes, width, bundle.width);
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    if (!isGzip) return { fault: error.message };
  }
  return hashGzip(bytes, width, bundle.width);
}

// A mirror of a log that serves gzip as it lies (tlog-tiles allows that) holds its files compressed. The two octets
// could also be the length of a first entry, so this is tried only after the plain reading failed.
function hashGzip(bytes: Uint8Array, width: number, wanted: number): BundleContent {
  try {
    return hashBundle(gunzipSync(bytes, { maxOutputLength: MAX_BUNDLE_BYTES }), width, wanted);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { fault: `neither an entry bundle nor a gzipped one: ${why}` };
  }
}

/** @throws TlogError `malformed-bundle` */
function hashBundle(bytes: Uint8Array, width: number, wanted: number): BundleContent {
  const hashes = hashEntries(bytes, width);
  if (wanted === width) return { bytes, hashes };
  let end = 0;
  for (let entry = 0; entry < wanted; entry++) {
    end += 2 + (((bytes[end] ?? 0) << 8) | (bytes[end + 1] ?? 0));
  }
  return { bytes: bytes.subarray(0, end), hashes: hashes.subarray(0, wanted * HASH_BYTES) };
}

async function readPartial(
  source: LogSource,
  width: number,
  limitBytes: number,
  path: (width: number) => string,
): Promise<{ content: Content; width: number }> {
  const content = await source.read(path(width), limitBytes);
  if (width === TILE_WIDTH || !('missing' in content) || !content.missing) return { content, width };
  // A log may delete a partial resource once the full one is there: in this order no growth can slip between.
  const full = await source.read(path(TILE_WIDTH), limitBytes);
  return 'bytes' in full ? { content: full, width: TILE_WIDTH } : { content, width };
}
