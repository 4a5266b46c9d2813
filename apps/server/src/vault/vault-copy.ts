/**
 * Copies of another vault's packs, bytes for bytes. Where they have a grant for this centre's vault their objects can be read; where
 * not, only the digests of the ciphertext are checked. Format and rules: docs/formats/vault.md, "Copies at other centres".
 *
 * Order on every copy: ciphertext that has its digest is written and synced, grants, the table, and last the manifest, which commits. A
 * crash leaves a manifest that is behind, never ahead, and the pack is looked at again. Ciphertext is kept by its digest, so
 * what a crash interrupted is not fetched twice.
 */
import { hash } from 'node:crypto';
import { checkCopies, type CopyReport } from './check-copies.ts';
import { CopyError } from './copy-error.ts';
import { Mutex } from './mutex.ts';
import { readObject } from './object-reader.ts';
import { dropPack, indexPack } from './opening.ts';
import { isPackId, openGrant, openTable } from './pack-envelope.ts';
import {
  CHUNK_BYTES,
  checkManifest,
  chunkBytes,
  formatKeptManifest,
  type KeptManifest,
  MAX_KEPT_MANIFEST_BYTES,
  type PackManifest,
  parseKeptManifest,
} from './pack-manifest.ts';
import {
  GRANT_FILE,
  grantFileOf,
  MANIFEST_FILE,
  OBJECTS_FILE,
  PACKS,
  PackShelf,
  STAGING,
} from './pack-shelf.ts';
import { PackTable } from './pack-table.ts';
import type { ReadableFile, VaultFiles, VaultIndex, WritableFile } from './ports.ts';
import type { VaultLogger } from './vault-contract.ts';
import { VaultError } from './vault-error.ts';
import type { VaultKeys } from './vault-keys.ts';
import { deriveVaultSecrets, secretsOfCopy, type VaultSecrets } from './vault-secrets.ts';

/** Where packs come from. What is not there any more is a CopyError `gone`; other errors are passed on. */
export interface PackSource {
  manifest(packId: string): Promise<PackManifest>;
  table(packId: string): Promise<Uint8Array>;
  grant(packId: string, tag: string): Promise<Uint8Array>;
  /** Ciphertext from an offset on, in pieces of any size. */
  ciphertext(packId: string, start: number): AsyncIterable<Uint8Array>;
}

export interface VaultCopyOptions {
  /** Where the copies lie, and an index of their objects; not the vault's own. */
  readonly files: VaultFiles;
  readonly index: VaultIndex;
  /** This centre's own: grants are opened with the identity, objects named under the vault key. */
  readonly keys: VaultKeys;
  /** Whether a logged disposal has ended an object. */
  readonly isDisposed: (sha256: string) => boolean;
  readonly logger: VaultLogger;
  readonly nowMs: () => number;
}

export interface CopiedPack {
  readonly packId: string;
  readonly revision: string;
  readonly sizeBytes: number;
  readonly copiedAtMs: number;
  /** Whether this centre has a grant for it. */
  readonly isReadable: boolean;
}

export class VaultCopy {
  readonly #shelf: PackShelf;
  readonly #secrets: VaultSecrets;
  readonly #index: VaultIndex;
  readonly #isDisposed: (sha256: string) => boolean;
  readonly #logger: VaultLogger;
  readonly #nowMs: () => number;
  readonly #packs = new Map<string, CopiedPack>();
  /** What puts a table in place. */
  readonly #changes = new Mutex();

  private constructor(options: VaultCopyOptions, secrets: VaultSecrets) {
    this.#secrets = secrets;
    this.#shelf = new PackShelf(options.files, secrets);
    this.#index = options.index;
    this.#isDisposed = options.isDisposed;
    this.#logger = options.logger;
    this.#nowMs = options.nowMs;
  }

  /** Brings the index up to date with the tables that can be read. @throws VaultError wrong-keys · disk-full · io */
  static async open(options: VaultCopyOptions): Promise<VaultCopy> {
    try {
      const copy = new VaultCopy(options, secretsOfCopy(await deriveVaultSecrets(options.keys)));
      await copy.#open();
      return copy;
    } catch (error) {
      options.index.close();
      throw error;
    }
  }

