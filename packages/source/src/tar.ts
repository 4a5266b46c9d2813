/**
 * A strict reader of tar archives: ustar, pax (POSIX.1-2017, pax, "pax Interchange Format") and the GNU long-name entries.
 * Every field is an attacker's: what is not understood is refused, not guessed.
 */
import { ByteReader, UnexpectedEnd } from './byte-reader.ts';
import { decodePath } from './entry-path.ts';
import { SourceError } from './source-error.ts';

const BLOCK_BYTES = 512;
/** Largest pax header or GNU long name, in bytes. */
const EXTENSION_MAX_BYTES = 1024 * 1024;

export type TarEntry =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: Uint8Array }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly executable: boolean;
      readonly sizeBytes: number;
    };

/** What a pax header or a GNU entry says about the next entry instead of its own fields. */
interface Overrides {
  path?: Uint8Array;
  linkPath?: Uint8Array;
  sizeBytes?: number;
}

/** Reads entries one after another; a file's content is read, or passed over, before the next. */
export class TarReader {
  readonly #reader: ByteReader;
  readonly #archive: string;
  #contentLeft = 0;
  #padding = 0;

  constructor(chunks: AsyncIterable<Uint8Array>, archive: string) {
    this.#reader = new ByteReader(chunks);
    this.#archive = archive;
  }

  close(): Promise<void> {
    return this.#reader.close();
  }

