// One unit of work: up to 256 full entry bundles, 65,536 leaves, against the level-0 tiles above them.

import { HASH_BYTES, TILE_WIDTH } from '@vitrine/tlog';
import { hashTile } from './hashing.ts';
import type { Problem } from './log-report.ts';
import type { LogSource } from './log-source.ts';
import { checkOlderPartials } from './older-partials.ts';
import { type Hashes, readBundle, readTile } from './resources.ts';

export interface Unit {
  /** The unit covers what stands under the level-1 tile of this index. */
  readonly index: number;
  /** Number of full bundles, 1 to 256. */
  readonly width: number;
}

/** A bundle and a level-0 tile that do not agree, or of which one cannot be read. */
export interface Disagreement {
  /** Of the bundle and tile within the unit, from 0. */
  readonly position: number;
  /** Root of the tile that the bundle's entries hash to, or why there is none. */
  readonly bundle: Uint8Array | string;
  /** Root of the published tile, or why there is none. */
  readonly tile: Uint8Array | string;
  /** The first hash in which they differ, if both can be read. */
  readonly firstDifference: number | undefined;
}

export interface UnitReport {
  readonly unit: Unit;
  /** The roots of the tiles as the bundles give them, 32 bytes each; zeroes where a bundle cannot be read. */
  readonly roots: Uint8Array;
  readonly disagreements: readonly Disagreement[];
  /** Of partial tiles and bundles of earlier sizes. */
  readonly olderProblems: readonly Problem[];
}

/** @throws FsckError `unreachable` */
export async function checkUnit(source: LogSource, unit: Unit): Promise<UnitReport> {
  const roots = new Uint8Array(unit.width * HASH_BYTES);
  const disagreements: Disagreement[] = [];
  const olderProblems: Problem[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < unit.width) {
      const position = next++;
      const address = { index: unit.index * TILE_WIDTH + position, width: TILE_WIDTH };
      const [bundle, tile] = await Promise.all([
        readBundle(source, address),
        readTile(source, { level: 0, ...address }),
      ]);
      const bundleRoot = rootOrFault(bundle);
      if (typeof bundleRoot !== 'string') roots.set(bundleRoot, position * HASH_BYTES);
      const readings = [bundle, tile];
      olderProblems.push(
        ...(await checkOlderPartials(source, address, readings)),
        ...(await checkOlderPartials(source, { level: 0, ...address }, readings)),
      );
      const firstDifference = findDifference(bundle, tile);
      if ('hashes' in bundle && 'hashes' in tile && firstDifference === undefined) continue;
      disagreements.push({ position, bundle: bundleRoot, tile: rootOrFault(tile), firstDifference });
    }
  };
  await Promise.all(Array.from({ length: source.lanes }, lane));
  return { unit, roots, disagreements, olderProblems };
}

function rootOrFault(hashes: Hashes): Uint8Array | string {
  return 'fault' in hashes ? hashes.fault : hashTile(hashes.hashes);
}

/** The position of the first hash in which both differ; undefined if they are equal, or one is not there. */
export function findDifference(a: Hashes, b: Hashes): number | undefined {
  if ('fault' in a || 'fault' in b) return undefined;
  if (Buffer.compare(a.hashes, b.hashes) === 0) return undefined;
  const octet = a.hashes.findIndex((value, i) => value !== b.hashes[i]);
  return Math.floor(octet / HASH_BYTES);
}
