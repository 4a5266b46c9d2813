/**
 * The packs as other centres copy them: ciphertext, the encrypted table, the grants. Nothing here opens anything. Only what is
 * committed is told.
 */
import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CHUNK_BYTES, chunkBytes, type PackManifest } from './pack-manifest.ts';
import { grantFileOf, GRANT_FILE, OBJECTS_FILE, PACKS, type PackShelf, TABLE_FILE } from './pack-shelf.ts';
import { isPackId } from './pack-envelope.ts';
import type { IndexedPack, ReadableFile, VaultIndex } from './ports.ts';
import { VaultError } from './vault-error.ts';

const READ_BYTES = 1 << 20;
const MAX_GRANT_BYTES = 65_536;
const MAX_TABLE_BYTES = 64 * 1024 * 1024;

export interface ListedPack {
  readonly packId: string;
  /** 32 hex digits: changes with the table and with the grants. */
  readonly revision: string;
}

export class PackExport {
  readonly #shelf: PackShelf;
  readonly #index: VaultIndex;
  readonly #exclusively: <T>(job: () => Promise<T>) => Promise<T>;
  /** Of full chunks, which never change. 32 bytes of text for 4 MiB: all of them fit. */
  readonly #chunks = new Map<string, string[]>();
  /** What stands in a pack's folder changes through this process alone. */
  readonly #grantTags = new Map<string, readonly string[]>();

  /** @param exclusively runs a job while no table is put in place */
  constructor(shelf: PackShelf, index: VaultIndex, exclusively: <T>(job: () => Promise<T>) => Promise<T>) {
    this.#shelf = shelf;
    this.#index = index;
    this.#exclusively = exclusively;
  }

  /** Up to `limit` packs after one, by ID. */
  async list(after: string, limit: number): Promise<ListedPack[]> {
    const packs = this.#index
      .packs()
      .filter((pack) => isCopyable(pack) && pack.packId > after)
      .sort((a, b) => (a.packId < b.packId ? -1 : 1))
      .slice(0, limit);
    const listed: ListedPack[] = [];
    for (const pack of packs) {
      listed.push({ packId: pack.packId, revision: revisionOf(pack, await this.#tagsOf(pack.packId)) });
    }
    return listed;
  }

  /** @throws VaultError missing */
  async manifest(packId: string): Promise<PackManifest> {
    const { pack, table, grants, file } = await this.#exclusively(async () => {
      const indexed = this.#packOf(packId);
      const sealed = await this.#tableOf(packId);
      const sealedGrants = [];
      for (const tag of await this.#tagsOf(packId)) {
        sealedGrants.push({ tag, sha256: hash('sha256', await this.#grantOf(packId, tag), 'hex') });
      }
      return {
        pack: indexed,
        table: hash('sha256', sealed, 'hex'),
        grants: sealedGrants,
        file: await this.#openObjects(packId),
      };
    });
    try {
      return {
        packId,
        revision: revisionOf(
          pack,
          grants.map(({ tag }) => tag),
        ),
        sizeBytes: pack.endOffset,
        chunks: await this.#digestsOf(packId, file, pack.endOffset),
        table,
        grants,
      };
    } finally {
      await file.close();
    }
  }

  /** The table file. @throws VaultError missing */
  table(packId: string): Promise<Uint8Array> {
    return this.#exclusively(async () => {
      this.#packOf(packId);
      return await this.#tableOf(packId);
    });
  }

  /** A grant file. @throws VaultError missing */
  grant(packId: string, tag: string): Promise<Uint8Array> {
    return this.#exclusively(async () => {
      this.#packOf(packId);
      return await this.#grantOf(packId, tag);
    });
  }

