// Writes a log into a folder, in the simplest way that works: what the checker is held against, so it shares none
// of the checker's code.

import { generateKeyPairSync, hash, type KeyPairKeyObjectResult, sign } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  ed25519NoteSigner,
  formatBundlePath,
  formatCheckpoint,
  formatEntryBundle,
  formatTilePath,
  formatVkey,
  rootOfLeaves,
  signNote,
} from '@vitrine/tlog';

export interface BuiltLog {
  readonly folder: string;
  readonly origin: string;
  readonly vkey: string;
  readonly root: Uint8Array;
  /** Builds the same log again under the same key, of another size or with other entries. */
  readonly keys: KeyPairKeyObjectResult;
  /** Signs a checkpoint for this log, true or not. */
  signCheckpoint(treeSize: number, root: Uint8Array): string;
}

/** Builds a log of `treeSize` entries; `entry` makes each of them. */
export function buildLog(
  folder: string,
  treeSize: number,
  entry: (leafIndex: number) => Uint8Array,
  keys: KeyPairKeyObjectResult = generateKeyPairSync('ed25519'),
): BuiltLog {
  const origin = 'example.com/fsck';
  const { publicKey, privateKey } = keys;
  const rawKey = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const signer = ed25519NoteSigner({
    name: origin,
    publicKey: rawKey,
    sign: (message) => sign(null, message, privateKey),
  });
  const put = (path: string, content: Uint8Array | string): void => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  };
  const signCheckpoint = (size: number, root: Uint8Array): string =>
    signNote(formatCheckpoint({ origin, treeSize: size, root, extensions: [] }), [signer]);

  const root = rootOfLeaves(writeTiles(treeSize, entry, put), hashPair);
  put('checkpoint', signCheckpoint(treeSize, root));
  return {
    folder,
    origin,
    vkey: formatVkey({ name: origin, type: 1, publicKey: rawKey }),
    root,
    keys,
    signCheckpoint,
  };
}

function* writeTiles(
  treeSize: number,
  entry: (leafIndex: number) => Uint8Array,
  put: (path: string, content: Uint8Array) => void,
): Generator<Uint8Array> {
  const levels: { hashes: Uint8Array[]; index: number }[] = [];
  const add = (level: number, digest: Uint8Array): void => {
    const row = (levels[level] ??= { hashes: [], index: 0 });
    row.hashes.push(digest);
    if (row.hashes.length < 256) return;
    put(formatTilePath({ level, index: row.index, width: 256 }), Buffer.concat(row.hashes));
    const root = rootOfLeaves(row.hashes, hashPair);
    levels[level] = { hashes: [], index: row.index + 1 };
    add(level + 1, root);
  };
  for (let start = 0; start < treeSize; start += 256) {
    const width = Math.min(256, treeSize - start);
    const entries = Array.from({ length: width }, (_, i) => entry(start + i));
    put(formatBundlePath({ index: start / 256, width }), formatEntryBundle(entries));
    for (const each of entries) {
      const leaf = hash('sha256', Buffer.concat([Buffer.of(0), each]), 'buffer');
      add(0, leaf);
      yield leaf;
    }
  }
  for (const [level, { hashes, index }] of levels.entries()) {
    if (hashes.length === 0) continue;
    put(formatTilePath({ level, index, width: hashes.length }), Buffer.concat(hashes));
  }
}

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer');
}