  /** What has been copied whole, by pack ID. */
  get packs(): ReadonlyMap<string, CopiedPack> {
    return this.#packs;
  }

  /** How many bytes of a pack are still to be fetched, at most. */
  missingBytes({ packId, sizeBytes }: Pick<PackManifest, 'packId' | 'sizeBytes'>): number {
    return Math.max(0, sizeBytes - (this.#packs.get(packId)?.sizeBytes ?? 0));
  }

  /**
   * Makes the copy of one pack what the manifest says. One call a pack at a time.
   * @throws CopyError: the copy stays as it was · VaultError disk-full · io · what the source throws
   */
  async take(manifest: PackManifest, source: PackSource): Promise<void> {
    const { packId } = manifest;
    checkManifest(manifest, packId);
    const held = this.#packs.has(packId) ? await this.#keptManifest(packId) : undefined;
    const isNew = !this.#packs.has(packId);
    const folder = isNew ? `${STAGING}/copy-${packId}` : `${PACKS}/${packId}`;
    if (held !== undefined) refuseOlder(manifest, held);
    await this.#shelf.files.makeFolder(folder);
    await this.#takeCiphertext(folder, manifest, held, source);
    const { grants, own } = await this.#takeGrants(folder, manifest, source);
    const isTableNew = held?.table !== manifest.table;
    const table = isTableNew ? await source.table(packId) : undefined;
    if (table !== undefined) requireDigest(table, manifest.table, `the table of pack ${packId}`);
    await this.#changes.run(async () => {
      if (table !== undefined) {
        await this.#judgeTable(manifest, table, own, held);
        await this.#shelf.replaceSealedTable(packId, table, folder);
      }
      await this.#removeOtherGrants(folder, grants);
      const replaced = held?.replacedTables ?? [];
      const kept: KeptManifest = {
        ...manifest,
        copiedAtMs: this.#nowMs(),
        replacedTables: held === undefined || !isTableNew ? replaced : [...replaced, held.table.slice(0, 32)],
      };
      await this.#shelf.files.replace(`${folder}/${MANIFEST_FILE}`, formatKeptManifest(kept));
      if (isNew) await this.#shelf.adopt(folder, packId);
      await this.#shelf.forget(packId);
      await this.#tell(kept, own !== undefined);
    });
  }

  /** Packs whose copying was begun and has not ended. */
  async unfinished(): Promise<string[]> {
    const names = await this.#shelf.files.list(STAGING);
    return names.flatMap((name) => /^copy-([0-9a-f]{32})$/.exec(name)?.[1] ?? []);
  }

