/**
 * Unfinished uploads of large objects. One append at a time to each; a few are kept open between appends, the others are
 * taken up again from their staging folder.
 */
import { piecesOf } from './byte-source.ts';
import { type StagedUpload, uploadFolder, uploadName } from './opening.ts';
import type { PackShelf } from './pack-shelf.ts';
import { type FinishedObject, StagedObject } from './staged-object.ts';
import type { ByteSource, Claim, UploadState } from './vault-contract.ts';
import { VaultError } from './vault-error.ts';

/** Open files with their buffers: 1 to 4 MiB each. */
const MAX_IDLE_OPEN = 8;

interface Upload {
  /** See `uploadName`. */
  readonly name: string;
  /** Of the staging folder, once there is one. */
  packId: string | undefined;
  /** Known from the first `open` in this process. */
  claim: Required<Claim> | undefined;
  staged: StagedObject | undefined;
  isBusy: boolean;
  touchedAtMs: number;
}

export interface UploadsOptions {
  readonly shelf: PackShelf;
  readonly found: readonly StagedUpload[];
  readonly maxAgeMs: number;
  readonly maxUploads: number;
  readonly now: () => number;
  /** Makes a finished object visible, or removes it when it must not be. */
  readonly commit: (finished: FinishedObject) => Promise<void>;
}

export class Uploads {
  readonly #options: UploadsOptions;
  /** By name. */
  readonly #uploads = new Map<string, Upload>();

