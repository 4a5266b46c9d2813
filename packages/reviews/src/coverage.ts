// Coverage: which bytes of the code in scope were delivered and on screen. It measures what was shown, not what was understood,
// and is named so. It goes by content: a file that the next release has unchanged stays shown, and one that was moved does too.

import { type ByteRange, bytesWithin, unionOf } from './byte-ranges.ts';

/** A file in scope. `digest`: hex SHA-256 of its content. */
export interface ScopedFile {
  readonly path: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** That a part of a content was on a reader's screen. */
export interface Shown extends ByteRange {
  readonly digest: string;
  /** The reader's keyid. */
  readonly reader: string;
}

/** Bytes shown of bytes in scope, and files: begun, and shown to the last byte. */
export interface Share {
  readonly bytes: number;
  readonly bytesShown: number;
  readonly files: number;
  readonly filesBegun: number;
  readonly filesShown: number;
}

export interface FileCoverage extends ScopedFile {
  readonly bytesShown: number;
}

export interface Coverage {
  readonly total: Share;
  /** In the order of the scope. */
  readonly files: readonly FileCoverage[];
  /** By folder, without a slash at its end; the whole is the empty one. Each counts what lies below it. */
  readonly folders: ReadonlyMap<string, Share>;
  /** By the last extension of the name, in lower case with its dot; the empty one for names that have none. */
  readonly extensions: ReadonlyMap<string, Share>;
  /** By keyid: what they were shown themselves. */
  readonly readers: ReadonlyMap<string, Share>;
}

/** What was shown of each content, gathered from any number of records. */
export class ShownBytes {
  readonly #readers: string[] = [];
  readonly #numbers = new Map<string, number>();
  /** By content: reader's number, from, to, one record after another. Millions of them fit as numbers, not as objects. */
  readonly #byContent = new Map<string, number[]>();

  add({ digest, from, reader, to }: Shown): void {
    const known = this.#byContent.get(digest);
    if (known === undefined) this.#byContent.set(digest, [this.#numberOf(reader), from, to]);
    else known.push(this.#numberOf(reader), from, to);
  }

  /** By reader, what was shown of a content. */
  of(digest: string): ReadonlyMap<string, readonly ByteRange[]> {
    const readers = new Map<string, ByteRange[]>();
    const numbers = this.#byContent.get(digest) ?? [];
    for (let i = 0; i < numbers.length; i += 3) {
      const reader = this.#readers[numbers[i] ?? 0] ?? '';
      const range = { from: numbers[i + 1] ?? 0, to: numbers[i + 2] ?? 0 };
      const ranges = readers.get(reader);
      if (ranges === undefined) readers.set(reader, [range]);
      else ranges.push(range);
    }
    return readers;
  }

  #numberOf(reader: string): number {
    const known = this.#numbers.get(reader);
    if (known !== undefined) return known;
    this.#numbers.set(reader, this.#readers.length);
    return this.#readers.push(reader) - 1;
  }
}

/** The coverage of a scope. Two files of one content are both shown when it was. */
export function coverageOf(scope: Iterable<ScopedFile>, shown: ShownBytes): Coverage {
  const files: FileCoverage[] = [];
  const total = new Sum();
  const folders = new Map<string, Sum>();
  const extensions = new Map<string, Sum>();
  const readers = new Map<string, Sum>();
  for (const file of scope) {
    const ranges = [...shown.of(file.digest)].map(([reader, each]) => [reader, unionOf(each)] as const);
    const [first] = ranges;
    const union =
      ranges.length === 1 && first !== undefined ? first[1] : unionOf(ranges.flatMap(([, each]) => each));
    const bytesShown = bytesWithin(union, file.sizeBytes);
    files.push({ ...file, bytesShown });
    total.add(file, bytesShown, ranges.length > 0);
    for (const folder of foldersOf(file.path))
      sumOf(folders, folder).add(file, bytesShown, ranges.length > 0);
    sumOf(extensions, extensionOf(file.path)).add(file, bytesShown, ranges.length > 0);
    for (const [reader, theirs] of ranges)
      sumOf(readers, reader).add(file, bytesWithin(theirs, file.sizeBytes), true);
  }
  return {
    total: total.share,
    files,
    folders: shares(folders),
    extensions: shares(extensions),
    readers: shares(readers),
  };
}

/** What a new release asks a reviewer to read, the most bytes first. */
export interface Lag {
  /** Bytes of files whose content was in none of the releases before. */
  readonly bytesNew: number;
  /** Files that are not shown to the last byte: those with new content first, then by how much is left. */
  readonly next: readonly (FileCoverage & { readonly isNew: boolean })[];
}

/** How far reading lags behind a release. @param before the contents of the releases that were in scope before */
export function lagOf({ files }: Coverage, before: ReadonlySet<string>): Lag {
  const left = files
    .filter(({ bytesShown, sizeBytes }) => bytesShown < sizeBytes)
    .map((file) => ({ ...file, isNew: !before.has(file.digest) }));
  const next = left.toSorted(
    (one, other) =>
      Number(other.isNew) - Number(one.isNew) ||
      other.sizeBytes - other.bytesShown - (one.sizeBytes - one.bytesShown) ||
      (one.path < other.path ? -1 : 1),
  );
  const bytesNew = files.reduce(
    (sum, { digest, sizeBytes }) => sum + (before.has(digest) ? 0 : sizeBytes),
    0,
  );
  return { bytesNew, next };
}

class Sum {
  #bytes = 0;
  #bytesShown = 0;
  #files = 0;
  #filesBegun = 0;
  #filesShown = 0;

  add({ sizeBytes }: ScopedFile, bytesShown: number, isBegun: boolean): void {
    this.#bytes += sizeBytes;
    this.#bytesShown += bytesShown;
    this.#files++;
    if (isBegun) this.#filesBegun++;
    // An empty file is shown once somebody opened it.
    if (isBegun && bytesShown === sizeBytes) this.#filesShown++;
  }

  get share(): Share {
    return {
      bytes: this.#bytes,
      bytesShown: this.#bytesShown,
      files: this.#files,
      filesBegun: this.#filesBegun,
      filesShown: this.#filesShown,
    };
  }
}

function sumOf(sums: Map<string, Sum>, key: string): Sum {
  let sum = sums.get(key);
  if (sum === undefined) sums.set(key, (sum = new Sum()));
  return sum;
}

function shares(sums: ReadonlyMap<string, Sum>): ReadonlyMap<string, Share> {
  return new Map([...sums].map(([key, { share }]) => [key, share]));
}

function* foldersOf(path: string): Generator<string> {
  yield '';
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) yield path.slice(0, at);
}

function extensionOf(path: string): string {
  return /[^/](\.[^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
}