  /** Takes a pack away. */
  async drop(packId: string): Promise<void> {
    if (!isPackId(packId)) return;
    await this.#changes.run(async () => {
      if (this.#packs.delete(packId)) await dropPack(this.#shelf, this.#index, packId);
    });
    await this.#shelf.files.remove(`${STAGING}/copy-${packId}`);
  }

  /** Whether all objects of a pack that can be read here are disposed of. False for a pack without a grant. */
  async isEnded(packId: string): Promise<boolean> {
    if (this.#packs.get(packId)?.isReadable !== true) return false;
    const { table } = await this.#shelf.load(packId);
    return [...table.rows()].every(({ digest }) => this.#isDisposed(hexOf(digest)));
  }

  /** Whether the object can be read here. @param sha256 lower-case hex */
  has(sha256: string): boolean {
    return !this.#isDisposed(sha256) && this.#index.packsOf(this.#nameOf(sha256)).length > 0;
  }

  /**
   * The whole content of an object, whose last piece is given out only after it has proved to have the digest. There are no
   * ranges: nothing but the digest proves what a table of another vault leads to.
   * @throws VaultError missing · disposed · corrupt · io
   */
  async *read(sha256: string): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#isDisposed(sha256))
      throw new VaultError('disposed', 'the object was ended by a disposal; it cannot be read any more');
    const digest = Buffer.from(sha256, 'hex');
    let failure: unknown;
    for (const packId of this.#index.packsOf(this.#nameOf(sha256))) {
      const lease = await this.#shelf.lease(packId).catch((error: unknown) => {
        failure = error;
        return undefined;
      });
      try {
        const row = lease?.table.find(digest);
        if (lease === undefined || row === undefined) continue;
        yield* readObject(lease.file, row, 0, row.sizeBytes);
        return;
      } finally {
        await lease?.release();
      }
    }
    if (failure instanceof VaultError) throw failure;
    throw new VaultError('missing', 'no copied pack that can be read here holds an object with this digest');
  }

  /** Reads every copy: ciphertext against its digests, and what can be read object by object. Never throws on bad data. */
  async check(): Promise<CopyReport> {
    return await checkCopies({
      shelf: this.#shelf,
      index: this.#index,
      isDisposed: this.#isDisposed,
      exclusively: (job) => this.#changes.run(job),
      keptManifest: (packId) => this.#keptManifest(packId),
    });
  }

  async close(): Promise<void> {
    await this.#changes.run(async () => {
      await this.#shelf.close();
      this.#index.close();
    });
  }

  // ─── Opening ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #open(): Promise<void> {
    const { files } = this.#shelf;
    for (const folder of [PACKS, STAGING]) await files.makeFolder(folder);
    for (const name of await files.list(STAGING)) {
      if (name.startsWith('dropped-')) await files.remove(`${STAGING}/${name}`);
    }
    for (const packId of (await this.#shelf.list()).filter(isPackId)) {
      const names = await files.list(`${PACKS}/${packId}`);
      const kept = await this.#keptManifest(packId);
      const isReadable = names.includes(this.#shelf.grantFile);
      // Without a manifest nothing is known of it but that it is there: it is compared with the source, chunk by chunk.
      const { revision = '', sizeBytes = 0, copiedAtMs = 0 } = kept ?? {};
      this.#packs.set(packId, { packId, revision, sizeBytes, copiedAtMs, isReadable });
      if (isReadable) await this.#indexUnlessCurrent(packId);
    }
    for (const { packId } of this.#index.packs()) {
      if (this.#packs.get(packId)?.isReadable !== true) this.#index.removePack(packId);
    }
  }

  async #indexUnlessCurrent(packId: string): Promise<void> {
    try {
      const fingerprint = await this.#shelf.fingerprint(packId);
      const indexed = this.#index.pack(packId)?.tableFingerprint;
      if (fingerprint === undefined || indexed === undefined || Buffer.compare(fingerprint, indexed) !== 0)
        await indexPack(this.#shelf, this.#index, packId);
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'corrupt') throw error;
      this.#logger.error(
        { pack: packId, err: error },
        'a copied pack cannot be read, although it has a grant',
      );
    }
  }

  async #keptManifest(packId: string): Promise<KeptManifest | undefined> {
    const bytes = await this.#shelf.files.read(
      `${PACKS}/${packId}/${MANIFEST_FILE}`,
      MAX_KEPT_MANIFEST_BYTES,
    );
    return bytes === undefined ? undefined : parseKeptManifest(bytes, packId);
  }

  // ─── Taking ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes what is not held yet of a pack's ciphertext, each chunk once it has its digest; all of it is durable in the end. */
  async #takeCiphertext(
    folder: string,
    manifest: PackManifest,
    held: KeptManifest | undefined,
    source: PackSource,
  ): Promise<void> {
    const { packId, sizeBytes, chunks } = manifest;
    const path = `${folder}/${OBJECTS_FILE}`;
    const reader = await this.#shelf.files.openForReading(path);
    let index = fullChunksHeld(held, sizeBytes);
    try {
      if (reader !== undefined) index = await firstUnlike(reader, manifest, index);
    } finally {
      await reader?.close();
    }
    const file = await this.#shelf.files.openForWriting(path);
    try {
      if (index < chunks.length) {
        const pieces = source.ciphertext(packId, index * CHUNK_BYTES);
        for await (const chunk of chunksOf(pieces, sizeBytes, index)) {
          requireDigest(chunk, chunks[index] ?? '', `chunk ${index} of pack ${packId}`);
          if (held !== undefined) requireSameBeginning(chunk, held, index);
          await file.write(chunk, index * CHUNK_BYTES);
          index += 1;
        }
      }
      await endAt(file, sizeBytes);
      await file.sync();
    } finally {
      await file.close();
    }
    if (index < chunks.length)
      throw new CopyError('altered', `pack ${packId} ended after ${index} of ${chunks.length} chunks`);
  }

  async #takeGrants(
    folder: string,
    manifest: PackManifest,
    source: PackSource,
  ): Promise<{ readonly grants: ReadonlySet<string>; readonly own: Uint8Array | undefined }> {
    const { files } = this.#shelf;
    const grants = new Set<string>();
    let own: Uint8Array | undefined;
    for (const { tag, sha256 } of manifest.grants) {
      const path = `${folder}/${grantFileOf(tag)}`;
      grants.add(grantFileOf(tag));
      let grant = await files.read(path, 65_536);
      if (grant === undefined || hash('sha256', grant, 'hex') !== sha256) {
        grant = await source.grant(manifest.packId, tag);
        requireDigest(grant, sha256, `the grant of pack ${manifest.packId} for ${tag}`);
        await files.replace(path, grant);
      }
      if (tag === this.#secrets.recipientTag) own = grant;
    }
    return { grants, own };
  }

  async #removeOtherGrants(folder: string, grants: ReadonlySet<string>): Promise<void> {
    for (const name of await this.#shelf.files.list(folder)) {
      if (GRANT_FILE.test(name) && !grants.has(name)) await this.#shelf.files.remove(`${folder}/${name}`);
    }
  }

  /** With a grant: a table that is sound, keeps every object but those disposed of, and brings none of those back. */
  async #judgeTable(
    manifest: PackManifest,
    sealed: Uint8Array,
    grant: Uint8Array | undefined,
    held: KeptManifest | undefined,
  ): Promise<void> {
    if (grant === undefined) return;
    const { packId } = manifest;
    const identity = await openGrant(grant, packId, this.#secrets.identity);
    const table = await openTable(sealed, identity, this.#secrets);
    if (table.endOffset > manifest.sizeBytes)
      throw new CopyError('altered', `the table of pack ${packId} reaches past its ciphertext`);
    for (const { digest } of table.rows()) {
      if (!this.#isDisposed(hexOf(digest))) continue;
      throw new CopyError(
        'old-table',
        `the table of pack ${packId} has an object that a logged disposal has ended; a newer one is waited for`,
      );
    }
    const before = held === undefined ? PackTable.empty : await this.#tableBefore(packId);
    let lost = 0;
    for (const { digest } of before.rows()) {
      if (table.find(digest) === undefined && !this.#isDisposed(hexOf(digest))) lost += 1;
    }
    if (lost === 0) return;
    throw new CopyError(
      'lost-objects',
      `the newer table of pack ${packId} lacks ${lost} objects that no disposal in the log read here has ended; the older is kept`,
    );
  }

  async #tableBefore(packId: string): Promise<PackTable> {
    try {
      return (await this.#shelf.load(packId)).table;
    } catch (error) {
      // Granted only now, or damaged: then the newer is better.
      if (error instanceof VaultError && error.code === 'corrupt') return PackTable.empty;
      throw error;
    }
  }

  async #tell(kept: KeptManifest, isReadable: boolean): Promise<void> {
    const { packId, revision, sizeBytes, copiedAtMs } = kept;
    this.#packs.set(packId, { packId, revision, sizeBytes, copiedAtMs, isReadable });
    if (isReadable) await indexPack(this.#shelf, this.#index, packId);
    else this.#index.removePack(packId);
  }

  #nameOf(sha256: string): Buffer {
    return this.#secrets.nameOf(Buffer.from(sha256, 'hex'));
  }
}

/** Refuses what the log of this pack's own past rules out. @throws CopyError old-table · diverged */
function refuseOlder(manifest: PackManifest, held: KeptManifest): void {
  const { packId } = manifest;
  if (manifest.table !== held.table && held.replacedTables.includes(manifest.table.slice(0, 32))) {
    throw new CopyError(
      'old-table',
      `the table offered for pack ${packId} is one that a newer has replaced here: was the other centre restored from a backup?`,
    );
  }
  if (manifest.sizeBytes < held.sizeBytes) {
    throw new CopyError(
      'old-table',
      `pack ${packId} is offered with ${manifest.sizeBytes} bytes, ${held.sizeBytes} are held: was the other centre restored from a backup?`,
    );
  }
  const changed = held.chunks.findIndex(
    (digest, index) => chunkBytes(held.sizeBytes, index) === CHUNK_BYTES && digest !== manifest.chunks[index],
  );
  if (changed >= 0) throw diverged(packId, changed);
}

/** How many chunks that this centre has verified before need not be read again. */
function fullChunksHeld(held: KeptManifest | undefined, sizeBytes: number): number {
  if (held === undefined) return 0;
  return held.sizeBytes === sizeBytes ? held.chunks.length : Math.floor(held.sizeBytes / CHUNK_BYTES);
}

/** The first chunk, from `index` on, that the file does not hold as the manifest says. */
async function firstUnlike(file: ReadableFile, manifest: PackManifest, index: number): Promise<number> {
  const { sizeBytes, chunks } = manifest;
  const onDisk = await file.sizeBytes();
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let at = index;
  for (; at < chunks.length; at++) {
    const chunk = buffer.subarray(0, chunkBytes(sizeBytes, at));
    if (at * CHUNK_BYTES + chunk.length > onDisk) break;
    await file.read(chunk, at * CHUNK_BYTES);
    if (hash('sha256', chunk, 'hex') !== chunks[at]) break;
  }
  // What was taken over as held may have been lost since.
  return onDisk < Math.min(at * CHUNK_BYTES, sizeBytes) ? Math.floor(onDisk / CHUNK_BYTES) : at;
}

/** Joins pieces to chunks, from chunk `first` on. A source that ends early ends the last chunk early; more than announced is `altered`. */
async function* chunksOf(
  pieces: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  first: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let index = first;
  let chunk = Buffer.allocUnsafeSlow(chunkBytes(sizeBytes, index));
  let filled = 0;
  for await (const piece of pieces) {
    for (let taken = 0; taken < piece.length; ) {
      if (chunk.length === 0) throw new CopyError('altered', 'more ciphertext arrived than was announced');
      const part = piece.subarray(taken, taken + chunk.length - filled);
      chunk.set(part, filled);
      filled += part.length;
      taken += part.length;
      if (filled < chunk.length) continue;
      yield chunk;
      index += 1;
      chunk = Buffer.allocUnsafeSlow(Math.max(0, chunkBytes(sizeBytes, index)));
      filled = 0;
    }
  }
}

/** The chunk that was the last, and shorter, when it was copied before, still begins as it did. @throws CopyError diverged */
function requireSameBeginning(chunk: Uint8Array, held: KeptManifest, index: number): void {
  const before = held.chunks[index];
  if (before === undefined) return;
  const beginning = chunk.subarray(0, chunkBytes(held.sizeBytes, index));
  if (hash('sha256', beginning, 'hex') !== before) throw diverged(held.packId, index);
}

function diverged(packId: string, chunk: number): CopyError {
  return new CopyError(
    'diverged',
    `pack ${packId} is offered with other ciphertext than was copied before (chunk ${chunk}); the copy is kept: was the other centre restored from a backup?`,
  );
}

async function endAt(file: WritableFile, sizeBytes: number): Promise<void> {
  if ((await file.sizeBytes()) > sizeBytes) await file.truncate(sizeBytes);
}

/** @throws CopyError altered */
function requireDigest(bytes: Uint8Array, sha256: string, what: string): void {
  if (hash('sha256', bytes, 'hex') === sha256) return;
  throw new CopyError(
    'altered',
    `${what} does not have the SHA-256 announced for it: it was altered on its way, or replaced meanwhile`,
  );
}

function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}