  /**
   * The next entry, or undefined at the end of the archive.
   * @throws SourceError truncated | archive-malformed | path-not-utf8 | hard-link | special-file | sparse-file | unknown-entry-type
   */
  async next(): Promise<TarEntry | undefined> {
    return this.#guard(async () => {
      await this.#reader.skip(this.#contentLeft + this.#padding);
      this.#contentLeft = 0;
      this.#padding = 0;
      const overrides: Overrides = {};
      for (;;) {
        const header = await this.#reader.exactly(BLOCK_BYTES);
        if (header.every((byte) => byte === 0)) {
          if (Object.keys(overrides).length > 0) throw this.#malformed('an extended header without an entry');
          await this.#expectEnd();
          return undefined;
        }
        const entry = await this.#entry(header, overrides);
        if (entry !== undefined) return entry;
      }
    });
  }

  /** The content of the file that {@link next} gave last. @throws SourceError truncated | archive-malformed */
  async *content(): AsyncGenerator<Uint8Array> {
    while (this.#contentLeft > 0) {
      const part = await this.#guard(() => this.#reader.some(this.#contentLeft));
      this.#contentLeft -= part.length;
      yield part;
    }
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof UnexpectedEnd)
        throw new SourceError('truncated', 'the archive ends in the middle', { path: this.#archive, cause });
      throw cause;
    }
  }

  #malformed(reason: string, path: string = this.#archive): SourceError {
    return new SourceError('archive-malformed', reason, { path });
  }

  /** Two blocks of zeros end an archive; only zeros may follow, so that nothing hides behind its end. */
  async #expectEnd(): Promise<void> {
    const second = await this.#reader.exactly(BLOCK_BYTES);
    if (second.some((byte) => byte !== 0)) throw this.#malformed('data after a block of zeros');
    while (!(await this.#reader.atEnd())) {
      const rest = await this.#reader.some(64 * 1024);
      if (rest.some((byte) => byte !== 0)) throw this.#malformed('data after the end of the archive');
    }
  }

  async #entry(header: Uint8Array, overrides: Overrides): Promise<TarEntry | undefined> {
    checkChecksum(header, () => this.#malformed('a header whose checksum is wrong'));
    const type = String.fromCharCode(header[156] ?? 0);
    const headerSize = this.#number(header, 124, 12, 'size');
    if (type === 'x' || type === 'g') {
      this.#readPax(await this.#extension(headerSize), type === 'g', overrides);
      return undefined;
    }
    if (type === 'L' || type === 'K') {
      const name = withoutTrailingZeros(await this.#extension(headerSize));
      this.#override(overrides, type === 'L' ? { path: name } : { linkPath: name });
      return undefined;
    }
    const sizeBytes = overrides.sizeBytes ?? headerSize;
    const rawPath = overrides.path ?? headerPath(header);
    if (rawPath.includes(0)) throw this.#malformed('a name that contains NUL');
    const spelled = decodePath(rawPath);
    const path = withoutDotSlash(spelled);
    this.#padding = (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
    this.#contentLeft = sizeBytes;
    switch (type) {
      case '0':
      case '\0':
      case '7':
        // Before ustar a folder was a file whose name ends in a slash.
        if (path.endsWith('/')) return this.#folder(path, sizeBytes);
        return {
          kind: 'file',
          path,
          executable: (this.#number(header, 100, 8, 'mode') & 0o100) !== 0,
          sizeBytes,
        };
      case '5':
        return this.#folder(path, sizeBytes);
      case '2': {
        if (sizeBytes !== 0) throw this.#malformed('a symbolic link with content', path);
        const target = overrides.linkPath ?? untilZero(header.subarray(157, 257));
        if (target.length === 0 || target.includes(0))
          throw this.#malformed('a symbolic link with an empty or broken text', path);
        return { kind: 'link', path, target };
      }
      case '1':
        throw new SourceError(
          'hard-link',
          'it is a hard link; pack the archive with tar --hard-dereference',
          {
            path,
          },
        );
      case '3':
      case '4':
      case '6':
        throw new SourceError('special-file', 'it is a device or a pipe', { path });
      case 'S':
        throw new SourceError('sparse-file', 'it is a sparse file; pack the archive without --sparse', {
          path,
        });
      default:
        throw new SourceError(
          'unknown-entry-type',
          `its entry type ${JSON.stringify(type)} is not one of a source archive`,
          { path },
        );
    }
  }

  #folder(path: string, sizeBytes: number): TarEntry {
    if (sizeBytes !== 0) throw this.#malformed('a folder with content', path);
    return { kind: 'folder', path: path.replace(/\/$/, '') };
  }

  async #extension(sizeBytes: number): Promise<Uint8Array> {
    if (sizeBytes > EXTENSION_MAX_BYTES)
      throw this.#malformed(`an extended header over ${EXTENSION_MAX_BYTES} bytes`);
    const padded = Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
    // A copy: names outlive the chunk that they were read from.
    return (await this.#reader.exactly(padded)).slice(0, sizeBytes);
  }

  /** Readers differ in which of two extended headers wins, so there may be one. */
  #override(overrides: Overrides, by: Overrides): void {
    for (const key of Object.keys(by))
      if (key in overrides) throw this.#malformed('two extended headers that say the same of one entry');
    Object.assign(overrides, by);
  }

  /** Octal digits, or GNU's base 256 when the first bit is set. */
  #number(header: Uint8Array, at: number, length: number, what: string): number {
    const field = header.subarray(at, at + length);
    if (field[0] === 0x80) {
      const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
      if (!Number.isSafeInteger(value)) throw this.#malformed(`a ${what} that is too large`);
      return value;
    }
    const text = Buffer.from(field).toString('latin1');
    const digits = /^ *([0-7]*)[ \0]*$/.exec(text)?.[1];
    if (digits === undefined) throw this.#malformed(`a ${what} that is not an octal number`);
    return digits === '' ? 0 : Number.parseInt(digits, 8);
  }

  /** Records `<length> <key>=<value>\n`, where the length counts the whole record. */
  #readPax(bytes: Uint8Array, global: boolean, overrides: Overrides): void {
    const seen = new Set<string>();
    for (let at = 0; at < bytes.length; ) {
      const space = bytes.indexOf(0x20, at);
      const lengthText = Buffer.from(bytes.subarray(at, Math.max(space, at))).toString('latin1');
      const length = Number(lengthText);
      const end = at + length;
      const equals = bytes.indexOf(0x3d, space);
      if (!/^[1-9][0-9]{0,7}$/.test(lengthText) || end > bytes.length || bytes[end - 1] !== 0x0a)
        throw this.#malformed('a pax record whose length is wrong');
      if (equals < 0 || equals >= end) throw this.#malformed('a pax record without "="');
      const key = Buffer.from(bytes.subarray(space + 1, equals)).toString('latin1');
      const value = bytes.subarray(equals + 1, end - 1);
      at = end;
      if (seen.has(key)) throw this.#malformed(`the pax record ${JSON.stringify(key)} twice in one header`);
      seen.add(key);
      if (key.startsWith('GNU.sparse.'))
        throw new SourceError('sparse-file', 'it holds a sparse file; pack it without --sparse', {
          path: this.#archive,
        });
      if (key !== 'path' && key !== 'linkpath' && key !== 'size' && key !== 'hdrcharset') continue;
      if (global) throw this.#malformed(`a global pax record ${JSON.stringify(key)}`);
      if (key === 'path') this.#override(overrides, { path: value });
      else if (key === 'linkpath') this.#override(overrides, { linkPath: value });
      else if (key === 'size') {
        const text = Buffer.from(value).toString('latin1');
        const sizeBytes = Number(text);
        if (!/^(0|[1-9][0-9]*)$/.test(text) || !Number.isSafeInteger(sizeBytes))
          throw this.#malformed('a pax size that is not a number');
        this.#override(overrides, { sizeBytes });
      }
    }
  }
}

function checkChecksum(header: Uint8Array, error: () => SourceError): void {
  const stored = /^ *([0-7]+)[ \0]*$/.exec(Buffer.from(header.subarray(148, 156)).toString('latin1'))?.[1];
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK_BYTES; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  if (stored === undefined || Number.parseInt(stored, 8) !== sum) throw error();
}

function untilZero(field: Uint8Array): Uint8Array {
  const zero = field.indexOf(0);
  return field.slice(0, zero < 0 ? field.length : zero);
}

function withoutTrailingZeros(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

/** Name and, in POSIX ustar (not in GNU's variant, which keeps times there), its prefix. */
function headerPath(header: Uint8Array): Uint8Array {
  const name = untilZero(header.subarray(0, 100));
  const ustar = Buffer.from(header.subarray(257, 263)).toString('latin1') === 'ustar\0';
  const prefix = ustar ? untilZero(header.subarray(345, 500)) : new Uint8Array(0);
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

/** `tar -C dir -c .` writes every name as `./name`; the `./` itself says nothing. */
function withoutDotSlash(path: string): string {
  return path.startsWith('./') && path !== './' ? path.slice(2) : path;
}
