/**
 * A cosigner's state in a folder: one file at a time, written at its end, and followed by a shorter one when it has
 * grown (`<generation>.cosigned`). A file that can be seen under that name is whole up to its last commit, and says
 * all that those before it said. One process at a time: whoever opens it has locked the folder, or one above it.
 */
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { LogError } from '../../log/log-error.ts';
import type { WitnessState } from '../../witnessing/witness-state.ts';
import { type AppendableFile, type FileSystem, isFull, nodeFileSystem } from '../log-files/file-system.ts';
import { formatHeader, formatRecord, SALT_BYTES, scanStateFile } from './state-file.ts';

/** Room for some tens of thousands of commits; read at once at the start. */
const COMPACT_ABOVE_BYTES = 16 * 1024 * 1024;
const FILE_NAME = /^\d{16}\.cosigned$/;

export interface FileWitnessStateOptions {
  readonly folder: string;
  /** For tests that put faults behind it. */
  readonly fileSystem?: FileSystem;
  /** For tests: how much a file grows before a shorter one follows it. */
  readonly compactAboveBytes?: number;
}

interface CurrentFile {
  readonly file: AppendableFile;
  readonly salt: Uint8Array;
  readonly generation: number;
  /** Where the last durable record ends. */
  position: number;
  /** Position above which a shorter file is tried. */
  compactAbove: number;
}

export class FileWitnessState implements WitnessState {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #growBytes: number;
  /** By origin: the newest note that is durable. */
  #notes = new Map<string, string>();
  #current: CurrentFile | null = null;

  constructor({ folder, fileSystem, compactAboveBytes }: FileWitnessStateOptions) {
    this.#folder = folder;
    this.#files = fileSystem ?? nodeFileSystem;
    this.#growBytes = compactAboveBytes ?? COMPACT_ABOVE_BYTES;
  }

  /** Makes an empty state, unless there is one. Before the key is made: a key that has signed never meets an empty state. */
  async create(): Promise<void> {
    await this.#files.makeDirectory(this.#folder);
    // Whoever made the folders may have ended before their names were durable.
    await this.#files.syncDirectory(dirname(this.#folder));
    await this.#files.syncDirectory(dirname(dirname(this.#folder)));
    if ((await this.#generations()).length > 0) return;
    try {
      await this.#writeFile(1, randomBytes(SALT_BYTES), []);
    } catch (cause) {
      throw isFull(cause) ? full(cause) : cause;
    }
    await this.#files.syncDirectory(this.#folder);
  }

  /**
   * Copies the newest file into one of its own. So nothing is trusted because it was in the page cache: after a failed
   * sync the kernel may hold as clean what never reached the disk, and after a kill -9 what nobody has synced yet.
   */
  async open(): Promise<readonly string[]> {
    await this.#abandon();
    const generation = (await this.#generations()).at(-1);
    if (generation === undefined) {
      throw new LogError(
        'log-missing',
        `${this.#folder} holds no record of what was cosigned: restore nothing older than the newest cosignature, or begin with a new key in a new folder`,
      );
    }
    const path = this.#path(generation);
    this.#notes = new Map();
    for (const notes of scanStateFile(path, (await this.#files.read(path)) ?? new Uint8Array(0))) {
      this.#keep(notes);
    }
    try {
      await this.#begin(generation + 1);
    } catch (cause) {
      throw isFull(cause) ? full(cause) : cause;
    }
    return [...this.#notes.values()];
  }

  async commit(notes: readonly string[]): Promise<void> {
    const current = this.#current;
    if (current === null) throw new Error('the state is not open');
    const record = formatRecord(current.salt, notes);
    try {
      await append(current, record);
    } catch (cause) {
      // Until `open` has read the file back nothing may be written after it.
      if (!(cause instanceof LogError)) await this.#abandon();
      throw cause;
    }
    current.position += record.length;
    this.#keep(notes);
    if (current.position > current.compactAbove) await this.#compact(current);
  }

  close(): Promise<void> {
    return this.#abandon();
  }

  /** After a commit that is durable already, which it must not fail: if it cannot, the next begins with `open`. */
  async #compact(current: CurrentFile): Promise<void> {
    try {
      await this.#begin(current.generation + 1);
    } catch (cause) {
      if (isFull(cause) && (await this.#generations()).at(-1) === current.generation) {
        current.compactAbove = current.position + this.#growBytes;
        return;
      }
      await this.#abandon();
    }
    await current.file.close().catch(() => undefined);
  }

  /** Goes on in a new file that says what all before it said. */
  async #begin(generation: number): Promise<void> {
    const salt = randomBytes(SALT_BYTES);
    const position = await this.#writeFile(generation, salt, [...this.#notes.values()]);
    await this.#files.syncDirectory(this.#folder);
    const file = await this.#files.openForAppend(this.#path(generation));
    this.#current = { file, salt, generation, position, compactAbove: position + this.#growBytes };
    for (const older of await this.#generations()) {
      if (older < generation) await this.#files.remove(this.#path(older));
    }
  }

  /** Under another name first: a file that can be seen is whole. @returns its length */
  async #writeFile(generation: number, salt: Uint8Array, notes: readonly string[]): Promise<number> {
    const bytes = Buffer.concat([formatHeader(salt), formatRecord(salt, notes)]);
    const temporary = join(this.#folder, 'new');
    await this.#files.writeNew(temporary, bytes);
    await this.#files.rename(temporary, this.#path(generation));
    return bytes.length;
  }

  #keep(notes: readonly string[]): void {
    for (const note of notes) this.#notes.set(note.slice(0, note.indexOf('\n')), note);
  }

  async #abandon(): Promise<void> {
    const current = this.#current;
    this.#current = null;
    await current?.file.close().catch(() => undefined);
  }

  async #generations(): Promise<number[]> {
    const names = (await this.#files.list(this.#folder)).filter((name) => FILE_NAME.test(name)).toSorted();
    return names.map((name) => Number.parseInt(name, 10));
  }

  #path(generation: number): string {
    return join(this.#folder, `${String(generation).padStart(16, '0')}.cosigned`);
  }
}

async function append({ file, position }: CurrentFile, record: Uint8Array): Promise<void> {
  try {
    await file.write(record, position);
  } catch (cause) {
    if (!isFull(cause)) throw cause;
    // What was written of the record goes. If even that fails, the outcome is unknown.
    await file.truncate(position);
    throw full(cause);
  }
  await file.datasync();
}

function full(cause: unknown): LogError {
  return new LogError(
    'disk-full',
    'the disk is full: nothing is cosigned before it has space, since what is cosigned must be remembered',
    { cause },
  );
}