  constructor(options: UploadsOptions) {
    this.#options = options;
    for (const { name, packId, touchedAtMs } of options.found) {
      this.#uploads.set(name, {
        name,
        packId,
        touchedAtMs,
        claim: undefined,
        staged: undefined,
        isBusy: false,
      });
    }
  }

  get count(): number {
    return this.#uploads.size;
  }

  /** Begins an upload, or finds where it stands. @throws VaultError too-many-uploads · upload-busy · disk-full · io */
  async open(name: string, claim: Required<Claim>): Promise<UploadState> {
    const upload = this.#uploads.get(name) ?? (await this.#register(name));
    return await this.#exclusively(upload, async () => {
      // Whoever announced another size was wrong, or we are; either way those pieces are not of this object.
      if (upload.claim !== undefined && upload.claim.sizeBytes !== claim.sizeBytes)
        await this.#discard(upload);
      upload.claim = claim;
      this.#uploads.set(name, upload);
      const staged = await this.#takeUp(upload, claim);
      return { offsetBytes: staged.sealedBytes, isComplete: false };
    });
  }

  /** @throws VaultError no-upload · offset-mismatch · upload-busy · size-mismatch · digest-mismatch · disk-full · io */
  async append(name: string, offsetBytes: number, source: ByteSource): Promise<UploadState> {
    const upload = this.#uploads.get(name);
    const claim = upload?.claim;
    if (upload === undefined || claim === undefined) {
      throw new VaultError(
        'no-upload',
        'no upload of this object is open: open it first, and go on where it stands',
      );
    }
    return await this.#exclusively(upload, async () => {
      const staged = await this.#takeUp(upload, claim);
      if (offsetBytes !== staged.sealedBytes) {
        throw new VaultError(
          'offset-mismatch',
          `the upload stands at byte ${staged.sealedBytes}, not at ${offsetBytes}`,
          {
            offsetBytes: staged.sealedBytes,
          },
        );
      }
      await this.#receive(upload, staged, source);
      if (staged.receivedBytes < claim.sizeBytes) {
        await this.#pause(upload, staged);
        return { offsetBytes: staged.sealedBytes, isComplete: false };
      }
      try {
        const finished = await staged.finish();
        await this.#options.commit(finished);
      } catch (error) {
        // Also after a failed sync: what was written before it cannot be relied on.
        await this.#discard(upload);
        throw error;
      }
      this.#uploads.delete(name);
      return { offsetBytes: claim.sizeBytes, isComplete: true };
    });
  }

  /** Forgets the uploads of an object, but those to which an append is under way. @throws VaultError upload-busy */
  async abort(object: string): Promise<void> {
    const uploads = [...this.#uploads.values()].filter(({ name }) => name.startsWith(uploadName(object, '')));
    const outcomes = await Promise.allSettled(
      uploads.map((upload) => this.#exclusively(upload, () => this.#discard(upload))),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Closes all; their folders stay. */
  async close(): Promise<void> {
    for (const upload of this.#uploads.values()) await this.#suspend(upload);
  }

  async #register(name: string): Promise<Upload> {
    const { maxAgeMs, maxUploads, now } = this.#options;
    for (const stale of [...this.#uploads.values()]) {
      if (!stale.isBusy && stale.touchedAtMs < now() - maxAgeMs) {
        await this.#exclusively(stale, () => this.#discard(stale));
      }
    }
    const registered = this.#uploads.get(name);
    if (registered !== undefined) return registered;
    if (this.#uploads.size >= maxUploads) {
      throw new VaultError(
        'too-many-uploads',
        `${maxUploads} uploads are unfinished: finish or abort one, or wait`,
      );
    }
    const upload = {
      name,
      packId: undefined,
      claim: undefined,
      staged: undefined,
      isBusy: false,
      touchedAtMs: now(),
    };
    this.#uploads.set(name, upload);
    return upload;
  }

  async #exclusively<T>(upload: Upload, job: () => Promise<T>): Promise<T> {
    if (upload.isBusy) {
      throw new VaultError(
        'upload-busy',
        'this object is being uploaded by another request: wait for it, or try later',
      );
    }
    upload.isBusy = true;
    try {
      return await job();
    } finally {
      upload.isBusy = false;
      upload.touchedAtMs = this.#options.now();
      // Nothing was begun: the disk is full, say.
      if (upload.packId === undefined) this.#uploads.delete(upload.name);
    }
  }

  async #takeUp(upload: Upload, claim: Required<Claim>): Promise<StagedObject> {
    if (upload.staged !== undefined) return upload.staged;
    await this.#suspendIdle();
    const { shelf } = this.#options;
    if (upload.packId !== undefined) {
      const folder = uploadFolder(upload.name, upload.packId);
      try {
        upload.staged = await StagedObject.resume(shelf, folder, upload.packId, claim);
        return upload.staged;
      } catch (error) {
        if (!(error instanceof VaultError) || error.code !== 'corrupt') throw error;
        // Cut off while it began, or announced with another size.
        await shelf.files.remove(folder);
        upload.packId = undefined;
      }
    }
    upload.staged = await StagedObject.begin(shelf, (packId) => uploadFolder(upload.name, packId), claim);
    upload.packId = upload.staged.pack.packId;
    return upload.staged;
  }

  async #receive(upload: Upload, staged: StagedObject, source: ByteSource): Promise<void> {
    try {
      for await (const piece of piecesOf(source)) await staged.write(piece);
    } catch (error) {
      if (error instanceof VaultError && error.code === 'size-mismatch') await this.#discard(upload);
      else if (error instanceof VaultError) await this.#suspend(upload);
      else await this.#pause(upload, staged);
      throw error;
    }
  }

  async #pause(upload: Upload, staged: StagedObject): Promise<void> {
    try {
      await staged.pause();
    } catch (error) {
      await this.#suspend(upload);
      throw error;
    }
  }

  async #suspendIdle(): Promise<void> {
    const idle = [...this.#uploads.values()]
      .filter((upload) => upload.staged !== undefined && !upload.isBusy)
      .sort((a, b) => b.touchedAtMs - a.touchedAtMs);
    for (const upload of idle.slice(MAX_IDLE_OPEN)) await this.#suspend(upload);
  }

  async #suspend(upload: Upload): Promise<void> {
    const { staged } = upload;
    upload.staged = undefined;
    await staged?.close();
  }

  async #discard(upload: Upload): Promise<void> {
    await this.#suspend(upload);
    if (upload.packId !== undefined) {
      await this.#options.shelf.files.remove(uploadFolder(upload.name, upload.packId));
    }
    upload.packId = undefined;
    upload.claim = undefined;
    this.#uploads.delete(upload.name);
  }
}