  /** Committed ciphertext, from `start` on. @throws VaultError missing · range-not-satisfiable */
  async ciphertext(
    packId: string,
    start: number,
  ): Promise<{ readonly sizeBytes: number; readonly stream: Readable }> {
    const { file, sizeBytes } = await this.#exclusively(async () => ({
      sizeBytes: this.#packOf(packId).endOffset,
      file: await this.#openObjects(packId),
    }));
    if (start > sizeBytes) {
      await file.close();
      throw new VaultError('range-not-satisfiable', `pack ${packId} ends at ${sizeBytes}, before ${start}`);
    }
    const stream = Readable.from(blocksOf(file, start, sizeBytes), {
      objectMode: false,
      highWaterMark: READ_BYTES,
    });
    // A generator that was never started does not run its `finally` when the stream is destroyed.
    stream.once('close', () => void file.close());
    return { sizeBytes, stream };
  }

  /** A pack is gone, or its grants have changed. */
  forget(packId: string): void {
    this.#chunks.delete(packId);
    this.#grantTags.delete(packId);
  }

  #packOf(packId: string): IndexedPack {
    const pack = isPackId(packId) ? this.#index.pack(packId) : undefined;
    if (pack === undefined || !isCopyable(pack))
      throw new VaultError('missing', `the vault has no pack ${packId}`);
    return pack;
  }

  async #tagsOf(packId: string): Promise<readonly string[]> {
    const known = this.#grantTags.get(packId);
    if (known !== undefined) return known;
    const names = await this.#shelf.files.list(`${PACKS}/${packId}`);
    const tags = names.flatMap((name) => GRANT_FILE.exec(name)?.[1] ?? []);
    this.#grantTags.set(packId, tags);
    return tags;
  }

  async #tableOf(packId: string): Promise<Uint8Array> {
    const table = await this.#shelf.files.read(`${PACKS}/${packId}/${TABLE_FILE}`, MAX_TABLE_BYTES);
    if (table === undefined) throw new VaultError('missing', `pack ${packId} has no table`);
    return table;
  }

  async #grantOf(packId: string, tag: string): Promise<Uint8Array> {
    const grant = await this.#shelf.files.read(`${PACKS}/${packId}/${grantFileOf(tag)}`, MAX_GRANT_BYTES);
    if (grant === undefined) throw new VaultError('missing', `pack ${packId} has no grant for ${tag}`);
    return grant;
  }

  async #openObjects(packId: string): Promise<ReadableFile> {
    const file = await this.#shelf.files.openForReading(`${PACKS}/${packId}/${OBJECTS_FILE}`);
    if (file === undefined) throw new VaultError('missing', `pack ${packId} has no objects file`);
    return file;
  }

  async #digestsOf(packId: string, file: ReadableFile, sizeBytes: number): Promise<string[]> {
    const full = this.#chunks.get(packId) ?? [];
    this.#chunks.set(packId, full);
    const count = Math.ceil(sizeBytes / CHUNK_BYTES);
    const digests = full.slice(0, count);
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, Math.max(1, sizeBytes)));
    for (let index = digests.length; index < count; index++) {
      const chunk = buffer.subarray(0, chunkBytes(sizeBytes, index));
      if ((await file.read(chunk, index * CHUNK_BYTES)) < chunk.length)
        throw new VaultError('corrupt', `pack ${packId} was cut short`);
      const digest = hash('sha256', chunk, 'hex');
      digests.push(digest);
      if (chunk.length === CHUNK_BYTES) full[index] = digest;
    }
    return digests;
  }
}

/** A pack that is gone is kept in the index without a fingerprint. */
function isCopyable({ objectCount, tableFingerprint }: IndexedPack): boolean {
  return objectCount > 0 && tableFingerprint.length > 0;
}

function revisionOf(pack: IndexedPack, tags: readonly string[]): string {
  const text = [Buffer.from(pack.tableFingerprint).toString('hex'), pack.endOffset, ...tags].join(' ');
  return hash('sha256', text, 'hex').slice(0, 32);
}

async function* blocksOf(
  file: ReadableFile,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const readAt = async (position: number): Promise<Buffer> => {
    const block = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - position));
    if ((await file.read(block, position)) < block.length)
      throw new VaultError('corrupt', 'the pack was cut short');
    return block;
  };
  let position = start;
  let reading = position < end ? readAt(position) : undefined;
  while (reading !== undefined) {
    const block = await reading;
    position += block.length;
    reading = position < end ? readAt(position) : undefined;
    // Awaited in the next round; a consumer that stops before must not leave an unhandled rejection behind.
    reading?.catch(() => undefined);
    yield block;
  }
}
