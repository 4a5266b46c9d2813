/**
 * The vault itself: decides where an object goes (a shared pack, or for a large one a pack of its own), keeps what is pending apart
 * from what is durable, and serialises what changes packs.
 *
 * Order on every write: ciphertext synced, table in place, index told. The index never knows more than the tables; what a
 * crash leaves between the two, `openVault` makes up.
 */
import { createHash, hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { piecesOf } from './byte-source.ts';
import { checkPacks } from './check.ts';
import { Mutex } from './mutex.ts';
import { readObject } from './object-reader.ts';
import { OpenPack } from './open-pack.ts';
import { isPackId } from './pack-envelope.ts';
import { PackExport } from './pack-export.ts';
import { checkFormat, clearStaging, dropPack, indexPack, reconcileIndex, uploadName } from './opening.ts';
import { DISPOSED, PACKS, type PackLease, PackShelf, STAGING } from './pack-shelf.ts';
import type { ObjectRow } from './pack-table.ts';
import type { IndexedPack, VaultIndex } from './ports.ts';
import { checkRecipient, readRecipients, writeRecipients } from './recipients.ts';
import { type FinishedObject, StagedObject } from './staged-object.ts';
import { Uploads } from './uploads.ts';
import type {
  ByteRange,
  ByteSource,
  CheckProgress,
  CheckReport,
  Claim,
  ObjectContent,
  ObjectStatus,
  PutResult,
  UploadOptions,
  UploadState,
  Vault,
  VaultLogger,
  VaultMetrics,
  VaultOptions,
} from './vault-contract.ts';
import { VaultError } from './vault-error.ts';
import { deriveVaultSecrets, type VaultSecrets } from './vault-secrets.ts';

/** Larger objects are streamed into a pack of their own; up to here an object is held in memory. */
const LARGE_OBJECT_BYTES = 8 * 1024 * 1024;
const SHA256_HEX = /^[0-9a-f]{64}$/;
const SILENT: VaultLogger = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface Limits {
  readonly packBytes: number;
  readonly packObjects: number;
}

interface Parts {
  readonly shelf: PackShelf;
  readonly index: VaultIndex;
  readonly logger: VaultLogger;
  readonly limits: Limits;
  readonly disposed: Set<string>;
}

interface Counters {
  putObjects: number;
  putBytes: number;
  duplicateObjects: number;
  flushes: number;
  failedFlushes: number;
  readObjects: number;
  readBytes: number;
  corruptReads: number;
}

/** An object as it is asked for. */
interface Address {
  readonly sha256: string;
  readonly digest: Buffer;
  readonly name: Buffer;
  /** Hex: how an object is called on disk and in log lines. */
  readonly nameHex: string;
}

export class EncryptedVault implements Vault {
  readonly packs: PackExport;
  readonly #shelf: PackShelf;
  readonly #secrets: VaultSecrets;
  readonly #index: VaultIndex;
  readonly #logger: VaultLogger;
  readonly #limits: Limits;
  readonly #disposed: Set<string>;
  readonly #uploads: Uploads;
  /** What puts a table in place: commits, disposals, adopted packs. */
  readonly #changes = new Mutex();
  /** The pack that small objects go to. */
  #current: OpenPack | undefined;
  #opening: Promise<void> | undefined;
  /** Settles, without failing, when the current pack's commit is over; set while nothing may be added to it. */
  #committing: Promise<void> | undefined;
  /** The full pack before the current one, while it is committed in the background. */
  #sealing: { readonly pack: OpenPack; readonly done: Promise<void> } | undefined;
  /** Packs whose table may be newer than the index. */
  readonly #unindexed = new Set<string>();
  #losses = 0;
  #lastLoss: unknown;
  /** No flush has told its caller yet. */
  #isLossUntold = false;
  #isClosed = false;
  readonly #counters: Counters = {
    putObjects: 0,
    putBytes: 0,
    duplicateObjects: 0,
    flushes: 0,
    failedFlushes: 0,
    readObjects: 0,
    readBytes: 0,
    corruptReads: 0,
  };

  private constructor(
    parts: Parts,
    uploadsOf: (commit: (finished: FinishedObject) => Promise<void>) => Uploads,
  ) {
    this.#shelf = parts.shelf;
    this.#secrets = parts.shelf.secrets;
    this.#index = parts.index;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#disposed = parts.disposed;
    this.packs = new PackExport(parts.shelf, parts.index, (job) => this.#changes.run(job));
    this.#uploads = uploadsOf(async (finished) => {
      await this.#adopt(finished);
    });
  }

  /** See `openVault`. */
  static async open(options: VaultOptions): Promise<EncryptedVault> {
    const { files, index, logger = SILENT, now = Date.now } = options;
    try {
      const shelf = new PackShelf(files, await deriveVaultSecrets(options.keys));
      for (const folder of [PACKS, STAGING, DISPOSED]) await files.makeFolder(folder);
      await checkFormat(shelf);
      shelf.recipients = await readRecipients(files);
      await reconcileIndex(shelf, index, logger);
      const disposed = new Set((await files.list(DISPOSED)).filter((name) => SHA256_HEX.test(name)));
      const maxAgeMs = options.uploadMaxAgeMs ?? 7 * 24 * 3_600_000;
      const found = await clearStaging(
        shelf,
        // Also of an object that is stored: an upload that cannot go on after a restart would tell that it is.
        (object, touchedAtMs) => !disposed.has(object) && touchedAtMs >= now() - maxAgeMs,
      );
      const limits = {
        packBytes: options.packBytes ?? 64 * 1024 * 1024,
        packObjects: options.packObjects ?? 8192,
      };
      const vault = new EncryptedVault(
        { shelf, index, logger, limits, disposed },
        (commit) =>
          new Uploads({ shelf, found, maxAgeMs, maxUploads: options.maxUploads ?? 256, now, commit }),
      );
      await vault.#completeDisposals();
      return vault;
    } catch (error) {
      index.close();
      throw error;
    }
  }

  async status(sha256: string): Promise<ObjectStatus> {
    const address = this.#address(sha256);
    if (this.#disposed.has(address.nameHex)) return { state: 'disposed' };
    if (!this.#isDurable(address)) return { state: 'missing' };
    const { lease, row } = await this.#locate(address);
    await lease.release();
    return { state: 'stored', sizeBytes: row.sizeBytes };
  }

  has(sha256: string): Promise<boolean> {
    const address = this.#address(sha256);
    return Promise.resolve(!this.#disposed.has(address.nameHex) && this.#isDurable(address));
  }

  async missing(digests: Iterable<string>): Promise<string[]> {
    const missing: string[] = [];
    let looked = 0;
    for (const sha256 of new Set(digests)) {
      if (!(await this.has(sha256))) missing.push(sha256);
      // Look-ups are synchronous: 100,000 of them must not keep other requests waiting.
      if (++looked % 2048 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return missing;
  }

  async putMany(
    objects:
      | AsyncIterable<{ readonly bytes: Uint8Array } & Claim>
      | Iterable<{ readonly bytes: Uint8Array } & Claim>,
    onPut?: (result: PutResult) => void,
  ): Promise<{ readonly objects: number; readonly newObjects: number; readonly sizeBytes: number }> {
    const sum = { objects: 0, newObjects: 0, sizeBytes: 0 };
    for await (const { bytes, sha256, sizeBytes } of objects) {
      const claim = {
        ...(sha256 === undefined ? {} : { sha256 }),
        ...(sizeBytes === undefined ? {} : { sizeBytes }),
      };
      const result =
        bytes.length > LARGE_OBJECT_BYTES ? await this.put(bytes, claim) : await this.#putSmall(bytes, claim);
      sum.objects += 1;
      sum.newObjects += result.isNew ? 1 : 0;
      sum.sizeBytes += result.sizeBytes;
      onPut?.(result);
    }
    return sum;
  }

  async put(source: ByteSource, claim: Claim = {}): Promise<PutResult> {
    this.#assertOpen();
    const known = claim.sha256 === undefined ? undefined : this.#address(claim.sha256);
    if (known !== undefined) this.#assertNotDisposed(known);
    const head: Uint8Array[] = [];
    let headBytes = 0;
    let large: LargePut | undefined;
    try {
      for await (const piece of piecesOf(source)) {
        if (large === undefined && headBytes + piece.length <= LARGE_OBJECT_BYTES) {
          // The source may use its buffer again.
          head.push(source instanceof Uint8Array ? piece : new Uint8Array(piece));
          headBytes += piece.length;
          continue;
        }
        if (large === undefined) {
          large = await this.#beginLarge(claim);
          for (const part of head.splice(0)) await large.write(part);
        }
        await large.write(piece);
      }
      if (large === undefined) return await this.#putSmall(joined(head), claim);
      return await large.finish();
    } catch (error) {
      await large?.discard();
      throw error;
    }
  }

  async store(source: ByteSource, claim?: Claim): Promise<PutResult> {
    const result = await this.put(source, claim);
    await this.#commitPending();
    if (await this.has(result.sha256)) return result;
    this.#assertNotDisposed(this.#address(result.sha256));
    throw lossError(this.#lastLoss);
  }

  async flush(): Promise<void> {
    this.#assertOpen();
    const lossesBefore = this.#losses;
    await this.#commitPending();
    this.#counters.flushes += 1;
    if (!this.#isLossUntold && this.#losses === lossesBefore) return;
    this.#counters.failedFlushes += 1;
    this.#isLossUntold = false;
    throw lossError(this.#lastLoss);
  }

  async openUpload(
    sha256: string,
    sizeBytes: number,
    { mustArrive = false, purpose }: UploadOptions & { readonly mustArrive?: boolean } = {},
  ): Promise<UploadState> {
    this.#assertOpen();
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
      throw new RangeError(`no object has ${sizeBytes} bytes`);
    const status = await this.status(sha256);
    const address = this.#address(sha256);
    this.#assertNotDisposed(address);
    if (status.state === 'stored' && !mustArrive) {
      if (status.sizeBytes === sizeBytes) return { offsetBytes: sizeBytes, isComplete: true };
      throw new VaultError(
        'size-mismatch',
        `the object is stored, with ${status.sizeBytes} bytes, not ${sizeBytes}`,
      );
    }
    return await this.#uploads.open(this.#uploadOf(address, purpose), { sha256, sizeBytes });
  }

  async append(
    sha256: string,
    offsetBytes: number,
    source: ByteSource,
    { purpose }: UploadOptions = {},
  ): Promise<UploadState> {
    this.#assertOpen();
    const address = this.#address(sha256);
    this.#assertNotDisposed(address);
    return await this.#uploads.append(this.#uploadOf(address, purpose), offsetBytes, source);
  }

  async abortUpload(sha256: string): Promise<void> {
    this.#assertOpen();
    await this.#uploads.abort(this.#address(sha256).nameHex);
  }

  async get(sha256: string, range?: ByteRange): Promise<ObjectContent> {
    const address = this.#address(sha256);
    const { lease, row } = await this.#locate(address);
    try {
      const { start, end } = resolveRange(range, row.sizeBytes);
      const blocks = this.#read(address, lease, row, start, end);
      const stream = Readable.from(blocks, { objectMode: false, highWaterMark: 1 << 20 });
      // A generator that was never started does not run its `finally` when the stream is destroyed.
      stream.once('close', () => void lease.release());
      return { sizeBytes: row.sizeBytes, stream };
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  async getBytes(
    sha256: string,
    options: { readonly maxBytes: number; readonly range?: ByteRange },
  ): Promise<Uint8Array> {
    const address = this.#address(sha256);
    const { lease, row } = await this.#locate(address);
    try {
      const { start, end } = resolveRange(options.range, row.sizeBytes);
      if (end - start > options.maxBytes) {
        throw new VaultError(
          'too-large',
          `${end - start} bytes were asked for, ${options.maxBytes} are allowed`,
        );
      }
      const blocks: Uint8Array[] = [];
      for await (const block of this.#read(address, lease, row, start, end)) blocks.push(block);
      return joined(blocks);
    } finally {
      await lease.release();
    }
  }

  async dispose(sha256: string): Promise<void> {
    this.#assertOpen();
    const address = this.#address(sha256);
    if (!this.#disposed.has(address.nameHex)) {
      // Written first: from here on the object is disposed, and openVault completes what a crash leaves undone.
      await this.#shelf.files.replace(`${DISPOSED}/${address.nameHex}`, new Uint8Array());
      this.#disposed.add(address.nameHex);
    }
    try {
      await this.#uploads.abort(address.nameHex);
    } catch (error) {
      // An append is under way: it will find the object disposed.
      if (!(error instanceof VaultError) || error.code !== 'upload-busy') throw error;
    }
    // It may be pending, alone or behind a full pack.
    if (this.#current?.isPending(sha256) === true || this.#sealing?.pack.isPending(sha256) === true) {
      await this.#commitPending();
    }
    await this.#changes.run(() => this.#dropRows(address));
    this.#logger.info({ object: address.nameHex }, 'object of the vault disposed');
  }

  isDisposed(sha256: string): boolean {
    return this.#disposed.has(this.#address(sha256).nameHex);
  }

  async grant(recipient: string, packIds: 'all' | readonly string[]): Promise<number> {
    this.#assertOpen();
    checkRecipient(recipient);
    if (packIds !== 'all') return await this.#grantPacks(recipient, packIds);
    const { files, recipients } = this.#shelf;
    if (!recipients.includes(recipient)) {
      // First, so that no pack is begun without it from here on.
      await writeRecipients(files, [...recipients, recipient]);
      this.#shelf.recipients = [...recipients, recipient];
    }
    for (const folder of await files.list(STAGING)) {
      try {
        await this.#shelf.grant(folder.slice(-32), recipient, `${STAGING}/${folder}`);
      } catch (error) {
        // It has become a pack meanwhile, or was given up.
        if ((await files.list(STAGING)).includes(folder)) throw error;
      }
    }
    return await this.#grantPacks(recipient, (await this.#shelf.list()).filter(isPackId));
  }

  async endGrants(recipient: string): Promise<number> {
    this.#assertOpen();
    checkRecipient(recipient);
    const { files, recipients } = this.#shelf;
    const others = recipients.filter((other) => other !== recipient);
    if (others.length < recipients.length) await writeRecipients(files, others);
    this.#shelf.recipients = others;
    let ended = 0;
    for (const packId of (await this.#shelf.list()).filter(isPackId)) {
      if (await this.#shelf.endGrant(packId, recipient)) ended += 1;
      this.packs.forget(packId);
    }
    return ended;
  }

  async #grantPacks(recipient: string, packIds: readonly string[]): Promise<number> {
    let granted = 0;
    for (const packId of packIds) {
      await this.#changes.run(async () => {
        if (!isPackId(packId) || this.#index.pack(packId) === undefined)
          throw new VaultError('missing', `the vault has no pack ${packId}`);
        if (await this.#shelf.grant(packId, recipient)) granted += 1;
        this.packs.forget(packId);
      });
    }
    return granted;
  }

  async check(
    options: { readonly onProgress?: (progress: CheckProgress) => void; readonly signal?: AbortSignal } = {},
  ): Promise<CheckReport> {
    this.#assertOpen();
    return await checkPacks({
      shelf: this.#shelf,
      index: this.#index,
      isDisposed: (digest) => this.#disposed.has(this.#secrets.nameOf(digest).toString('hex')),
      undisposed: 'restart',
      isGrowing: (packId) => this.#current?.packId === packId || this.#sealing?.pack.packId === packId,
      exclusively: (job) => this.#changes.run(job),
      ...options,
    });
  }

  metrics(): VaultMetrics {
    const sum = { packs: 0, objects: 0, packBytes: 0 };
    for (const pack of this.#index.packs()) {
      sum.packs += 1;
      sum.objects += pack.objectCount;
      sum.packBytes += pack.endOffset;
    }
    return {
      ...sum,
      disposedObjects: this.#disposed.size,
      uploadsOpen: this.#uploads.count,
      ...this.#counters,
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.flush();
    } finally {
      this.#isClosed = true;
      await this.#changes.run(async () => {
        await this.#current?.close();
        await this.#uploads.close();
        await this.#shelf.close();
        this.#index.close();
      });
    }
  }

  // ─── Looking up ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #address(sha256: string): Address {
    this.#assertOpen();
    if (!SHA256_HEX.test(sha256)) throw new TypeError('a digest must be 64 lower-case hex digits');
    const digest = Buffer.from(sha256, 'hex');
    const name = this.#secrets.nameOf(digest);
    return { sha256, digest, name, nameHex: name.toString('hex') };
  }

  /** The purpose is told on disk as an HMAC, as the object is. */
  #uploadOf({ nameHex }: Address, purpose = ''): string {
    return uploadName(
      nameHex,
      this.#secrets.nameOf(hash('sha256', purpose, 'buffer')).toString('hex', 0, 16),
    );
  }

  #isDurable(address: Address): boolean {
    return this.#index.packsOf(address.name).length > 0;
  }

  async #locate(address: Address): Promise<{ readonly lease: PackLease; readonly row: ObjectRow }> {
    this.#assertNotDisposed(address);
    const packs = this.#index.packsOf(address.name);
    if (packs.length === 0) {
      throw new VaultError('missing', 'no object with this digest is stored in the vault');
    }
    let failure: unknown;
    for (const packId of packs) {
      try {
        const lease = await this.#shelf.lease(packId);
        const row = lease.table.find(address.digest);
        if (row !== undefined) return { lease, row };
        await lease.release();
      } catch (error) {
        failure = error;
      }
    }
    // It may have been disposed while the pack was opened.
    this.#assertNotDisposed(address);
    this.#reportDamage(address, failure);
    if (failure instanceof VaultError) throw failure;
    throw new VaultError('corrupt', 'the index knows the object, the table of its pack does not', {
      cause: failure,
    });
  }

  async *#read(
    address: Address,
    lease: PackLease,
    row: ObjectRow,
    start: number,
    end: number,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const block of readObject(lease.file, row, start, end)) {
        this.#counters.readBytes += block.length;
        yield block;
      }
      this.#counters.readObjects += 1;
    } catch (error) {
      this.#reportDamage(address, error);
      throw error;
    } finally {
      await lease.release();
    }
  }

  #reportDamage(address: Address, error: unknown): void {
    this.#counters.corruptReads += 1;
    this.#logger.error({ object: address.nameHex, err: error }, 'an object of the vault cannot be read');
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new VaultError('closed', 'the vault is closed');
  }

  #assertNotDisposed(address: Address): void {
    if (this.#disposed.has(address.nameHex)) {
      throw new VaultError(
        'disposed',
        'the object was ended by a disposal; it can be neither read nor stored again',
      );
    }
  }

  // ─── Small objects: a shared pack ──────────────────────────────────────────────────────────────────────────────────────

  async #putSmall(content: Uint8Array, claim: Claim): Promise<PutResult> {
    if (claim.sizeBytes !== undefined && claim.sizeBytes !== content.length) {
      throw new VaultError(
        'size-mismatch',
        `${claim.sizeBytes} bytes were announced, ${content.length} arrived`,
      );
    }
    const sha256 = hash('sha256', content, 'hex');
    if (claim.sha256 !== undefined && claim.sha256 !== sha256) {
      throw new VaultError(
        'digest-mismatch',
        'the bytes do not have the SHA-256 that was claimed; nothing was stored',
      );
    }
    const address = this.#address(sha256);
    let pack = this.#packOrObstacle();
    while (!(pack instanceof OpenPack)) {
      await pack;
      this.#assertOpen();
      pack = this.#packOrObstacle();
    }
    // Nothing is awaited from the last look to the append, so no object is stored twice.
    this.#assertNotDisposed(address);
    const isNew =
      !pack.isPending(sha256) && this.#sealing?.pack.isPending(sha256) !== true && !this.#isDurable(address);
    if (isNew) {
      pack.add(sha256, content);
      this.#counters.putObjects += 1;
      this.#counters.putBytes += content.length;
    } else {
      this.#counters.duplicateObjects += 1;
    }
    return { sha256, sizeBytes: content.length, isNew };
  }

  /** The pack that takes the next object at once, or what must be over before. */
  #packOrObstacle(): OpenPack | Promise<void> {
    if (this.#committing !== undefined) return this.#committing;
    if (this.#unindexed.size > 0) return this.#changes.run(() => this.#indexUnindexed());
    const pack = this.#current;
    if (pack === undefined) return (this.#opening ??= this.#openCurrent());
    if (pack.sizeBytes >= this.#limits.packBytes || pack.objectCount >= this.#limits.packObjects) {
      if (this.#sealing !== undefined) return this.#sealing.done;
      this.#current = undefined;
      const done = this.#commit(pack).finally(() => {
        this.#sealing = undefined;
      });
      this.#sealing = { pack, done };
      return (this.#opening ??= this.#openCurrent());
    }
    const pressure = pack.pressure();
    return pressure === undefined ? pack : this.#underPressure(pack, pressure);
  }

  async #underPressure(pack: OpenPack, pressure: Promise<void>): Promise<void> {
    try {
      await pressure;
    } catch (error) {
      await this.#lose(pack, error);
      throw error;
    }
  }

  async #openCurrent(): Promise<void> {
    try {
      // While a full pack is being committed there is more to come: begin a new one at once, beside the commit.
      if (this.#sealing === undefined) await this.#changes.run(() => this.#resumePack());
      this.#current ??= await OpenPack.create(this.#shelf);
    } finally {
      this.#opening = undefined;
    }
  }

  /**
   * Goes on with the fullest pack that has room, so that frequent flushes do not leave many small packs. The caller holds
   * `#changes`: a disposal must not replace the table meanwhile.
   */
  async #resumePack(): Promise<void> {
    const roomy = this.#index
      .packs()
      .filter(
        (pack) =>
          pack.objectCount > 0 &&
          // A large object stays alone: its disposal then gives the space back.
          (pack.objectCount > 1 || pack.endOffset <= LARGE_OBJECT_BYTES) &&
          pack.tableFingerprint.length > 0 &&
          pack.endOffset < this.#limits.packBytes &&
          pack.objectCount < this.#limits.packObjects,
      )
      .sort((a, b) => b.endOffset - a.endOffset);
    const [fullest] = roomy;
    if (fullest === undefined) return;
    try {
      this.#current = await OpenPack.resume(this.#shelf, fullest);
    } catch (error) {
      if (!(error instanceof VaultError) || error.code !== 'corrupt') throw error;
      this.#logger.error(
        { pack: fullest.packId, err: error },
        'a pack of the vault is damaged; a new one is begun',
      );
    }
  }

  /** Commits all that is pending now. What cannot be committed is lost, and no longer pending. */
  async #commitPending(): Promise<void> {
    await this.#sealing?.done;
    while (this.#committing !== undefined) await this.#committing;
    const pack = this.#current;
    if (pack !== undefined && pack.pendingCount > 0) {
      this.#committing = this.#commit(pack).finally(() => {
        this.#committing = undefined;
      });
      await this.#committing;
    }
    await this.#sealing?.done;
  }

  /** Commits a pack; never rejects: a failure is a loss, which the flushes tell. */
  async #commit(pack: OpenPack): Promise<void> {
    await this.#changes.run(async () => {
      try {
        if (pack.pendingCount > 0) await this.#commitRows(pack);
        if (pack !== this.#current) await pack.close();
      } catch (error) {
        await this.#lose(pack, error);
      }
    });
  }

  async #commitRows(pack: OpenPack): Promise<void> {
    const { rows, tableFingerprint } = await pack.commit();
    this.#unindexed.add(pack.packId);
    this.#index.extendPack(
      {
        packId: pack.packId,
        tableFingerprint,
        objectCount: pack.table.rowCount,
        endOffset: pack.table.endOffset,
      },
      rows.map((row) => this.#secrets.nameOf(row.digest)),
    );
    this.#unindexed.delete(pack.packId);
  }

  async #lose(pack: OpenPack, error: unknown): Promise<void> {
    if (this.#current === pack) this.#current = undefined;
    this.#losses += 1;
    this.#lastLoss = error;
    this.#isLossUntold = true;
    this.#logger.error({ pack: pack.packId, err: error }, 'a pack of the vault could not be written');
    const { tableMayBeNew } = await pack.abandon();
    if (tableMayBeNew) this.#unindexed.add(pack.packId);
  }

  async #indexUnindexed(): Promise<void> {
    for (const packId of [...this.#unindexed]) {
      if ((await this.#shelf.fingerprint(packId)) === undefined) this.#index.removePack(packId);
      else await indexPack(this.#shelf, this.#index, packId);
      this.#unindexed.delete(packId);
    }
  }

  // ─── Large objects: a pack of their own ────────────────────────────────────────────────────────────────────────────────

  async #beginLarge(claim: Claim): Promise<LargePut> {
    if (claim.sha256 !== undefined && this.#isDurable(this.#address(claim.sha256)))
      return new LargeDuplicate(claim);
    const staged = await StagedObject.begin(this.#shelf, (packId) => `${STAGING}/put-${packId}`, claim);
    return {
      write: (bytes) => staged.write(bytes),
      discard: () => staged.discard(),
      finish: async () => {
        const finished = await staged.finish();
        const { digest, sizeBytes } = finished.row;
        const isNew = await this.#adopt(finished);
        return { sha256: Buffer.from(digest).toString('hex'), sizeBytes, isNew };
      },
    };
  }

  /** Makes a finished large object visible, durably; returns false when the vault has it already. */
  async #adopt(finished: FinishedObject): Promise<boolean> {
    const { pack, folder, row, endOffset } = finished;
    const sha256 = Buffer.from(row.digest).toString('hex');
    const address = this.#address(sha256);
    // Only an upload can be small enough to be pending here as well.
    if (this.#current?.isPending(sha256) === true || this.#sealing?.pack.isPending(sha256) === true) {
      await this.#commitPending();
    }
    return await this.#changes.run(async () => {
      this.#assertNotDisposed(address);
      await this.#indexUnindexed();
      if (this.#isDurable(address)) {
        await this.#shelf.files.remove(folder);
        this.#counters.duplicateObjects += 1;
        return false;
      }
      this.#unindexed.add(pack.packId);
      await this.#shelf.adopt(folder, pack.packId);
      await this.#indexUnindexed();
      this.#counters.putObjects += 1;
      this.#counters.putBytes += row.sizeBytes;
      this.#logger.info(
        { pack: pack.packId, packBytes: endOffset },
        'large object stored in a pack of its own',
      );
      return true;
    });
  }

  // ─── Disposal ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #completeDisposals(): Promise<void> {
    for (const nameHex of this.#disposed) {
      const name = Buffer.from(nameHex, 'hex');
      for (const packId of this.#index.packsOf(name)) {
        try {
          const { table } = await this.#shelf.load(packId);
          for (const { digest } of table.rows()) {
            if (!this.#secrets.nameOf(digest).equals(name)) continue;
            await this.#dropRows({
              sha256: Buffer.from(digest).toString('hex'),
              digest: Buffer.from(digest),
              name,
              nameHex,
            });
          }
        } catch (error) {
          // Disposed it is all the same; a full disk leaves the completing to a later start.
          if (!(error instanceof VaultError) || (error.code !== 'corrupt' && error.code !== 'disk-full'))
            throw error;
          this.#logger.error({ pack: packId, err: error }, 'a disposal cannot be completed');
        }
      }
    }
  }

  #forgetName(
    packId: string,
    name: Buffer,
    changed: Pick<IndexedPack, 'tableFingerprint' | 'objectCount'>,
  ): void {
    const indexed = this.#index.pack(packId);
    if (indexed === undefined) return;
    const others = this.#index.namesOf(packId).filter((other) => !name.equals(other));
    this.#index.replacePack({ ...indexed, ...changed }, others);
  }

  /** The caller holds `#changes`. */
  async #dropRows(address: Address): Promise<void> {
    await this.#indexUnindexed();
    for (const packId of this.#index.packsOf(address.name)) {
      const { pack, table } = await this.#shelf.load(packId);
      const rest = table.without(address.digest);
      // Before the attempt: should it fail half-way, the next commit must not bring the row back.
      const open = [this.#current, this.#sealing?.pack].find((each) => each?.packId === packId);
      open?.tableReplaced(rest);
      if (rest !== table) {
        const tableFingerprint = await this.#shelf.replaceTable(pack, rest);
        this.#forgetName(packId, address.name, { tableFingerprint, objectCount: rest.rowCount });
      } else {
        await indexPack(this.#shelf, this.#index, packId);
      }
      if (rest.rowCount > 0 || (open?.pendingCount ?? 0) > 0) continue;
      if (open !== undefined && open === this.#current) {
        this.#current = undefined;
        await open.close();
      }
      await dropPack(this.#shelf, this.#index, packId);
      this.packs.forget(packId);
    }
  }
}

/** A large object being put. */
interface LargePut {
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<PutResult>;
  discard(): Promise<void>;
}

/** A large object that the vault has: its bytes are only held against the claim. */
class LargeDuplicate implements LargePut {
  readonly #claim: Claim;
  readonly #hasher = createHash('sha256');
  #sizeBytes = 0;

  constructor(claim: Claim) {
    this.#claim = claim;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#hasher.update(bytes);
    this.#sizeBytes += bytes.length;
    return Promise.resolve();
  }

  finish(): Promise<PutResult> {
    const sha256 = this.#hasher.digest('hex');
    if (this.#claim.sizeBytes !== undefined && this.#claim.sizeBytes !== this.#sizeBytes) {
      throw new VaultError(
        'size-mismatch',
        `${this.#claim.sizeBytes} bytes were announced, ${this.#sizeBytes} arrived`,
      );
    }
    if (this.#claim.sha256 !== sha256) {
      throw new VaultError(
        'digest-mismatch',
        'the bytes do not have the SHA-256 that was claimed; nothing was stored',
      );
    }
    return Promise.resolve({ sha256, sizeBytes: this.#sizeBytes, isNew: false });
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }
}

function lossError(loss: unknown): VaultError {
  if (loss instanceof VaultError) return loss;
  return new VaultError('io', 'objects put before were lost in a failed write: put them again', {
    cause: loss,
  });
}

function joined(blocks: readonly Uint8Array[]): Uint8Array {
  const [only] = blocks;
  return only !== undefined && blocks.length === 1 ? only : Buffer.concat(blocks);
}

function resolveRange(range: ByteRange | undefined, sizeBytes: number): { start: number; end: number } {
  const { start, end = sizeBytes } = range ?? { start: 0 };
  if (
    !Number.isSafeInteger(start) ||
    !Number.isSafeInteger(end) ||
    start < 0 ||
    end < start ||
    end > sizeBytes
  ) {
    throw new VaultError(
      'range-not-satisfiable',
      `bytes ${start} to ${end} lie outside an object of ${sizeBytes} bytes`,
    );
  }
  return { start, end };
}
