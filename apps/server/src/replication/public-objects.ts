/**
 * Copies what the log names as public: bodies and artifacts of admitted statements. Each is asked for by its digest at the writer's public
 * address, hashed as it comes, and kept in this centre's own vault: from then on every page, evidence file and reason stands without the
 * writer. A large one goes on where an interruption left it.
 */
import type { Logger } from 'pino';
import { ApiError } from '@vitrine/api';
import type { ReadDb } from '../projection/schema.ts';
import { VaultError } from '../vault/vault.ts';
import type { Vault } from '../vault/vault.ts';
import { eachAtOnce } from './at-once.ts';
import { isOfOneThing } from './failures.ts';
import type { Room } from './room.ts';
import { Retries } from './retries.ts';
import type { PublicKind, WriterClient } from './writer-client.ts';

/** Larger ones are uploads of the vault: they survive an interruption, and take no memory. */
const LARGE_BYTES = 1024 * 1024;
const PAGE = 500;
/** With more that cannot be had, no further are looked for. */
const MAX_FAILING = 10_000;
const PURPOSE = 'replication';

export interface PublicObjectsOptions {
  readonly writer: WriterClient;
  readonly read: ReadDb;
  readonly vault: Vault;
  readonly room: Room;
  /** Bodies over this are not taken, in bytes. */
  readonly maxBodyBytes: number;
  readonly atOnce: number;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

interface Wanted {
  readonly kind: PublicKind;
  readonly sha256: string;
  readonly maxBytes: number;
}

export interface PublicObjectsState {
  /** Taken since the start. */
  readonly objects: number;
  readonly bytes: number;
  /** Named by the log, and not to be had so far. */
  readonly failing: number;
}

export class PublicObjects {
  readonly #options: PublicObjectsOptions;
  readonly #failing: Retries;
  readonly #wanted = new Map<string, Wanted>();
  /** Everything that entries below name is here, disposed of, or failing. */
  readonly #doneBelow: Record<PublicKind, number> = { body: 0, artifactContent: 0 };
  #objects = 0;
  #bytes = 0;

  constructor(options: PublicObjectsOptions) {
    this.#options = options;
    this.#failing = new Retries(options.nowMs);
  }

  get state(): PublicObjectsState {
    return { objects: this.#objects, bytes: this.#bytes, failing: this.#failing.size };
  }

  /** Fetches everything that is named and lacking. @returns when one that failed is due again, in ms @throws what keeps all of them from coming */
  async round(signal: AbortSignal): Promise<number> {
    await this.#take([...this.#wanted.values()].filter(({ sha256 }) => this.#failing.isDue(sha256)));
    for (const kind of ['body', 'artifactContent'] as const) {
      while (this.#failing.size < MAX_FAILING) {
        signal.throwIfAborted();
        const page = await this.#named(kind);
        await this.#take(page.wanted);
        this.#doneBelow[kind] = page.next;
        if (page.isLast) break;
      }
    }
    return Math.max(0, this.#failing.nextAtMs - this.#options.nowMs());
  }

  async #named(
    kind: PublicKind,
  ): Promise<{ readonly wanted: Wanted[]; readonly next: number; readonly isLast: boolean }> {
    const { read, maxBodyBytes } = this.#options;
    const from = this.#doneBelow[kind];
    const secret = read.selectFrom('secret_bodies').select('digest');
    const rows =
      kind === 'body'
        ? (
            await read
              .selectFrom('public_bodies')
              .select(['leaf_index', 'digest'])
              .where('leaf_index', '>=', from)
              .where('digest', 'not in', secret)
              .orderBy('leaf_index')
              .limit(PAGE)
              .execute()
          ).map((row) => ({ ...row, maxBytes: maxBodyBytes }))
        : (
            await read
              .selectFrom('artifacts')
              .select(['leaf_index', 'sha256 as digest', 'size_bytes'])
              .where('leaf_index', '>=', from)
              .where('sha256', 'not in', secret)
              .orderBy('leaf_index')
              .limit(PAGE)
              .execute()
          ).map(({ size_bytes: maxBytes, ...row }) => ({ ...row, maxBytes }));
    const last = rows.at(-1)?.leaf_index ?? from - 1;
    const isLast = rows.length < PAGE;
    return {
      wanted: rows.map(({ digest: sha256, maxBytes }) => ({ kind, sha256, maxBytes })),
      // One entry names a few objects, never a page of them: the last of a full page is looked at again.
      next: isLast ? last + 1 : Math.max(last, from + 1),
      isLast,
    };
  }

  async #take(wanted: readonly Wanted[]): Promise<void> {
    const { vault, atOnce } = this.#options;
    const byDigest = new Map(wanted.map((object) => [object.sha256, object]));
    for (const sha256 of [...byDigest.keys()]) {
      if (!vault.isDisposed(sha256)) continue;
      byDigest.delete(sha256);
      this.#settled(sha256);
    }
    const missing = new Set(await vault.missing(byDigest.keys()));
    for (const sha256 of byDigest.keys()) if (!missing.has(sha256)) this.#settled(sha256);
    const lacking = [...byDigest.values()].filter(({ sha256 }) => missing.has(sha256));
    try {
      await eachAtOnce(lacking, atOnce, (object) => this.#takeOne(object));
    } finally {
      await vault.flush();
    }
    for (const sha256 of await vault.missing(missing)) {
      // Lost in a flush that somebody else was told of.
      if (!this.#wanted.has(sha256) && !vault.isDisposed(sha256))
        throw new VaultError('io', 'objects taken from the writer were lost in a failed write');
    }
  }

  async #takeOne(object: Wanted): Promise<void> {
    try {
      this.#bytes += await this.#fetch(object);
      this.#objects += 1;
      this.#settled(object.sha256);
    } catch (error) {
      if (!isOfOneThing(error)) throw error;
      this.#wanted.set(object.sha256, object);
      if (this.#failing.failed(object.sha256, error.message))
        this.#options.logger.warn(
          { object: object.sha256, err: error },
          'a public object cannot be had from the writer; it is tried again',
        );
    }
  }

  #settled(sha256: string): void {
    this.#failing.settled(sha256);
    this.#wanted.delete(sha256);
  }

  /** @returns how many bytes came */
  async #fetch({ kind, sha256, maxBytes }: Wanted): Promise<number> {
    const { writer, vault, room } = this.#options;
    let download = await writer.object(kind, sha256, 0);
    try {
      const { sizeBytes } = download;
      if (sizeBytes > maxBytes)
        throw new VaultError('too-large', `the object has ${sizeBytes} bytes, ${maxBytes} are taken at most`);
      return await room.during(sizeBytes, async () => {
        if (sizeBytes <= LARGE_BYTES) {
          await vault.put(await whole(download.content), { sha256, sizeBytes });
          return sizeBytes;
        }
        const upload = await vault.openUpload(sha256, sizeBytes, { purpose: PURPOSE });
        if (upload.isComplete) return 0;
        if (upload.offsetBytes > 0) {
          await download.cancel();
          download = await writer.object(kind, sha256, upload.offsetBytes);
        }
        if (download.start !== upload.offsetBytes) {
          await vault.abortUpload(sha256);
          await vault.openUpload(sha256, sizeBytes, { purpose: PURPOSE });
        }
        const { isComplete } = await vault.append(sha256, download.start, download.content, {
          purpose: PURPOSE,
        });
        if (!isComplete)
          throw new ApiError('unexpected-response', 'the object ended early; it goes on from there');
        return sizeBytes - download.start;
      });
    } finally {
      await download.cancel().catch(() => undefined);
    }
  }
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}
