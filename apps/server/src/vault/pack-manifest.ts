/**
 * What one pack consists of, as the vault that writes it tells another centre; and what that centre keeps beside its copy.
 * Format: docs/formats/vault.md, "Copies at other centres".
 */
import * as v from 'valibot';
import { CopyError } from './copy-error.ts';

/** Ciphertext is digested in chunks of this size; the last may be shorter. Ciphertext only grows, so a full chunk never changes. */
export const CHUNK_BYTES = 4 * 1024 * 1024;
/** 256 TiB of ciphertext would not fit: 2 TiB does. */
const MAX_CHUNKS = 524_288;
export const MAX_KEPT_MANIFEST_BYTES = 64 * 1024 * 1024;

const sha256Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const tagHex = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const manifestEntries = {
  packId: tagHex,
  /** Changes with the table and with the grants. */
  revision: tagHex,
  /** Of the ciphertext that the table covers, its padding included. */
  sizeBytes: v.pipe(size, v.maxValue(MAX_CHUNKS * CHUNK_BYTES)),
  /** SHA-256 of each chunk of it. */
  chunks: v.pipe(v.array(sha256Hex), v.maxLength(MAX_CHUNKS)),
  /** SHA-256 of the table file. */
  table: sha256Hex,
  /** The grants: the tag of the recipient, SHA-256 of the file. */
  grants: v.pipe(v.array(v.strictObject({ tag: tagHex, sha256: sha256Hex })), v.maxLength(1024)),
} as const;

const keptManifest = v.strictObject({
  ...manifestEntries,
  format: v.literal('vitrine-pack-copy/v1'),
  /** When this state was taken over, milliseconds since 1970. */
  copiedAtMs: size,
  /** The first 16 bytes of SHA-256 of every table that a newer one has replaced here: they are not taken again. */
  replacedTables: v.array(tagHex),
});

/** @see manifestEntries for what each member is. */
export interface PackManifest {
  readonly packId: string;
  readonly revision: string;
  readonly sizeBytes: number;
  readonly chunks: readonly string[];
  readonly table: string;
  readonly grants: readonly { readonly tag: string; readonly sha256: string }[];
}

export interface KeptManifest extends PackManifest {
  readonly copiedAtMs: number;
  readonly replacedTables: readonly string[];
}

/** How many bytes chunk `index` of a pack of `sizeBytes` has. */
export function chunkBytes(sizeBytes: number, index: number): number {
  return Math.min(CHUNK_BYTES, sizeBytes - index * CHUNK_BYTES);
}

/** @throws CopyError `altered` when it is not about this pack, or its members do not fit each other */
export function checkManifest(manifest: PackManifest, packId: string): void {
  const isWhole = manifest.chunks.length === Math.ceil(manifest.sizeBytes / CHUNK_BYTES);
  const tags = new Set(manifest.grants.map(({ tag }) => tag));
  if (manifest.packId === packId && isWhole && tags.size === manifest.grants.length) return;
  throw new CopyError('altered', `what the other centre says of pack ${packId} does not fit together`);
}

export function formatKeptManifest(manifest: KeptManifest): Uint8Array {
  return Buffer.from(`${JSON.stringify({ format: 'vitrine-pack-copy/v1', ...manifest })}\n`);
}

/** Undefined when it is damaged: the pack is then copied again, over what is there. */
export function parseKeptManifest(bytes: Uint8Array, packId: string): KeptManifest | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(keptManifest, json);
  if (!parsed.success) return undefined;
  const { format: _format, ...manifest } = parsed.output;
  return manifest.packId === packId ? manifest : undefined;
}
