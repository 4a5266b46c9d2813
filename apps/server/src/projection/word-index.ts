/**
 * Finds entries by parts of what they are called. What fits is settled here, for every engine: a word of three characters or more is
 * found anywhere, a shorter one where a part begins (`2` and `rc` find `larder-2.1.0-rc.1`); a product or a version only whole.
 */
import type { ReadDb, ReadTx } from './schema.ts';

/** What an entry is called. Product and version hold no control characters: their schemas say so, and an index relies on it. */
export interface Named {
  readonly product: string;
  readonly version: string;
  /** Of an artifact. */
  readonly name: string | null;
}

export interface NameQuery {
  /** Folded, each of which must fit: see {@link wordsOf}. */
  readonly words: readonly string[];
  readonly product?: string | undefined;
  readonly version?: string | undefined;
}

/** A part of the log: the first `limit` of the entries between two bounds, which are exclusive, from one end or the other. */
export interface EntryRange {
  readonly above: number;
  readonly below: number;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
}

/** The port: whatever an engine has for finding parts of words. It lies in the read models, so that both are always of one state. */
export interface WordIndex {
  createTables(tx: ReadTx): Promise<void>;
  /** Called with rising leaf indices. */
  add(tx: ReadTx, leafIndex: number, named: Named): Promise<void>;
  /** The leaf indices of what {@link isCalled} so; of everything, where the query says nothing. */
  find(db: ReadDb, query: NameQuery, range: EntryRange): Promise<number[]>;
}

const MAX_WORDS = 8;
/** Shorter words are found where a part begins. */
export const ANYWHERE_LENGTH = 3;

/** Without case and compatibility forms; control characters, which an index may need for itself, become spaces. */
export function foldedText(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\p{Cc}/gu, ' ');
}

/** The words of what somebody typed. */
export function wordsOf(text: string): readonly string[] {
  return foldedText(text)
    .split(/\s+/u)
    .filter((word) => word !== '')
    .slice(0, MAX_WORDS);
}

/** Letters and digits that stand together, of a text that is folded. */
export function partsOf(text: string): readonly string[] {
  return text.split(/[^\p{L}\p{N}\p{M}]+/u).filter((part) => part !== '');
}

/** Whether a word, which is folded, is found anywhere. */
export function isFoundAnywhere(word: string): boolean {
  return Array.from(word).length >= ANYWHERE_LENGTH;
}

export function isCalled(named: Named, { words, product, version }: NameQuery): boolean {
  if (product !== undefined && product !== named.product) return false;
  if (version !== undefined && version !== named.version) return false;
  const texts = [named.product, named.version, named.name ?? ''].map(foldedText);
  return words.every((word) =>
    isFoundAnywhere(word)
      ? texts.some((text) => text.includes(word))
      : texts.some((text) => partsOf(text).some((part) => part.startsWith(word))),
  );
}
