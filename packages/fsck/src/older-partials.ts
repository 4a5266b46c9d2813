// Partial tiles and bundles of earlier sizes. A log must go on serving them to whoever holds an earlier checkpoint
// (c2sp.org/tlog-tiles, "Partial Tiles") until the full ones are there; a folder tells which of them it holds.

import { formatBundlePath, formatTilePath, HASH_BYTES, TILE_WIDTH } from '@vitrine/tlog';
import type { Problem } from './log-report.ts';
import type { LogSource } from './log-source.ts';
import { type Hashes, readBundle, readTile } from './resources.ts';

/** A tile, or without a level a bundle, of which the first `width` hashes are known. */
export interface KnownResource {
  readonly level?: number;
  readonly index: number;
  readonly width: number;
}

/**
 * Holds every partial resource narrower than the known one against its first hashes. `readings` are what these may
 * be: where a bundle and its tile disagree, an older partial resource is only wrong if it fits neither.
 *
 * @throws FsckError `unreachable`
 */
export async function checkOlderPartials(
  source: LogSource,
  { level, index, width }: KnownResource,
  readings: readonly Hashes[],
): Promise<Problem[]> {
  const pathAt = (w: number): string =>
    level === undefined ? formatBundlePath({ index, width: w }) : formatTilePath({ level, index, width: w });
  const problems: Problem[] = [];
  for (const older of source.partialWidths(pathAt(TILE_WIDTH))) {
    if (older >= width) continue;
    const found =
      level === undefined
        ? await readBundle(source, { index, width: older })
        : await readTile(source, { level, index, width: older });
    const reason = 'fault' in found ? found.fault : describeMismatch(found.hashes, readings);
    if (reason !== undefined) problems.push({ path: pathAt(older), reason });
  }
  return problems;
}

function describeMismatch(hashes: Uint8Array, readings: readonly Hashes[]): string | undefined {
  const known = readings.flatMap((reading) => ('hashes' in reading ? [reading.hashes] : []));
  const fits = known.some((reading) => Buffer.compare(reading.subarray(0, hashes.length), hashes) === 0);
  if (known.length === 0 || fits) return undefined;
  const octet = hashes.findIndex((value, i) => value !== known[0]?.[i]);
  const at = Math.floor(octet / HASH_BYTES);
  return `altered: what stands at ${at} is not what the wider tile or bundle has there`;
}
