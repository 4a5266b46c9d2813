/**
 * The word index in SQLite: an FTS5 table of trigrams (sqlite.org/fts5.html, "The Trigram Tokenizer"), without a copy of the texts.
 * Two control characters, which no folded text holds, stand where a text begins and ends, so that a whole text and the beginning of a
 * part are phrases like any other.
 */
import { sql } from 'kysely';
import { ANYWHERE_LENGTH, foldedText, isFoundAnywhere, partsOf } from '../../projection/word-index.ts';
import type { NameQuery, WordIndex } from '../../projection/word-index.ts';

const BEGIN = '\u0002';
const END = '\u0003';
/** Stands once in every row: a query that says nothing finds it. */
const ANYTHING = BEGIN.repeat(3);

function whole(text: string): string {
  return BEGIN + text + END;
}

function beginnings(texts: readonly string[]): string {
  return (
    ANYTHING +
    texts
      .flatMap(partsOf)
      .map((part) => END + BEGIN + BEGIN + part)
      .join('')
  );
}

function phrase(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

function expression({ words, product, version }: NameQuery): string {
  const clauses = words.map((word) =>
    isFoundAnywhere(word)
      ? `texts : ${phrase(word)}`
      : `parts : ${phrase(
          Array.from(BEGIN + BEGIN + word)
            .slice(-ANYWHERE_LENGTH)
            .join(''),
        )}`,
  );
  if (product !== undefined) clauses.push(`product : ${phrase(whole(product))}`);
  if (version !== undefined) clauses.push(`version : ${phrase(whole(version))}`);
  return clauses.length === 0 ? `parts : ${phrase(ANYTHING)}` : clauses.join(' AND ');
}

export const sqliteWordIndex: WordIndex = {
  async createTables(tx) {
    await sql`create virtual table words using fts5(
      texts, parts, product, version, content = '', columnsize = 0, tokenize = 'trigram case_sensitive 1'
    )`.execute(tx);
  },

  async add(tx, leafIndex, { product, version, name }) {
    const texts = [product, version, name ?? ''].map(foldedText);
    await sql`insert into words (rowid, texts, parts, product, version) values (
      ${leafIndex}, ${texts.join(END)}, ${beginnings(texts)}, ${whole(product)}, ${whole(version)}
    )`.execute(tx);
  },

  async find(db, query, { above, below, order, limit }) {
    // FTS5 begins at a bound only if that is an integer, and node:sqlite binds every number as a real.
    const { rows } = await sql<{ leaf_index: number }>`
      select rowid as leaf_index from words
      where words match ${expression(query)}
        and rowid > cast(${above} as integer) and rowid < cast(${below} as integer)
      order by rowid ${sql.raw(order)} limit ${limit}`.execute(db);
    return rows.map(({ leaf_index: leafIndex }) => leafIndex);
  },
};
